"""A replay runs the same rules beside what lives; a rewind starts again; work comes in short transactions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from governance.alerts import Finding, Raised, Revision
from governance.clock import FixedClock
from governance.detection import LivePast, changed_rules, default_rules
from governance.detection.reader import _store
from governance.detection.reader.engine import CURSOR, LEASE, DetectionEngine
from governance.detection.reader.past.live import Told
from governance.detection.reader.run import FINDING
from governance.detection.reader.scoring import BUDGET
from governance.errors import InvalidInput
from governance.facts._store import move_horizon
from governance.storage import Database
from tests.worlds.alerts import AlertWorld, act, permitted

MINUTE = timedelta(minutes=1)


@pytest.fixture
def small(sqlite_database: Database, clock: FixedClock) -> AlertWorld:
    return AlertWorld(sqlite_database, clock)


def everything(database: Database) -> list[list[Any]]:
    """Give every row of alerts and of detection."""
    tables = ("alert", "alert_event", "alert_link", "detection_cursor", "detection_state", "detection_entry")
    with database.reading() as session:
        return [
            [tuple(row) for row in session.connection().exec_driver_sql(f"SELECT * FROM {table}")] for table in tables
        ]


def told(world: AlertWorld) -> None:
    events = [
        act(f"bare-{number}", number * 60, who=f"u{number}", patient="9990000026", study="1.2.4") for number in range(2)
    ]
    events += permitted("self", 300, who="nia", patient="9990000018", study="1.2.5")
    events.append(act("late", 400, who="zed", patient="9990000026", study="1.2.4", decision="d-late"))
    events += [act(f"login-{minutes}", minutes, kind="login", who="ann") for minutes in (900, 5_000, 5_050)]
    events.append(
        act("d-late", 5_100, who="zed", kind="decision", patient="9990000026", study="1.2.4", decision="d-late")
    )
    world.record(events)


def test_a_replay_gives_the_same_bytes_and_touches_nothing(small: AlertWorld) -> None:
    told(small)
    engine = small.engine()
    engine.catch_up()
    size, before = small.log.tree_head()[0], everything(small.database)
    done: list[int] = []
    first = engine.replay(0, size, progress=done.append)
    again = small.engine(batch=3).replay(0, size)
    assert json.dumps(first.findings) == json.dumps(again.findings)
    assert first.findings
    assert (first.events, done[-1]) == (size, size)
    assert everything(small.database) == before
    assert small.log.tree_head()[0] == size
    withdrawn = [each for each in first.findings if each["withdrawn"]]
    assert [each["evidence"][0]["signal"] for each in withdrawn] == ["decision_unknown"]
    assert withdrawn[0]["taken_back"]


def test_a_replay_of_a_span_reads_no_more(small: AlertWorld) -> None:
    told(small)
    found = small.engine().replay(1, 2)
    assert (found.first, found.last, found.events) == (1, 2, 1)
    assert {index for each in found.findings for index in each["events"]} == {1}
    assert found.counts() == {"access_without_decision": {"alert": 1, "notice": 0, "withdrawn": 0}}


def test_an_instant_stands_for_the_first_entry_recorded_then(small: AlertWorld) -> None:
    began = small.clock.now()
    for number in range(7):
        small.record([act(f"a-{number}", number, kind="login", who="ann")])
        small.clock.advance(MINUTE)
    engine = small.engine()
    assert [engine.index_at(began + n * MINUTE) for n in (-1, 0, 3, 6)] == [0, 0, 3, 6]
    assert engine.index_at(began + 3 * MINUTE - timedelta(seconds=1)) == 3
    assert engine.index_at(began + 90 * MINUTE) == 7


def test_other_settings_are_checked_by_name_and_type() -> None:
    rules = default_rules()
    settings = {"patient_burst": {"least": 4}, "break_glass_used": {"review_within": "2h"}}
    changed: dict[str, Any] = {rule.id: rule for rule in changed_rules(rules, settings)}
    assert changed["patient_burst"].least == 4
    assert changed["break_glass_used"].review_within == timedelta(hours=2)
    wrong = {
        "patient_burst": {"least": "many", "windows": "2h"},
        "break_glass_used": {"review_within": 5},
        "made_up": {},
        "self_access": 3,
    }
    with pytest.raises(InvalidInput) as refused:
        changed_rules(rules, wrong)
    assert {fault.path for fault in refused.value.faults} == {
        "/break_glass_used/review_within",
        "/made_up",
        "/patient_burst/least",
        "/patient_burst/windows",
        "/self_access",
    }


def test_a_rewind_goes_back_as_far_as_the_facts_of_the_time_are_kept(small: AlertWorld) -> None:
    small.record([act(f"e-{number}", number) for number in range(3)])
    engine = small.engine()
    engine.catch_up()
    with small.database.transaction() as session:
        move_horizon(session, 2)
    engine.rewind()
    assert engine.position() == 2
    assert engine.catch_up() >= 1, "and the entries of the alerts that it raised before"


def test_a_rewind_by_another_process_is_noticed_without_a_new_event(small: AlertWorld) -> None:
    told(small)
    running = small.engine("running")
    read = running.catch_up()
    small.engine("command").rewind()
    assert running.run_once() == 0, "its lease is not asked for yet"
    running._renew_at = None
    assert running.catch_up() == read, "the log is read again, its own alerts among it"


class Taker:
    """Takes findings, and remembers how many came in one transaction."""

    def __init__(self, world: AlertWorld) -> None:
        self._world = world
        self.taken: list[int] = []
        self.revised: list[Revision] = []

    def raise_findings(self, session: Session, findings: Sequence[Finding]) -> list[Raised]:
        self.taken.append(len(findings))
        return self._world.alerts.raise_findings(session, findings)

    def revise(self, session: Session, revisions: Sequence[Revision]) -> None:
        self.revised += revisions


def engine_of(world: AlertWorld, taker: Taker, holder: str = "one") -> DetectionEngine:
    plain = world.engine(holder)
    return DetectionEngine(
        database=world.database,
        log=world.log,
        alerts=taker,
        revise=taker.revise,
        rules=default_rules(),
        context=plain._context,
        past=lambda session: LivePast(session, world.search, Told()),
        instant=lambda _session: world.clock.now(),
        holder=holder,
        meter=world.meter,
    )


def test_many_findings_come_in_slices_and_each_is_kept(small: AlertWorld) -> None:
    """Four hundred people, each at an archive of their own: nobody is one of many."""
    count = 400
    small.record(
        [act(f"bare-{n}", n / 100, who=f"u{n}", study=f"1.2.{n}", source=f"archive-{n}") for n in range(count)]
    )
    taker = Taker(small)
    engine = engine_of(small, taker)
    engine.run_once()
    assert engine.position() == count
    assert max(taker.taken) <= BUDGET // FINDING + 5
    assert sum(taker.taken) >= count


def test_what_becomes_due_at_once_comes_in_slices_and_goes_on_in_another_process(small: AlertWorld) -> None:
    """All of it is settled at one event, over several transactions, of two processes."""
    count = 400
    waiting = [
        act(f"w-{n}", 0, who=f"u{n}", study=f"1.2.{n}", source=f"archive-{n}", decision=f"d-{n}") for n in range(count)
    ]
    small.record([*waiting, *(act(f"late-{at}", at, kind="login", who="ann") for at in (60, 600, 6_000))])
    taker = Taker(small)
    first = engine_of(small, taker)
    raised, stop = taker.raise_findings, RuntimeError("the process is gone")

    def failing(session: Session, findings: Sequence[Finding]) -> list[Raised]:
        if sum(taker.taken) > count // 2:
            raise stop
        return raised(session, findings)

    taker.raise_findings = failing  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        first.catch_up()
    taker.raise_findings = raised  # type: ignore[method-assign]
    assert first.position() == count + 2, "the event that settles them is not done yet"
    small.clock.advance(LEASE * 2)
    other = engine_of(small, taker, "two")
    other.catch_up()
    assert max(taker.taken) <= BUDGET // FINDING + 5
    with small.database.reading() as session:
        linked = (
            session.connection().exec_driver_sql('SELECT COUNT(DISTINCT "event_index") FROM alert_event').scalar_one()
        )
        found = _store.cursor(session, CURSOR)
    assert linked == count
    assert found is not None
    assert found.next_index > count


def test_what_is_revised_goes_out_with_its_step(small: AlertWorld) -> None:
    told(small)
    taker = Taker(small)
    engine_of(small, taker).catch_up()
    assert [each.index for each in taker.revised] == [8]
