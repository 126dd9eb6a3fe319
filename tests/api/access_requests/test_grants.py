"""Grants of an emergency over HTTP, on the demo region: what they open, until when, and what is recorded of them."""

from datetime import timedelta
from typing import Any

import pytest

from governance.alerts import AlertQuery, Viewer
from governance.simulation import showcase
from governance.vocabulary import AlertKind, EventKind, Severity
from tests.worlds.access_requests import QUESTION, REASON, Caller, changed, granted, instant, refusal, request_of
from tests.worlds.agreements import OFFICE
from tests.worlds.region import DIRECT_CARE, RegionWorld


def test_an_approval_is_a_grant_of_the_minutes_of_the_clause(caller: Caller) -> None:
    denied = caller.evaluate()
    answer = caller.send(request_of(denied))
    body = answer.get_json()
    task, approval = body["task"], body["result"]["approval"]
    assert (answer.status_code, task["status"], body["result"]["mode"]) == (201, "approved", "reevaluate")
    assert answer.headers["Location"] == task["status_endpoint"]
    assert instant(approval["approved_until"]) - instant(approval["approved_at"]) == timedelta(minutes=30)
    assert approval["id"] != task["id"]
    assert caller.get(task["id"]).get_json() == body
    again = caller.evaluate(changed(QUESTION, context__approval=approval))
    assert again["decision"] is True
    assert again["context"]["reasons"] == ["break_glass.granted"]
    assert again["context"]["approval"] == {"id": approval["id"], "approved_until": approval["approved_until"]}
    assert again["context"]["agreement"]["id"] == DIRECT_CARE


def test_the_grant_ends_when_its_minutes_are_over(caller: Caller) -> None:
    task = granted(caller)["task"]
    caller.later(minutes=29)
    assert caller.evaluate()["decision"] is True
    caller.later(minutes=1)
    denied = caller.evaluate()
    assert denied["decision"] is False
    assert caller.send(request_of(denied)).status_code == 201
    assert caller.get(task["id"]).status_code == 200
    caller.later(hours=25)
    assert refusal(caller.get(task["id"])) == (410, "task_expired")
    with caller.world.services.infrastructure.database.transaction() as session:
        assert caller.world.services.registers.emergency.forget(session, caller.world.clock.now()) == 2
    assert refusal(caller.get(task["id"])) == (404, "unknown_task")


def test_less_may_be_asked_for_and_more_is_not_given(caller: Caller) -> None:
    now = caller.world.clock.now()
    soon, late = (now + timedelta(minutes=minutes) for minutes in (5, 600))
    approval = granted(caller, requested_until=soon.isoformat())["result"]["approval"]
    assert instant(approval["approved_until"]) == soon
    caller.later(minutes=5)
    approval = granted(caller, requested_until=late.isoformat())["result"]["approval"]
    assert instant(approval["approved_until"]) == now + timedelta(minutes=35)


@pytest.mark.parametrize(
    "changes",
    [
        {"action__name": "report"},
        {"context__purpose": "CAREMGT"},
        {"resource__id": showcase.UNRELATED_STUDY},
        {"subject__id": "radiologist.rrk", "subject__properties__ods": "RRK", "resource__id": showcase.OWN_STUDY},
        {"subject__properties__role": "clinician"},
        {"subject__properties__assurance": 1},
    ],
)
def test_a_grant_opens_nothing_else(caller: Caller, changes: dict[str, Any]) -> None:
    granted(caller)
    assert caller.evaluate()["decision"] is True
    assert caller.evaluate(changed(QUESTION, **changes))["decision"] is False


def test_a_suspended_agreement_takes_the_grant_with_it(caller: Caller) -> None:
    granted(caller)
    caller.world.services.registers.agreements.suspend(DIRECT_CARE, 1, OFFICE, "An incident is being looked into.")
    denied = caller.evaluate()
    assert denied["decision"] is False
    assert "access_request" not in denied["context"]


def test_a_grant_can_be_ended_before_its_time_once(caller: Caller) -> None:
    task = granted(caller)["task"]
    before = caller.world.size
    assert task["links"]["revoke"].endswith(f"/access/v1/request/{task['id']}/revoke")
    ended = caller.revoke(task["id"]).get_json()
    assert instant(ended["result"]["approval"]["approved_until"]) <= caller.world.clock.now()
    assert caller.evaluate()["decision"] is False
    assert refusal(caller.revoke(task["id"])) == (409, "invalid_task_state")
    event = caller.world.events(before)[0]
    assert (event.kind, event.detail["act"]) == (EventKind.BREAK_GLASS, "revoke")
    assert event.resource is not None
    assert event.resource.custodian == "RRK"


def test_the_log_holds_the_whole_thread_and_the_reason_only_sealed(caller: Caller) -> None:
    before = caller.world.size
    body = granted(caller)
    caller.evaluate()
    denial, grant, permit = caller.world.events(before)
    assert denial.kind is permit.kind is EventKind.DECISION
    assert grant.kind is EventKind.BREAK_GLASS
    assert grant.authority.decision_id == denial.id
    assert grant.authority.agreement_id == DIRECT_CARE
    approval = body["result"]["approval"]["id"]
    assert grant.detail["approval"] == permit.detail["emergency"]["approval"] == approval
    assert grant.detail["emergency"]["review"] is permit.detail["emergency"]["review"] is True  # its share is 1
    assert REASON not in caller.world.services.infrastructure.audit.entry_bytes(grant.index).decode()
    assert caller.world.services.infrastructure.audit.reveal(grant).break_glass_reason == REASON


@pytest.mark.parametrize("way", ["request", "reason"])
def test_either_way_the_owner_is_told_and_a_case_is_opened(caller: Caller, way: str) -> None:
    question = changed(QUESTION, resource__id=showcase.UNRELATED_STUDY)  # nothing ties them to this patient
    if way == "request":
        assert caller.send(request_of(caller.evaluate(question), question)).status_code == 201
    else:
        assert caller.evaluate(changed(question, context__break_glass={"reason": REASON}))["decision"] is True
    services = caller.world.services
    services.uses.detection.catch_up()
    owner = Viewer("officer", "RRK", person=True)
    found = [alert for alert in services.uses.alerts.list(owner, AlertQuery()).alerts if alert.family == "break_glass"]
    assert len(found) == 1
    (alert,) = found
    assert alert.rule_ids == ("break_glass_used",)
    assert (alert.kind, alert.severity) == (AlertKind.NOTICE, Severity.MEDIUM)
    assert {item.signal for item in alert.evidence} == {"emergency_access", "mandatory_review"}
    for item in alert.evidence:
        assert REASON not in item.sentence
        assert showcase.REPORTER not in item.sentence
    caller.later(days=5)
    services.uses.detection.catch_up()
    caller.evaluate(changed(QUESTION, resource__id=showcase.SHARED_STUDY))
    services.uses.detection.catch_up()
    told = [one for one in services.uses.alerts.list(owner, AlertQuery()).alerts if one.family == "break_glass"]
    assert {rule for one in told for rule in one.rule_ids} == {"break_glass_used", "break_glass_without_follow_up"}


def test_a_grant_opens_the_exchange_too(region: RegionWorld) -> None:
    assert region.exchange(showcase.REPORTER, showcase.SEALED_STUDY).status_code == 403
    granted(Caller(region))
    answer = region.exchange(showcase.REPORTER, showcase.SEALED_STUDY)
    assert answer.status_code == 200, answer.get_data(as_text=True)
