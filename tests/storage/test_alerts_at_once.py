"""Alerts and detection in several processes at once: one alert an incident, one number a change, one reader."""

from dataclasses import replace

from governance.alerts import AlertQuery
from governance.audit import Query
from governance.clock import FixedClock
from governance.storage import Database
from governance.vocabulary import EventKind
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


def test_one_process_reads_the_log_and_the_others_leave_it_alone(database: Database, clock: FixedClock) -> None:
    world = AlertWorld(database, clock)
    world.record(act(f"a-{number}", number) for number in range(40))
    assert sorted(at_once(database.url, detect, [(f"process-{number}",) for number in range(4)])) == [0, 0, 0, 40]
    assert world.engine("another").position() == 40
