"""Alerts and detection in several processes at once: one alert an incident, one number a change, one reader."""

from dataclasses import replace

from governance.alerts import AlertQuery, Change, ClosedBy, Revision, Viewer
from governance.audit import Query
from governance.clock import FixedClock
from governance.errors import Conflict
from governance.storage import Database
from governance.vocabulary import AlertState, EventKind, Verdict
from tests.worlds.alerts import REGION, AlertWorld, act, finding
from tests.worlds.basics import NOON
from tests.worlds.processes import at_once

WRITERS, INCIDENTS = 4, 6


def raise_all(database: Database, writer: int) -> list[str]:
    """Raise a finding of each incident, as everybody does, each with an event of one's own; gives the alerts."""
    world = AlertWorld(database, FixedClock(NOON))
    return [
        world.raise_all(finding(subject=f"s-{number}", events=(writer,), trusts=("RRK", f"R{writer}")))[0][0]
        for number in range(INCIDENTS)
    ]


def comment(database: Database, writer: int, alert: str) -> None:
    world = AlertWorld(database, FixedClock(NOON))
    for turn in range(5):
        world.alerts.comment(replace(REGION, id=f"officer-{writer}", person=True), alert, f"{writer}.{turn}")


def judge(database: Database, trust: str, alert: str) -> str:
    """Give the verdict of a trust, as one of its officers does; says what came of it."""
    world = AlertWorld(database, FixedClock(NOON))
    try:
        given = world.alerts.close(Viewer(f"s-{trust}", trust, person=True), alert, Verdict.JUSTIFIED, trust)
    except Conflict:
        return "conflict"
    return given.case.state.value


def detect(database: Database, holder: str) -> int:
    """Read the log once, if nobody else does; gives how many events were read."""
    return AlertWorld(database, FixedClock(NOON)).engine(holder).run_once()


def test_findings_of_one_incident_are_one_alert(database: Database, clock: FixedClock) -> None:
    raised = at_once(database.url, raise_all, [(writer,) for writer in range(WRITERS)])
    assert raised == [raised[0]] * WRITERS
    world = AlertWorld(database, clock)
    found = world.alerts.list(REGION, AlertQuery(), 50).alerts
    assert {alert.id for alert in found} == set(raised[0])
    assert all(alert.events == tuple(range(WRITERS)) for alert in found)
    assert all(set(alert.trusts) == {"RRK", *(f"R{writer}" for writer in range(WRITERS))} for alert in found)
    told = world.alerts.latest_notice()
    assert told == WRITERS * INCIDENTS
    assert len(world.search.find(Query(kind=EventKind.SECURITY_ALERT), 1_000)) == INCIDENTS


def test_acts_on_one_alert_are_all_kept_in_the_order_of_their_numbers(database: Database, clock: FixedClock) -> None:
    world = AlertWorld(database, clock)
    alert = world.raise_all(finding())[0][0]
    at_once(database.url, comment, [(writer, alert) for writer in range(3)])
    history = world.alerts.get(REGION, alert).history
    assert [entry.number for entry in history] == sorted({entry.number for entry in history})
    for writer in range(3):
        own = [entry.comment for entry in history if entry.actor == f"officer-{writer}"]
        assert own == [f"{writer}.{turn}" for turn in range(5)]
    assert world.alerts.latest_notice() == 1 + len(history) == 16


def test_no_verdict_is_lost_and_only_the_last_one_closes(database: Database, clock: FixedClock) -> None:
    """Eight officers of four trusts, each in a process: a trust's first word counts, its second conflicts."""
    trusts = [f"R{number}A" for number in range(4)]
    world = AlertWorld(database, clock)
    alert = world.raise_all(finding(trusts=tuple(trusts)))[0][0]
    said = at_once(database.url, judge, [(trust, alert) for trust in trusts * 2])
    assert sorted(said) == ["closed", *["conflict"] * 4, *["investigating"] * 3]
    case = world.alerts.get(REGION, alert).case
    assert [(given.ods, given.reason) for given in case.verdicts] == [(trust, trust) for trust in trusts]
    assert (case.state, case.waits_for) == (AlertState.CLOSED, frozenset())


def test_what_is_found_and_taken_back_while_people_review_is_all_kept(database: Database, clock: FixedClock) -> None:
    world = AlertWorld(database, clock)
    alert = world.raise_all(*(finding(key=f"k-{number}", events=(number,)) for number in range(20)))[0][0]
    at_once(database.url, revise, [(0, alert), (1, alert), (2, alert)])
    left = world.alerts.get(REGION, alert)
    assert (left.case.state, left.case.ending) == (AlertState.CLOSED, ClosedBy.WITHDRAWN)
    assert len([entry for entry in left.history if entry.change is Change.COMMENTED]) == 5
    assert len([entry for entry in left.history if entry.change in {Change.SOFTENED, Change.WITHDRAWN}]) == 20


def revise(database: Database, part: int, alert: str) -> None:
    """Comment, as an officer, or take back every other finding, one by one."""
    if part == 2:
        comment(database, part, alert)
        return
    world = AlertWorld(database, FixedClock(NOON))
    for number in range(part, 20, 2):
        world.revise(Revision(f"k-{number}", 100 + number, (number,), "It is explained."))


def test_one_process_reads_the_log_and_the_others_leave_it_alone(database: Database, clock: FixedClock) -> None:
    world = AlertWorld(database, clock)
    world.record(act(f"a-{number}", number) for number in range(40))
    assert sorted(at_once(database.url, detect, [(f"process-{number}",) for number in range(4)])) == [0, 0, 0, 40]
    assert world.engine("another").position() == 40
