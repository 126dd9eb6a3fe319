"""Incidents: sliding closeness, steps of evidence, what joins two, and the same act of a closed case."""

from datetime import timedelta
from typing import Any

import pytest

from governance.alerts import AlertQuery, Bar, Change, ClosedBy, Evidence, Finding, Picture
from governance.audit import Query
from governance.clock import FixedClock
from governance.storage import Database
from governance.vocabulary import AlertState, EventKind, Severity, Verdict
from tests.worlds.alerts import BEGAN, OFFICER, REGION, AlertWorld, finding


@pytest.fixture
def world(database: Database, clock: FixedClock) -> AlertWorld:
    return AlertWorld(database, clock)


def on_day(day: float, event: int, **changes: Any) -> Finding:
    return finding(occurred_at=BEGAN + timedelta(days=day), events=(event,), **changes)


def viewers(count: int, bits: float | None = None) -> tuple[Evidence, ...]:
    return (Evidence("viewers", count, 2, 40, bits, f"{count} people looked."),)


def test_a_case_that_goes_on_for_a_month_is_one(world: AlertWorld) -> None:
    raised = world.raise_all(*(on_day(6 * number, number) for number in range(6)))
    assert len({alert for alert, _ in raised}) == 1
    alert = world.alerts.get(OFFICER, raised[0][0])
    assert (alert.opened_at, alert.latest_at) == (BEGAN, BEGAN + timedelta(days=30))
    ((another, change),) = world.raise_all(on_day(38, 99))
    assert (change, another != raised[0][0]) == ("opened", True)
    assert world.alerts.get(OFFICER, another).grouped_under is None


def test_a_late_finding_makes_two_incidents_one(world: AlertWorld) -> None:
    """Whichever of the two was opened first holds all; the other closes, names it and keeps what it had."""
    (first, _), (second, _) = world.raise_all(on_day(0, 1), on_day(12, 2, severity=Severity.CRITICAL))
    world.alerts.assign(OFFICER, second, OFFICER.id)
    notice = world.alerts.latest_notice()
    assert world.raise_all(on_day(6, 3)) == [(first, "gained")]
    one, other = world.alerts.get(OFFICER, first), world.alerts.get(OFFICER, second)
    assert (one.events, one.severity, one.case.assignee) == ((1, 2, 3), Severity.CRITICAL, OFFICER.id)
    assert (one.opened_at, one.latest_at, one.totals.events) == (BEGAN, BEGAN + timedelta(days=12), 3)
    assert (other.case.state, other.case.ending, other.joined_to) == (AlertState.CLOSED, ClosedBy.JOINED, first)
    assert other.events == (2,)
    assert [entry.change for entry in other.history] == [Change.ASSIGNED, Change.JOINED]
    assert {told.change for told in world.alerts.notices(REGION, notice)} == {Change.GAINED, Change.JOINED}
    assert world.raise_all(on_day(12, 2, severity=Severity.CRITICAL)) == [(first, "unchanged")]


def test_the_open_incidents_are_the_same_in_either_order(world: AlertWorld) -> None:
    raised = world.raise_all(on_day(12, 2), on_day(0, 1), on_day(6, 3))
    (alert,) = world.alerts.list(OFFICER, AlertQuery(unclosed=True)).alerts
    assert alert.id == raised[0][0] == raised[2][0]
    assert (alert.events, alert.opened_at) == ((1, 2, 3), BEGAN)


def test_only_a_step_of_evidence_is_told_again(world: AlertWorld) -> None:
    alert = world.raise_all(finding(evidence=viewers(6, 10.0)))[0][0]
    steps = [
        (viewers(7, 11.0), "gained", None),
        (viewers(11, 19.0), "gained", None),
        (viewers(12, 19.5), "escalated", ("observed", "viewers")),
        (viewers(23, 38.0), "gained", None),
        (viewers(23, 40.0), "escalated", ("bits", "viewers")),
        ((Evidence("night", 3, 0, 9, 5.0, "Three at night."),), "gained", None),
        ((Evidence("night", 6, 0, 9, 5.0, "Six at night."),), "escalated", ("observed", "night")),
    ]
    for number, (evidence, change, _) in enumerate(steps, 10):
        assert world.raise_all(finding(evidence=evidence, events=(number,))) == [(alert, change)]
    told = world.search.find(Query(kind=EventKind.SECURITY_ALERT), 20, newest_first=False)
    assert [(event.detail.get("step"), event.detail.get("signal")) for event in told[1:]] == [
        step for _, _, step in steps if step
    ]
    assert len(world.alerts.get(OFFICER, alert).history) == 3
    loud = [notice.told for notice in world.alerts.notices(REGION, 0)]
    assert loud == [True]


def test_the_same_act_never_opens_a_closed_case(world: AlertWorld) -> None:
    """Another rule, another key, a later day: if the acts are the same, there is nothing new."""
    alert = world.raise_all(finding(events=(3, 4)))[0][0]
    world.alerts.close(REGION, alert, Verdict.JUSTIFIED, "on call")
    for again in (
        finding(events=(3, 4)),
        finding(events=(4,), rule_id="another", severity=Severity.CRITICAL),
        finding(events=(3,), occurred_at=BEGAN + timedelta(days=5)),
    ):
        assert world.raise_all(again) == [(alert, "unchanged")]
    ((new, change),) = world.raise_all(finding(events=(4, 5)))
    assert change == "opened"
    assert world.alerts.get(OFFICER, new).grouped_under == alert


def test_no_verdict_is_stretched_over_a_new_act(world: AlertWorld) -> None:
    """One trust of two has spoken: what comes after is a new alert, on which both are asked."""
    alert = world.raise_all(finding(events=(3,)))[0][0]
    world.alerts.close(OFFICER, alert, Verdict.JUSTIFIED, "on call")
    ((new, change),) = world.raise_all(finding(events=(9,)))
    assert change == "opened"
    fresh = world.alerts.get(OFFICER, new)
    assert (fresh.grouped_under, len(fresh.case.waits_for)) == (alert, 2)
    same = finding(events=(3,), rule_id="another", severity=Severity.CRITICAL)
    assert world.raise_all(same) == [(alert, "escalated")]
    assert world.alerts.get(OFFICER, alert).case.waits_for


def test_what_an_alert_lists_is_bounded_and_counted(world: AlertWorld) -> None:
    many = finding(
        subject=None,
        subjects=tuple(f"s-{number:04}" for number in range(700)),
        events=tuple(range(500)),
        total=5_000,
        decision_ids=tuple(f"d-{number:04}" for number in range(300)),
        token_jtis=tuple(f"j-{number:04}" for number in range(201)),
    )
    alert = world.raise_all(many)[0][0]
    shown = world.alerts.get(OFFICER, alert)
    assert (len(shown.events), len(shown.decision_ids), len(shown.token_jtis), len(shown.subjects)) == (200,) * 4
    totals = shown.totals
    assert (totals.events, totals.decisions, totals.tokens, totals.subjects) == (5_000, 300, 201, 700)
    assert world.raise_all(many) == [(alert, "unchanged")]
    assert world.alerts.get(OFFICER, alert).totals == totals
    with world.database.reading() as session:
        assert world.alerts.names_in(session, alert, "s-0699")
        assert world.alerts.has_open_case(session, "s-0699")


def test_the_gravest_finding_gives_the_picture(world: AlertWorld) -> None:
    small = Picture("Studies a day.", "studies", (Bar("2 March", 3, 4.0), Bar("3 March", 40, 4.5)))
    large = Picture("Exports a day.", "exports", tuple(Bar(str(day), day) for day in range(40)))
    alert = world.raise_all(finding(picture=small))[0][0]
    assert world.alerts.get(OFFICER, alert).picture == small
    world.raise_all(finding(rule_id="harder", severity=Severity.CRITICAL, events=(9,), picture=large))
    world.raise_all(finding(rule_id="softer", severity=Severity.LOW, events=(10,), picture=small))
    shown = world.alerts.get(OFFICER, alert).picture
    assert shown is not None
    assert (shown.title, len(shown.bars), shown.bars[0].label) == ("Exports a day.", 31, "9")
