"""What is learnt later takes findings back: an alert softens, closes by itself, and opens when it is found again."""

from datetime import timedelta

import pytest

from governance.alerts import AlertQuery, Change, ClosedBy, Evidence, Party, Revision
from governance.audit import Query
from governance.clock import FixedClock
from governance.storage import Database
from governance.vocabulary import SYSTEM, AlertState, Capacity, EventKind, Severity, Verdict
from tests.worlds.alerts import BEGAN, OFFICER, REGION, AlertWorld, finding

LATER = BEGAN + timedelta(hours=2)
LATE = "An order that was recorded late explains it."
GRAVE = finding(rule_id="harder", severity=Severity.CRITICAL, events=(7, 8), key="grave")
MILD = finding(events=(3,), key="mild", severity=Severity.MEDIUM)


@pytest.fixture
def world(database: Database, clock: FixedClock) -> AlertWorld:
    return AlertWorld(database, clock)


def revision(key: str, *gone: int, index: int = 20, **changes: object) -> Revision:
    return Revision(key, index, gone, LATE, at=LATER, **changes)  # type: ignore[arg-type]


def test_an_alert_softens_to_what_is_left(world: AlertWorld) -> None:
    alert = world.raise_all(MILD, GRAVE)[0][0]
    assert world.alerts.get(OFFICER, alert).severity is Severity.CRITICAL
    assert world.revise(revision("grave", 7, 8)) == [(alert, "softened")]
    left = world.alerts.get(OFFICER, alert)
    assert (left.severity, left.case.state, left.events) == (Severity.MEDIUM, AlertState.NEW, (3, 7, 8))
    (entry,) = [one for one in left.history if one.change is Change.SOFTENED]
    assert (entry.actor, entry.at, entry.comment) == (SYSTEM, LATER, LATE)
    told = world.search.find(Query(kind=EventKind.SECURITY_ALERT), 10, newest_first=False)
    assert [(event.detail["change"], event.detail["severity"]) for event in told] == [
        ("opened", "medium"),
        ("escalated", "critical"),
        ("softened", "medium"),
    ]
    assert LATE not in str([event.detail for event in told])
    assert [one.change for one in world.alerts.notices(REGION, 0)] == [Change.SOFTENED]


def test_a_part_of_a_finding_is_taken_back_with_its_evidence(world: AlertWorld) -> None:
    alert = world.raise_all(GRAVE)[0][0]
    rest = (Evidence("own_record", 1, 0, 0, None, "One of two is left."),)
    assert world.revise(revision("grave", 7, evidence=rest, severity=Severity.LOW)) == [(alert, "softened")]
    left = world.alerts.get(OFFICER, alert)
    assert (left.severity, left.evidence, left.case.state) == (Severity.LOW, rest, AlertState.NEW)
    assert world.revise(revision("grave", 8, index=21)) == [(alert, "withdrawn")]


def test_what_rests_on_nothing_closes_by_itself_and_never_vanishes(world: AlertWorld) -> None:
    alert = world.raise_all(MILD)[0][0]
    world.alerts.assign(OFFICER, alert, OFFICER.id)
    assert world.revise(revision("mild", 3)) == [(alert, "withdrawn")]
    gone = world.alerts.get(OFFICER, alert)
    assert (gone.case.state, gone.case.ending, gone.case.verdict) == (AlertState.CLOSED, ClosedBy.WITHDRAWN, None)
    assert (gone.case.reason, gone.events, gone.case.assignee) == (LATE, (3,), OFFICER.id)
    assert world.alerts.counts() == {("closed", "medium"): 1}
    assert world.alerts.list(OFFICER, AlertQuery(unclosed=True)).alerts == ()
    assert world.revise(revision("mild", 3)) == []
    assert world.revise(revision("unknown", 3)) == []


def test_what_was_withdrawn_and_is_found_again_opens_again(world: AlertWorld) -> None:
    alert = world.raise_all(MILD)[0][0]
    world.alerts.assign(OFFICER, alert, OFFICER.id)
    world.revise(revision("mild", 3, index=20))
    older = finding(events=(3,), key="mild", severity=Severity.MEDIUM, found_at=19)
    assert world.raise_all(older) == [(alert, "unchanged")]
    newer = finding(events=(3,), key="mild", severity=Severity.MEDIUM, found_at=21)
    assert world.raise_all(newer) == [(alert, "reopened")]
    back = world.alerts.get(OFFICER, alert)
    assert (back.case.state, back.case.ending, back.case.reason) == (AlertState.INVESTIGATING, None, None)
    assert world.raise_all(newer) == [(alert, "unchanged")]


def test_more_found_close_by_opens_again_what_had_closed_by_itself(world: AlertWorld) -> None:
    alert = world.raise_all(GRAVE)[0][0]
    world.revise(revision("grave", 7, 8))
    assert world.raise_all(MILD) == [(alert, "reopened")]
    back = world.alerts.get(OFFICER, alert)
    assert back.severity is Severity.MEDIUM, "only what stands counts"
    assert world.revise(revision("mild", 3)) == [(alert, "withdrawn")]


def test_what_a_person_closed_stays_closed_and_as_it_was(world: AlertWorld) -> None:
    alert = world.raise_all(MILD, GRAVE)[0][0]
    world.alerts.close(REGION, alert, Verdict.UNJUSTIFIED, "curiosity")
    assert world.revise(revision("grave", 7, 8), revision("mild", 3)) == [(alert, "softened")]
    closed = world.alerts.get(OFFICER, alert)
    assert (closed.case.state, closed.case.verdict, closed.severity) == (
        AlertState.CLOSED,
        Verdict.UNJUSTIFIED,
        Severity.CRITICAL,
    )
    assert [entry.change for entry in closed.history] == [Change.ESCALATED, Change.CLOSED, Change.SOFTENED]
    assert world.raise_all(MILD, GRAVE) == [(alert, "unchanged")] * 2


def test_a_verdict_does_not_keep_an_explained_alert_open(world: AlertWorld) -> None:
    """The employer has spoken, the controller is still asked; then nothing is left to ask about."""
    parties = (Party("RRK", Capacity.EMPLOYER),)
    alert = world.raise_all(finding(events=(3,), key="mild", parties=parties))[0][0]
    world.alerts.close(OFFICER, alert, Verdict.UNJUSTIFIED, "no reason")
    assert world.revise(revision("mild", 3)) == [(alert, "withdrawn")]
    gone = world.alerts.get(OFFICER, alert)
    assert (gone.case.ending, len(gone.case.verdicts)) == (ClosedBy.WITHDRAWN, 1)
    assert world.raise_all(finding(events=(3,), key="mild", parties=parties, found_at=99)) == [(alert, "reopened")]
    assert world.alerts.get(OFFICER, alert).case.waits_for == {Party("RKB", Capacity.CONTROLLER)}


def test_entries_that_a_finding_counts_and_does_not_list_are_taken_back_too(world: AlertWorld) -> None:
    alert = world.raise_all(finding(key="many", events=tuple(range(200)), total=202))[0][0]
    assert world.revise(revision("many", *range(200))) == [(alert, "softened")]
    assert world.revise(revision("many", *range(200), index=21)) == []
    assert world.revise(revision("many", 900, 901, index=22)) == [(alert, "withdrawn")]
