"""The trail of refusals: two events a run however long it is, bounded memory, nothing lost to a log that is away."""

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from governance.audit import AuditLog, NoteSigner, RecordedEvent, Recorder, Source, Subject
from governance.clock import FixedClock
from governance.errors import Unavailable
from governance.pseudonyms import Pseudonymiser, Vault
from governance.refusals import Refusal, RefusalTrail
from governance.storage import Database
from governance.vocabulary import SYSTEM, EventKind, Outcome, SubjectType

ORIGIN = "log.test/refusals"
WINDOW = timedelta(minutes=1)
ONE = Refusal(EventKind.NODE_AUTH, "token.signature", "/oauth/token", "192.0.2.1", "viewer.rkb")


class Counting:
    """A meter that counts."""

    def __init__(self) -> None:
        self.counted: Counter[tuple[str, str]] = Counter()

    def refused(self, *, kind: str, reason: str) -> None:
        self.counted[kind, reason] += 1


class Trail:
    """A trail over a real log."""

    def __init__(self, database: Database, clock: FixedClock) -> None:
        self.database, self.clock, self.meter = database, clock, Counting()
        self.pseudonymiser = Pseudonymiser(b"k" * 32)
        signer = NoteSigner.from_seed(ORIGIN, b"s" * 32)
        self.log = AuditLog(database, self.pseudonymiser, Vault(b"e" * 32), signer, clock, ORIGIN)
        numbers = itertools.count(1)
        recorder = Recorder(self.log, clock, Source(SYSTEM, "QHL"), lambda: f"r-{next(numbers)}")
        self.trail = RefusalTrail(
            recorder, self.pseudonymiser, clock, registered="viewer.rkb".__eq__, window=WINDOW, meter=self.meter
        )
        self.log.start()

    def read(self) -> list[RecordedEvent]:
        """Give what the log holds once everything handed to it is there."""
        self.log.close()
        self.log.start()
        return self.log.read(0, 10_000)


@pytest.fixture
def world(database: Database, clock: FixedClock) -> Iterator[Trail]:
    made = Trail(database, clock)
    yield made
    made.log.close()


def test_a_refusal_is_in_the_log_at_once(world: Trail) -> None:
    world.trail.note(ONE)
    (event,) = world.read()
    assert (event.kind, event.outcome, event.source.id) == (EventKind.NODE_AUTH, Outcome.MINOR, SYSTEM)
    assert event.detail == {
        "act": "refuse",
        "address": world.pseudonymiser.address("192.0.2.1"),
        "claimed": "viewer.rkb",
        "endpoint": "/oauth/token",
        "reason": "token.signature",
    }
    assert event.subject is None


def test_repeats_are_counted_in_one_closing_event(world: Trail) -> None:
    began = world.clock.now()
    for _ in range(500):
        world.trail.note(ONE)
        world.clock.advance(timedelta(milliseconds=100))
    assert len(world.read()) == 1
    world.clock.advance(WINDOW)
    world.trail.flush()
    opening, closing = world.read()
    assert closing.detail == dict(opening.detail) | {"count": 500, "since": began.isoformat()}
    assert (opening.time, closing.time) == (began, began + timedelta(milliseconds=49_900))
    assert closing.id == f"{opening.id}-closed"
    assert world.meter.counted["node_auth", "token.signature"] == 500
    world.trail.flush()
    assert world.trail.held == 0


def test_one_refusal_has_no_closing_event(world: Trail) -> None:
    world.trail.note(ONE)
    world.clock.advance(WINDOW)
    world.trail.flush()
    assert len(world.read()) == 1


def test_a_window_that_is_over_is_closed_by_the_next_refusal_too(world: Trail) -> None:
    world.trail.note(ONE)
    world.trail.note(ONE)
    world.clock.advance(WINDOW)
    world.trail.note(ONE)
    assert ["count" in event.detail for event in world.read()] == [False, True, False]


@pytest.mark.parametrize(
    "other",
    [
        {"reason": "token.expired"},
        {"endpoint": "/oauth/revoke"},
        {"address": "192.0.2.2"},
        {"claimed": "stranger"},
        {"subject": Subject("viewer.rkb", SubjectType.SERVICE)},
        {"kind": EventKind.TOKEN},
    ],
)
def test_what_differs_is_a_run_of_its_own(world: Trail, other: dict[str, object]) -> None:
    world.trail.note(ONE)
    world.trail.note(replace(ONE, **other))  # type: ignore[arg-type]
    assert len(world.read()) == 2


def test_nothing_that_nobody_proved_is_stored_in_clear(world: Trail) -> None:
    world.trail.note(Refusal(EventKind.NODE_AUTH, "token.client", "/oauth/token", "198.51.100.77", "Dr Somebody"))
    world.read()
    with world.database.reading() as session:
        tables = ("audit_entry", "audit_event")
        names = [
            row[0]
            for row in session.connection().execute(
                text(
                    "SELECT name FROM sqlite_master WHERE type = 'table'"
                    if world.database.dialect == "sqlite"
                    else "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
                )
            )
        ]
        stored = [
            repr([bytes(value) if isinstance(value, memoryview) else value for value in row])
            for name in names
            for row in session.connection().execute(text(f'SELECT * FROM "{name}"'))
        ]
    assert set(names) & set(tables)
    assert stored
    assert not any("Somebody" in row or "198.51.100.77" in row for row in stored)


def test_a_claim_that_looks_like_a_pseudonym_is_hashed_like_any_other(world: Trail) -> None:
    forged = world.pseudonymiser.client("somebody else")
    world.trail.note(Refusal(EventKind.NODE_AUTH, "token.client", "/oauth/token", "192.0.2.1", forged))
    (event,) = world.read()
    assert event.detail["claimed"] not in {forged, None}


def test_a_flood_of_many_names_and_addresses_has_bounded_memory_and_bounded_events(
    world: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    most, of_address = 60, 8
    monkeypatch.setattr("governance.refusals.trail.MOST", most)
    monkeypatch.setattr("governance.refusals.trail.OF_ADDRESS", of_address)
    for number in range(of_address * 3):
        world.trail.note(Refusal(EventKind.NODE_AUTH, "token.client", "/oauth/token", "192.0.2.1", f"name-{number}"))
    assert world.trail.held == of_address + 1
    for number in range(most + 500):
        world.trail.note(Refusal(EventKind.NODE_AUTH, "token.client", "/oauth/token", f"2001:db8::{number:x}", "x"))
    assert world.trail.held == most + 1
    world.clock.advance(WINDOW)
    world.trail.flush()
    events = world.read()
    together = [event.detail for event in events if "count" in event.detail]
    assert {detail["together"]: detail["count"] for detail in together} == {
        "address": of_address * 2,
        "all": most + 500 - (most - of_address - 1),
    }
    assert len(events) == most + 3
    world.trail.flush()
    assert world.trail.held == 0


def test_a_log_that_cannot_be_written_loses_no_refusal_and_stops_nobody(world: Trail) -> None:
    world.log.close()
    for _ in range(7):
        world.trail.note(ONE)
    world.trail.flush()
    world.clock.advance(WINDOW)
    world.trail.flush()
    assert world.trail.held == 1
    world.log.start()
    world.trail.flush()
    opening, closing = world.read()
    assert ("count" in opening.detail, closing.detail["count"]) == (False, 7)
    world.trail.flush()
    assert world.trail.held == 0


def test_a_commit_that_fails_is_made_up_for(world: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Database.transaction

    def failing(self: Database) -> object:
        raise Unavailable("database.busy", "Not now.")

    monkeypatch.setattr(Database, "transaction", failing)
    world.trail.note(ONE)
    world.trail.note(ONE)
    world.log.close()  # what waited has failed by now
    monkeypatch.setattr(Database, "transaction", real)
    world.log.start()
    world.trail.flush(everything=True)
    assert [event.detail.get("count") for event in world.read()] == [None, 2]


def test_threads_lose_no_count(world: Trail) -> None:
    def refuse() -> None:
        for _ in range(200):
            world.trail.note(ONE)

    threads = [threading.Thread(target=refuse) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    world.trail.flush(everything=True)
    assert [event.detail.get("count") for event in world.read()] == [None, 1_600]


def test_whatever_fails_while_noting_the_refusal_goes_on(world: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_client_id: str) -> bool:
        raise RuntimeError("the register is away")

    monkeypatch.setattr(world.trail, "_registered", failing)
    world.trail.note(ONE)
    (event,) = world.read()
    assert str(event.detail["claimed"]).startswith("c-")
    monkeypatch.setattr(world.trail, "_clock", None)
    world.trail.note(ONE)
