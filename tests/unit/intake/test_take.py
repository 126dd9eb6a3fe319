"""The one use case of every way in: receipts, refusals by their place, what is kept, what is counted, reading again."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from governance.audit import AuditLog, Event, RecordedEvent, Recorder, Source
from governance.clock import FixedClock
from governance.errors import Conflict, Fault, InvalidInput, Unavailable
from governance.formats import Context
from governance.intake import Carrier, Intake, Keeping, Sender
from governance.intake.overflow import EVERY
from governance.intake.quarantine import Quarantine, Retried
from governance.intake.take import NO_ROOM
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database
from governance.telemetry import Metrics
from governance.vocabulary import EventKind, Outcome
from tests.worlds.intake import make_intake
from tests.worlds.log import MakeEvent

RRK = Sender("client-rrk", "RRK")
FAULT = "could not be read through a fault of this service"


@dataclass
class World:
    """An intake, what stands behind it, and a carrier of words that each say what becomes of them."""

    intake: Intake
    log: AuditLog
    quarantine: Quarantine
    metrics: Metrics
    carrier: Carrier[str]
    mended: bool = False

    def take(self, *words: str, sender: Sender = RRK) -> Any:
        return self.intake.take(self.carrier, enumerate(words, 1), sender)

    def recorded(self) -> list[RecordedEvent]:
        """Give what the log says of the recording itself."""
        return [event for event in self.log.read(0, 100) if event.kind is EventKind.RECORDING]

    def counted(self) -> dict[str, float]:
        results = ("accepted", "duplicate", "rejected", "quarantined", "refused")
        values = {
            result: self.metrics.registry.get_sample_value(
                "governance_audit_events_total", {"format": "words", "result": result}
            )
            for result in results
        }
        return {result: value for result, value in values.items() if value}


@pytest.fixture
def world(
    database: Database,
    log: AuditLog,
    pseudonymiser: Pseudonymiser,
    vault: Vault,
    clock: FixedClock,
    make_event: MakeEvent,
) -> World:
    quarantine, metrics = Quarantine(database, pseudonymiser, vault, clock, capacity=10), Metrics()
    intake = make_intake(log, quarantine, pseudonymiser, clock, metrics)

    def read(word: str, sender: Sender, _context: Context) -> Sequence[Event]:
        kind, _, number = word.partition(":")
        ours = Source("pacs", sender.ods or "RKB")
        made = make_event(int(number or 0), source=ours)
        if kind == "unknown" and not found.mended:
            raise InvalidInput([Fault("/word", "is unknown")])
        if kind == "bug" and not found.mended:
            raise ZeroDivisionError(word)
        if kind == "foreign":
            return [make_event(int(number), source=Source("pacs", "RKB"))]
        if kind == "other":
            return [make_event(int(number), source=ours, destination="elsewhere")]
        if kind == "nothing":
            return []
        if kind == "two":
            return [made, make_event(int(number) + 1, source=ours)]
        return [made]

    def pack(word: str, _sender: Sender) -> bytes | None:
        return None if word.startswith("foreign") else word.encode()

    keeping = Keeping("words", pack, lambda raw: (raw.decode(), RRK))
    found = World(intake, log, quarantine, metrics, Carrier("words", read, keeping=keeping))
    return found


def test_every_bad_thing_is_named_by_its_place_and_its_neighbours_are_recorded(world: World) -> None:
    world.take("good:1")
    taken = world.take("good:2", "unknown", "good:3", "bug:4", "foreign:5", "other:1", "good:1", "two:6", "nothing")
    assert [(fault.line, fault.reason) for fault in taken.faults] == [
        (2, "/word: is unknown"),
        (4, FAULT),
        (5, "/source/ods: this caller reports for its own trust only"),
        (6, "another event with this id was already recorded"),
        (9, ": holds no event"),
    ]
    tally = taken.tally
    assert (tally.accepted, tally.duplicates, tally.first_index, tally.last_index) == (4, 1, 0, 4)
    assert [event.id for event in world.log.read(0, 10)] == [f"event-{number}" for number in (1, 2, 3, 6, 7)]
    assert [[receipt.position for receipt in part.receipts] for part in taken.parts] == [
        [1], [], [2], [], [], [None], [0], [3, 4], [],
    ]  # fmt: skip
    assert (taken.quarantined, taken.rejected) == (4, 1)
    assert world.counted() == {"accepted": 5, "duplicate": 1, "quarantined": 4, "rejected": 1}
    waiting = [(each.carrier, each.peer, each.reason) for each in world.quarantine.page()]
    assert waiting == [
        ("words", "client-rrk", "/word: is unknown"),
        ("words", "client-rrk", FAULT),
        ("words", "client-rrk", "another event with this id was already recorded"),
        ("words", "client-rrk", ": holds no event"),
    ]


def test_each_part_says_whether_it_is_new_and_why_it_failed(world: World) -> None:
    first, again, unknown, other = world.take("good:1", "good:1", "unknown", "other:1").parts
    assert (first.new, first.failure, again.new, again.failure) == (True, None, False, None)
    assert isinstance(unknown.failure, InvalidInput)
    assert isinstance(other.failure, Conflict)
    assert other.failure.detail == "The event was not recorded: another event with this id was already recorded."


def test_where_nothing_is_kept_everything_bad_is_rejected(world: World) -> None:
    world.carrier = Carrier("words", world.carrier.read)
    taken = world.take("unknown", "good:1")
    assert (taken.quarantined, taken.rejected, world.quarantine.waiting()) == (0, 1, 0)
    assert world.counted() == {"accepted": 1, "rejected": 1}
    assert world.intake.retry(world.carrier) == Retried(0, 0, None)


def test_nothing_sent_is_nothing_taken(world: World) -> None:
    taken = world.take()
    assert (taken.parts, taken.faults, taken.tally.first_index) == ((), (), None)
    assert world.counted() == {}


def test_a_full_quarantine_refuses_by_name_and_good_things_go_on(world: World, clock: FixedClock) -> None:
    world.take(*["unknown"] * 10)
    taken = world.take("good:1", "unknown", "bug", "good:2")
    assert (taken.tally.accepted, taken.quarantined, taken.refused, taken.rejected) == (2, 0, 2, 0)
    assert [(fault.line, fault.reason) for fault in taken.faults] == [
        (2, f"/word: is unknown; {NO_ROOM}"),
        (3, f"{FAULT}; {NO_ROOM}"),
    ]
    assert world.counted() == {"accepted": 2, "quarantined": 10, "refused": 2}
    (event,) = world.recorded()
    digests = [hashlib.sha256(word).hexdigest() for word in (b"unknown", b"bug")]
    named = {"carrier": "words", "source": "client-rrk", "messages": 2, "sha256": digests}
    assert named.items() <= event.detail.items()
    assert event.outcome is Outcome.SERIOUS


def test_refusals_of_a_source_are_recorded_once_a_minute_and_none_is_forgotten(world: World, clock: FixedClock) -> None:
    world.take(*["unknown"] * 10)
    for _ in range(3):
        world.take("unknown")
    assert [event.detail["messages"] for event in world.recorded()] == [1]
    clock.advance(EVERY)
    world.take("unknown")
    world.take("unknown", sender=Sender("another", "RRK"))
    assert [event.detail["messages"] for event in world.recorded()] == [1, 3, 1]
    world.take("unknown", "unknown")
    world.intake.flush()
    assert len(world.recorded()) == 3, "a minute is not over"
    clock.advance(EVERY)
    world.intake.flush()
    assert [event.detail["messages"] for event in world.recorded()] == [1, 3, 1, 2]
    world.take("unknown")
    world.intake.flush(everything=True)
    world.intake.flush(everything=True)
    assert [event.detail["messages"] for event in world.recorded()] == [1, 3, 1, 2, 1]


def test_what_cannot_be_refused_by_name_is_not_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.take(*["unknown"] * 10)
    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "record", unavailable)
        with pytest.raises(Unavailable):
            world.take("good:1", "unknown")
    taken = world.take("good:1", "unknown")
    assert (taken.tally.duplicates, taken.refused) == (1, 1)
    assert [event.detail["messages"] for event in world.recorded()] == [2], "both attempts are owed a name"


def unavailable(*_: object, **__: object) -> None:
    raise Unavailable("audit.unavailable", "The log is away.")


def test_kept_things_are_read_again_by_the_same_rules_and_counted_then(world: World) -> None:
    world.take("unknown:1", "bug:2", "good:3", "unknown:3")
    assert world.intake.retry(world.carrier) == Retried(0, 3, 3)
    assert [each.attempts for each in world.quarantine.page()] == [1, 1, 1]
    world.mended = True
    assert world.intake.retry(world.carrier) == Retried(3, 3, 3)
    assert world.quarantine.waiting() == 0
    assert sorted(event.id for event in world.log.read(0, 10)) == ["event-1", "event-2", "event-3"]
    assert world.counted() == {"accepted": 3, "duplicate": 1, "quarantined": 3}


def test_a_kept_thing_of_which_one_event_is_refused_keeps_waiting_and_the_next_has_its_turn(world: World) -> None:
    world.take("other:2")
    world.take("two:1", "unknown:5")
    world.mended = True
    assert world.intake.retry(world.carrier) == Retried(1, 2, 2)
    (left,) = world.quarantine.page()
    assert (left.number, left.reason) == (1, "another event with this id was already recorded")


def test_a_kept_thing_that_cannot_be_opened_does_not_keep_the_next_from_its_turn(
    world: World, database: Database
) -> None:
    world.take("unknown:1", "unknown:2")
    damage = "UPDATE audit_quarantine SET sealed = 'bm90IHNlYWxlZCBhdCBhbGwuLi4=' WHERE number = 1"
    with database.engine.begin() as connection:
        connection.exec_driver_sql(damage)
    world.mended = True
    assert world.intake.retry(world.carrier) == Retried(1, 2, 2)
    (left,) = world.quarantine.page()
    assert (left.number, left.reason) == (1, "its sealed bytes cannot be opened")
