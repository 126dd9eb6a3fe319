"""Access requests over HTTP, on the demo region: each is held to its denial, its caller and its key."""

from typing import Any

import pytest

from governance.simulation import network, showcase
from governance.vocabulary import EventKind, Outcome
from tests.worlds.access_requests import QUESTION, Caller, changed, refusal, request_of
from tests.worlds.agreements import OFFICE
from tests.worlds.region import DIRECT_CARE


def test_the_same_submission_again_is_the_same_task(caller: Caller) -> None:
    body = request_of(caller.evaluate())
    first = caller.send(body, "k-1")
    size = caller.world.size
    again = caller.send(dict(reversed(body.items())), "k-1")
    caller.later(minutes=20)
    later = caller.send(body, "k-1")
    assert [answer.status_code for answer in (first, again, later)] == [201, 201, 201]
    assert first.get_json() == again.get_json() == later.get_json()
    events = [event for event in caller.world.events(size) if event.kind is EventKind.BREAK_GLASS]
    assert events == []


def test_a_key_is_good_for_one_body(caller: Caller) -> None:
    body = request_of(caller.evaluate())
    caller.send(body, "k-1")
    other = changed(body, context__break_glass={"reason": "Another reason"})
    assert refusal(caller.send(other, "k-1")) == (409, "duplicate_request")


def test_a_key_is_its_callers_own(caller: Caller) -> None:
    caller.send(request_of(caller.evaluate()), "k-1")
    caller.later(minutes=31)
    other = Caller(caller.world, network.viewer_id("RKB"))
    assert other.send(request_of(other.evaluate()), "k-1").status_code == 201


@pytest.mark.parametrize("key", [None, "k-2"])
def test_a_denial_is_answered_once(caller: Caller, key: str | None) -> None:
    body = request_of(caller.evaluate())
    assert caller.send(body, "k-1" if key else None).status_code == 201
    assert refusal(caller.send(body, key)) == (400, "invalid_denial_binding")


def test_another_callers_denial_and_task_are_no_use(caller: Caller) -> None:
    body = request_of(caller.evaluate())
    thief = Caller(caller.world, network.viewer_id("RKB"))
    assert refusal(thief.send(body)) == (400, "invalid_denial_binding")
    assert refusal(thief.send(changed(body, denial__binding_token=None))) == (400, "invalid_denial_binding")
    task = caller.send(body).get_json()["task"]
    assert refusal(thief.get(task["id"])) == (404, "unknown_task")
    assert refusal(thief.revoke(task["id"])) == (404, "unknown_task")
    assert refusal(caller.get("nothing")) == (404, "unknown_task")


@pytest.mark.parametrize("bound_by", ["token", "id", "both"])
@pytest.mark.parametrize(
    "changes",
    [
        {"subject__id": "clinician.rkb"},
        {"subject__properties__role": "clinician"},
        {"subject__properties__ods": "RRK"},
        {"action__name": "report"},
        {"resource__id": showcase.UNRELATED_STUDY},
        {"context__purpose": "CAREMGT"},
        {"denial__expires_at": "2040-01-01T00:00:00Z"},
    ],
)
def test_a_denial_binds_all_it_was_about(caller: Caller, changes: dict[str, Any], bound_by: str) -> None:
    body = changed(request_of(caller.evaluate()), **changes)
    left_out = {"token": "denial__evaluation_id", "id": "denial__binding_token"}.get(bound_by)
    before = caller.world.size
    answer = caller.send(changed(body, **{left_out: None}) if left_out else body)
    assert refusal(answer) == (400, "invalid_denial_binding")
    (event,) = caller.world.events(before)
    assert (event.kind, event.outcome) == (EventKind.BREAK_GLASS, Outcome.MINOR)
    assert event.detail["refused"] == "access_request.invalid_denial_binding"
    assert caller.evaluate()["decision"] is False


def test_a_denial_can_be_named_by_its_id_alone_or_by_its_token_alone(caller: Caller) -> None:
    for left_out in ("denial__evaluation_id", "denial__binding_token"):
        body = changed(request_of(caller.evaluate()), **{left_out: None})
        assert caller.send(body).status_code == 201
        caller.later(minutes=31)
    unbound = changed(request_of(caller.evaluate()), denial__evaluation_id=None, denial__binding_token=None)
    assert refusal(caller.send(unbound)) == (400, "invalid_denial_binding")


def test_a_token_that_was_touched_or_made_up_binds_nothing(caller: Caller) -> None:
    body = request_of(caller.evaluate())
    token = body["denial"]["binding_token"]
    flipped = [token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :] for place in (0, 50, 90)]
    for made in (*flipped, "", "AAAA", "é", token[:-8], token + "AAAA", "eyJhbGciOiJub25lIn0.e30."):
        assert refusal(caller.send(changed(body, denial__binding_token=made))) == (400, "invalid_denial_binding")
    assert caller.send(body).status_code == 201


@pytest.mark.parametrize("left_out", ["denial__evaluation_id", "denial__binding_token"])
def test_a_denial_that_is_too_old_is_gone(caller: Caller, left_out: str) -> None:
    body = changed(request_of(caller.evaluate()), **{left_out: None})
    caller.later(minutes=10)
    assert refusal(caller.send(body)) == (410, "expired_denial")


def test_a_denial_that_offered_nothing_cannot_be_named(caller: Caller) -> None:
    body = request_of(caller.evaluate())
    closed = caller.evaluate(changed(QUESTION, action__name="delete"))
    made = changed(
        body,
        action__name="delete",
        denial__evaluation_id=closed["context"]["evaluation_id"],
        denial__binding_token=None,
    )
    assert refusal(caller.send(made)) == (400, "invalid_denial_binding")


def test_what_an_emergency_would_no_longer_open_is_not_requestable(caller: Caller) -> None:
    body = request_of(caller.evaluate())
    caller.world.services.registers.agreements.suspend(DIRECT_CARE, 1, OFFICE, "An incident is being looked into.")
    assert refusal(caller.send(body)) == (400, "not_requestable")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"requested_access__emergency": False}, "/requested_access/emergency"),
        ({"requested_access__requested_until": "tomorrow"}, "/requested_access/requested_until"),
        ({"requested_access__requested_until": "2020-01-01T00:00:00Z"}, "/requested_access/requested_until"),
        ({"context__break_glass": None}, "/context/break_glass/reason"),
        ({"context__break_glass": {"reason": "  "}}, "/context/break_glass/reason"),
        ({"denial__expires_at": "soon"}, "/denial/expires_at"),
        ({"denial": None}, "/denial"),
        ({"items": [{}]}, "/items"),
        ({"resource__id": "x"}, "/resource/id"),
    ],
)
def test_a_request_that_cannot_be_taken_is_named_by_its_member(
    caller: Caller, changes: dict[str, Any], pointer: str
) -> None:
    body = request_of(caller.evaluate())
    before = caller.world.size
    answer = caller.send(changed(body, **changes))
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]
    assert caller.world.size == before


def test_the_reason_may_stand_where_the_draft_puts_it(caller: Caller) -> None:
    body = changed(
        request_of(caller.evaluate()), context__break_glass=None, context__business_justification="Cardiac arrest"
    )
    assert caller.send(body | {"callback": {"url": "https://example.org"}, "more": [1]}).status_code == 201


def test_nobody_and_the_wrong_scope_are_refused(caller: Caller) -> None:
    body = request_of(caller.evaluate())
    assert caller.world.client.post("/access/v1/request", json=body).status_code == 401
    form = {"grant_type": "client_credentials", "scope": "log.read"}
    answer = caller.world.post_form(
        "/oauth/token", form | caller.world.parties.proof(network.EXPLORER, caller.world.now)
    )
    other = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}
    assert caller.world.client.post("/access/v1/request", json=body, headers=other).status_code == 403
