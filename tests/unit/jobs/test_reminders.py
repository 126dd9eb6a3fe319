"""Reminders: what ends or wants its review is told of in time, once, to whom it concerns."""

from datetime import UTC, datetime, timedelta

import pytest

from governance.alerts import Alert, AlertQuery, Viewer
from governance.bootstrap import Services
from governance.clock import FixedClock
from governance.jobs import Reminders
from governance.vocabulary import AlertState, EventKind, Severity, Verdict
from tests.worlds.agreements import OFFICE, document
from tests.worlds.impact import ImpactWorld, terms

REGION = Viewer("soc", None, person=False)
ENDS = datetime(2027, 7, 1, tzinfo=UTC) - timedelta(hours=1)  # midnight in London's summer
RUNS = {"effective": {"from": "2026-01-01", "to": "2027-06-30"}, "review_date": "2027-03-01"}


@pytest.fixture
def reminders(services: Services, clock: FixedClock) -> Reminders:
    """Put an agreement into force that ends in summer and wants its review in spring."""
    world = ImpactWorld(services, clock)
    services.registers.agreements.terminate("two-trusts", 1, OFFICE, "only the one below is looked at")
    world.agree(terms(id="long", **RUNS))
    return Reminders(services.registers.agreements, services.uses.alerts, services.infrastructure.database, clock)


def walk_to(clock: FixedClock, at: datetime) -> None:
    clock.advance(at - clock.now())


def alerts(services: Services, viewer: Viewer = REGION) -> list[Alert]:
    return sorted(services.uses.alerts.list(viewer, AlertQuery()).alerts, key=lambda alert: alert.opened_at)


def signals(services: Services) -> list[tuple[str, str]]:
    return [(alert.severity.value, alert.evidence[0].signal) for alert in alerts(services)]


def test_nothing_is_told_too_early(reminders: Reminders, services: Services, clock: FixedClock) -> None:
    assert reminders.run_once() == 0
    walk_to(clock, datetime(2026, 11, 30, 23, 59, tzinfo=UTC))
    assert reminders.run_once() == 0
    assert alerts(services) == []


def test_each_threshold_is_told_once_and_rises(reminders: Reminders, services: Services, clock: FixedClock) -> None:
    told = []
    for _ in range(250):  # days, one look each and one more that must change nothing
        told.append(reminders.run_once())
        assert reminders.run_once() == 0
        clock.advance(timedelta(days=1))
    assert sum(told) == 6
    assert signals(services) == [
        ("low", "review_within_90_days"),
        ("medium", "review_within_30_days"),
        ("high", "review_within_7_days"),
        ("low", "ends_within_90_days"),
        ("medium", "ends_within_30_days"),
        ("high", "ends_within_7_days"),
    ]
    raised = [event for event in services.infrastructure.audit.read(0, 1_000) if event.kind is EventKind.SECURITY_ALERT]
    assert len(raised) == 6


def test_a_reminder_begins_at_midnight_of_london(reminders: Reminders, services: Services, clock: FixedClock) -> None:
    walk_to(clock, ENDS - timedelta(days=30, minutes=1))
    reminders.run_once()
    assert ("medium", "ends_within_30_days") not in signals(services)
    clock.advance(timedelta(minutes=1))
    assert reminders.run_once() == 1
    (alert,) = [one for one in alerts(services) if one.severity is Severity.MEDIUM]
    assert alert.opened_at == ENDS - timedelta(days=30)


def test_a_late_start_tells_the_tightest_threshold_only(
    reminders: Reminders, services: Services, clock: FixedClock
) -> None:
    walk_to(clock, ENDS - timedelta(days=20))
    assert reminders.run_once() == 1
    assert signals(services) == [("medium", "ends_within_30_days")]


def test_what_a_person_closed_stays_closed(reminders: Reminders, services: Services, clock: FixedClock) -> None:
    walk_to(clock, ENDS - timedelta(days=20))
    reminders.run_once()
    (alert,) = alerts(services)
    for ods in ("RRK", "RKB"):
        officer = Viewer(f"s-{ods}", ods, person=True)
        services.uses.alerts.close(officer, alert.id, Verdict.JUSTIFIED, "The renewal is signed.")
    assert reminders.run_once() == 0
    assert [one.case.state for one in alerts(services)] == [AlertState.CLOSED]
    walk_to(clock, ENDS - timedelta(days=5))
    assert reminders.run_once() == 1


def test_parties_see_it_and_it_says_what_and_when(reminders: Reminders, services: Services, clock: FixedClock) -> None:
    walk_to(clock, ENDS - timedelta(days=5))
    reminders.run_once()
    for ods in ("RRK", "RKB"):
        (alert,) = alerts(services, Viewer("s-officer", ods, person=True))
        assert alert.agreement_ids == ("long",)
        assert alert.trusts == ("RKB", "RRK")
        assert alert.evidence[0].sentence == (
            "The last day of agreement long, version 1, is 2027-06-30: at most 7 days ahead. "
            "Without a renewal in force, what rests on it is denied from then on."
        )
    assert alerts(services, Viewer("s-officer", "QHL", person=True)) == []


def test_what_is_over_superseded_or_a_draft_is_left_alone(
    reminders: Reminders, services: Services, clock: FixedClock
) -> None:
    services.registers.agreements.load([document(id="draft", **RUNS)], OFFICE)
    services.registers.agreements.suspend("long", 1, OFFICE, "an incident")
    walk_to(clock, ENDS - timedelta(days=5))
    assert reminders.run_once() == 1
    services.registers.agreements.terminate("long", 1, OFFICE, "over")
    walk_to(clock, ENDS + timedelta(days=1))
    assert reminders.run_once() == 0
