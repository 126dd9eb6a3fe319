"""Raising, reviewing, reading, unmasking: on a real database, with a real log."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from governance.alerts import AlertQuery, Change, Viewer
from governance.alerts.grouping import alert_id, group_key
from governance.audit import Query, Source, Subject
from governance.audit.checker.verify_entry import check_opening
from governance.clock import FixedClock
from governance.errors import Conflict, Forbidden, GovernanceError, InvalidInput, NotFound
from governance.storage import Database
from governance.vocabulary import SYSTEM, AlertState, EventKind, Severity, SubjectType, Verdict
from tests.worlds.alerts import BEGAN, OFFICER, REGION, AlertWorld, act, finding


@pytest.fixture
def world(database: Database, clock: FixedClock) -> AlertWorld:
    return AlertWorld(database, clock)


def opened(world: AlertWorld) -> str:
    return world.raise_all(finding())[0][0]


def test_a_finding_opens_an_alert_that_says_it_all(world: AlertWorld) -> None:
    alert = world.alerts.get(OFFICER, opened(world))
    assert alert.case.state is AlertState.NEW
    assert (alert.opened_at, alert.severity, alert.family) == (BEGAN, Severity.HIGH, "self_access")
    assert (alert.subject, alert.patient, alert.subjects) == ("s-nia", "p-1", ("s-nia",))
    assert (alert.rule_ids, alert.trusts, alert.events) == (("self_access",), ("RKB", "RRK"), (3,))
    assert (alert.agreement_ids, alert.decision_ids, alert.token_jtis) == (("dsa-1",), ("d-1",), ("j-1",))
    assert [item.signal for item in alert.evidence] == ["own_record"]


def test_the_same_incident_gains_and_nothing_is_said_twice(world: AlertWorld) -> None:
    changes = world.raise_all(
        finding(),
        finding(),
        finding(events=(3, 9), occurred_at=BEGAN + timedelta(hours=1), decision_ids=("d-2",)),
        finding(severity=Severity.CRITICAL, rule_id="harder"),
        finding(severity=Severity.LOW),
    )
    assert [change for _, change in changes] == ["opened", "unchanged", "gained", "escalated", "unchanged"]
    assert len({alert for alert, _ in changes}) == 1
    alert = world.alerts.get(OFFICER, changes[0][0])
    assert (alert.events, alert.decision_ids, alert.rule_ids) == ((3, 9), ("d-1", "d-2"), ("harder", "self_access"))
    assert (alert.severity, alert.latest_at) == (Severity.CRITICAL, BEGAN + timedelta(hours=1))


def test_raising_is_in_the_log_once_for_what_is_new_and_once_for_what_is_worse(world: AlertWorld) -> None:
    world.raise_all(finding(), finding(events=(4,)), finding(severity=Severity.CRITICAL))
    told = world.search.find(Query(kind=EventKind.SECURITY_ALERT), 10, newest_first=False)
    assert [event.detail["change"] for event in told] == ["opened", "escalated"]
    assert all(event.time == BEGAN for event in told)


def test_a_closed_alert_is_left_alone_and_a_new_one_names_it(world: AlertWorld) -> None:
    first = opened(world)
    world.alerts.close(REGION, first, Verdict.JUSTIFIED, "a portal")
    assert world.raise_all(finding()) == [(first, "unchanged")]
    ((again, change),) = world.raise_all(finding(events=(12,)))
    assert change == "opened"
    assert world.alerts.get(OFFICER, again).grouped_under == first
    assert world.alerts.get(OFFICER, first).events == (3,)


def test_the_review_is_kept_and_audited(world: AlertWorld) -> None:
    alert = world.raise_all(finding(trusts=("RRK",)))[0][0]
    world.alerts.assign(OFFICER, alert, "s-colleague")
    world.alerts.comment(OFFICER, alert, "asked the line manager")
    closed = world.alerts.close(OFFICER, alert, Verdict.UNJUSTIFIED, "no reason was given")
    assert (closed.case.state, closed.case.verdict, closed.case.assignee) == (
        AlertState.CLOSED,
        Verdict.UNJUSTIFIED,
        "s-colleague",
    )
    assert [(entry.change, entry.actor, entry.at) for entry in closed.history] == [
        (change, OFFICER.id, world.clock.now()) for change in (Change.ASSIGNED, Change.COMMENTED, Change.CLOSED)
    ]
    told = world.search.find(Query(kind=EventKind.CONFIG), 10, newest_first=False)
    assert [event.detail["change"] for event in told] == ["assigned", "commented", "closed"]
    assert "line manager" not in str([event.detail for event in told])


def test_two_closers_of_a_trust_conflict(world: AlertWorld) -> None:
    alert = opened(world)

    def close(verdict: Verdict) -> str:
        try:
            world.alerts.close(OFFICER, alert, verdict, "my reason")
        except Conflict:
            return "conflict"
        return "closed"

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(close, [Verdict.JUSTIFIED, Verdict.UNJUSTIFIED])) == ["closed", "conflict"]
    assert len(world.alerts.get(OFFICER, alert).history) == 1


def test_nobody_reviews_or_sees_an_alert_about_themselves(world: AlertWorld) -> None:
    alert = opened(world)
    world.own_patients["s-twin"] = "p-1"
    for name in ("s-nia", "s-twin"):
        viewer = Viewer(name, "RRK", person=True)
        assert world.alerts.list(viewer, AlertQuery()).alerts == ()
        assert world.alerts.notices(viewer, 0) == ()
        assert world.alerts.counts(viewer) == {}
        for attempt in (
            lambda v=viewer: world.alerts.get(v, alert),
            lambda v=viewer: world.alerts.assign(v, alert, v.id),
            lambda v=viewer: world.alerts.comment(v, alert, "it was fine"),
            lambda v=viewer: world.alerts.close(v, alert, Verdict.JUSTIFIED, "it was fine"),
            lambda v=viewer: world.alerts.unmask(v, alert, "curious"),
        ):
            with pytest.raises(Forbidden):
                attempt()
    assert world.alerts.get(OFFICER, alert).history == ()


def test_an_alert_about_many_is_closed_to_each_of_them(world: AlertWorld) -> None:
    alert = world.raise_all(finding(subject=None, subjects=("s-a", "s-b")))[0][0]
    with pytest.raises(Forbidden):
        world.alerts.close(Viewer("s-b", "RRK", person=True), alert, Verdict.JUSTIFIED, "all fine")


def test_a_trust_sees_its_own(world: AlertWorld) -> None:
    alert = opened(world)
    stranger = Viewer("s-away", "RJE", person=True)
    assert [each.id for each in world.alerts.list(OFFICER, AlertQuery()).alerts] == [alert]
    assert [each.id for each in world.alerts.list(REGION, AlertQuery()).alerts] == [alert]
    assert world.alerts.list(stranger, AlertQuery()).alerts == ()
    with pytest.raises(NotFound):
        world.alerts.get(stranger, alert)
    with pytest.raises(NotFound):
        world.alerts.get(OFFICER, "a-unknown")


def test_filters_and_pages(world: AlertWorld) -> None:
    world.raise_all(*(finding(about=f"p-{n}", patient=f"p-{n}", events=(n,)) for n in range(7)))
    world.raise_all(finding(family="decoy", rule_id="decoy_record", severity=Severity.CRITICAL, trusts=("RRK",)))
    listed = world.alerts.list
    assert len(listed(REGION, AlertQuery(rule="self_access")).alerts) == 7
    assert len(listed(REGION, AlertQuery(severity=Severity.CRITICAL)).alerts) == 1
    assert len(listed(REGION, AlertQuery(ods="RKB")).alerts) == 7
    assert len(listed(REGION, AlertQuery(patient="p-4")).alerts) == 1
    assert len(listed(REGION, AlertQuery(event=6)).alerts) == 1
    assert len(listed(REGION, AlertQuery(decision_id="d-1")).alerts) == 8
    assert listed(REGION, AlertQuery(subject="s-nobody")).alerts == ()
    assert listed(REGION, AlertQuery(state=AlertState.CLOSED)).alerts == ()
    seen: list[str] = []
    before: int | None = None
    while True:
        page = listed(REGION, AlertQuery(before=before), 3)
        seen += [each.id for each in page.alerts]
        before = page.next_before
        if before is None:
            break
    assert len(seen) == len(set(seen)) == 8
    assert world.alerts.counts() == {("new", "high"): 7, ("new", "critical"): 1}


def test_unmasking_needs_a_person_and_a_reason_and_is_recorded_first(world: AlertWorld) -> None:
    (index,) = world.record([act("a-1", patient="9990000018", study="1.2.3")])
    subject, patient = world.pseudonymiser.subject("nia"), world.pseudonymiser.patient("9990000018")
    told = finding(subject=subject, subjects=(subject,), about=patient, patient=patient, events=(index,))
    alert = world.raise_all(told)[0][0]
    with pytest.raises(Forbidden):
        world.alerts.unmask(REGION, alert, "because")
    with pytest.raises(InvalidInput):
        world.alerts.unmask(OFFICER, alert, " ")
    shown = world.alerts.unmask(OFFICER, alert, "to speak to the line manager")
    assert (shown.subject, shown.patient) == ("nia", "9990000018")
    looked = world.search.find(Query(kind=EventKind.AUDIT_READ), 10)
    assert [(event.detail["alert"], event.detail["change"]) for event in looked] == [(alert, "unmasked")]
    assert world.alerts.get(OFFICER, alert).history[-1].comment == "to speak to the line manager"


def test_whoever_unmasks_can_show_one_field_to_somebody_outside(world: AlertWorld) -> None:
    """What is shown opens one field each, in entries that the viewer's trust may read; a forgotten field opens none."""
    subject, patient = world.pseudonymiser.subject("nia"), world.pseudonymiser.patient("9990000018")
    own = act("a-1", patient="9990000018", study="1.2.3", broke_glass="Arrest call in resus")
    other = act("a-2", patient="9990000018", custodian="RXX")
    other = replace(other, source=Source("x", "RXX"), subject=Subject("nia", SubjectType.PRACTITIONER, ods="RXX"))
    indexes = world.record([own, other])
    told = finding(subject=subject, subjects=(subject,), about=patient, patient=patient, events=tuple(indexes))
    alert = world.raise_all(told)[0][0]
    for viewer, index in ((OFFICER, indexes[0]), (replace(OFFICER, ods=None), indexes[1])):
        openings = world.alerts.unmask(viewer, alert, "to tell a court").openings
        assert [(one.index, one.field, one.value) for one in openings] == [
            (index, "subject", "nia"),
            (index, "patient", "9990000018"),
            (indexes[0], "break_glass_reason", "Arrest call in resus"),
        ]
        for one in openings:
            entry = json.loads(world.log.entry_bytes(one.index))
            check_opening(entry, json.loads(one.text()))
    with world.database.transaction() as session:
        world.vault.destroy(session, patient, world.clock.now())
    left = world.alerts.unmask(OFFICER, alert, "to tell a court").openings
    assert [one.field for one in left] == ["subject"]


def test_what_was_forgotten_stays_masked(world: AlertWorld) -> None:
    (index,) = world.record([act("a-1", patient="9990000018")])
    subject, patient = world.pseudonymiser.subject("nia"), world.pseudonymiser.patient("9990000018")
    alert = world.raise_all(finding(subject=subject, about=patient, patient=patient, events=(index,)))[0][0]
    with world.database.transaction() as session:
        world.vault.destroy(session, patient, world.clock.now())
    shown = world.alerts.unmask(OFFICER, alert, "to tell the patient")
    assert (shown.subject, shown.patient) == ("nia", None)


def test_a_review_the_log_refuses_changes_nothing(world: AlertWorld) -> None:
    """The change and its record are one commit: without the record there is no change."""
    alert = opened(world)
    with world.database.transaction() as session:
        taken = act(f"{alert}/history/1", source="imaging-governance", kind="login")
        world.log.append_in(session, [taken])
        world.log.append_in(session, [act("x")])
    clash = AlertWorld(world.database, world.clock)
    with pytest.raises(GovernanceError):
        clash.alerts.close(OFFICER, alert, Verdict.JUSTIFIED, "fine")
    assert world.alerts.get(OFFICER, alert).case.state is AlertState.NEW


def test_an_alert_the_log_refuses_to_record_is_not_raised(world: AlertWorld) -> None:
    alert = alert_id(group_key(finding()), 0)
    world.record([act(f"{alert}/opened", source=SYSTEM, kind="login")])
    with pytest.raises(Conflict):
        world.raise_all(finding())
    with pytest.raises(NotFound):
        world.alerts.get(OFFICER, alert)
    assert world.alerts.latest_notice() == 0


def test_an_alert_the_log_refuses_to_record_as_worse_stays_as_it_was(world: AlertWorld) -> None:
    alert = opened(world)
    before, notice = world.alerts.get(OFFICER, alert), world.alerts.latest_notice()
    world.record([act(f"{alert}/step/1", source=SYSTEM, kind="login")])
    with pytest.raises(Conflict):
        world.raise_all(finding(severity=Severity.CRITICAL, events=(9,)))
    assert world.alerts.get(OFFICER, alert) == before
    assert world.alerts.latest_notice() == notice


def test_a_stream_tells_each_change_once_and_resumes(world: AlertWorld) -> None:
    alert = opened(world)
    told = [notice for notice in world.alerts.streams.open(REGION, 0) if notice is not None]
    assert [(notice.change, notice.alert.id) for notice in told] == [(Change.OPENED, alert)]
    world.alerts.comment(OFFICER, alert, "looking")
    world.alerts.assign(OFFICER, alert, "s-officer")
    more = [notice for notice in world.alerts.streams.open(REGION, told[-1].sequence) if notice is not None]
    assert [notice.change for notice in more] == [Change.ASSIGNED]
    assert more[0].sequence > told[0].sequence


def test_a_stream_starts_from_now_keeps_alive_and_ends(world: AlertWorld) -> None:
    opened(world)
    told = list(world.alerts.streams.open(REGION, None))
    assert told
    assert set(told) == {None}


def test_streams_have_a_limit_and_give_their_place_back(world: AlertWorld) -> None:
    first, second = world.alerts.streams.open(REGION, None), world.alerts.streams.open(REGION, None)
    with pytest.raises(GovernanceError, match="Every stream is taken"):
        world.alerts.streams.open(REGION, None)
    first.close()
    first.close()
    world.alerts.streams.open(REGION, None).close()
    world.alerts.streams.stop()
    assert list(second) == [None]
