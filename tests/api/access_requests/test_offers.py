"""What a denial offers: an access request, for whom it would open something, and where to send it."""

import json

from governance.simulation import showcase
from tests.worlds.access_requests import (
    QUESTION,
    Caller,
    changed,
    instant,
    request_of,
)


def test_a_requestable_denial_says_where_and_until_when_and_nothing_of_the_patient(caller: Caller) -> None:
    context = caller.evaluate()["context"]
    offered = context["access_request"]
    base = caller.world.services.infrastructure.settings.issuer
    assert offered["endpoint"] == f"{base}/access/v1/request"
    assert context["evaluation_id"] == context["id"]
    assert context["next_action"] == "request"
    assert instant(offered["expires_at"]) > caller.world.clock.now()
    written = json.dumps(offered)
    for secret in (showcase.SEALED_STUDY, showcase.REPORTER, "sealed", "p-", "s-", "t-"):
        assert secret not in written


def test_only_a_requestable_denial_is_offered_a_request(caller: Caller) -> None:
    permit = caller.evaluate(changed(QUESTION, resource__id=showcase.SHARED_STUDY))
    closed = caller.evaluate(changed(QUESTION, action__name="delete"))
    assert permit["decision"] is True
    assert closed["decision"] is False
    for answer in (permit, closed):
        assert "access_request" not in answer["context"]
        assert answer["context"]["evaluation_id"]


def test_items_of_a_batch_are_offered_requests_of_their_own(caller: Caller) -> None:
    items = [{"resource": {"id": study}} for study in (showcase.SEALED_STUDY, showcase.SHARED_STUDY)]
    body = QUESTION | {"evaluations": items}
    answer = caller.world.client.post("/access/v1/evaluations", json=body, headers=caller.headers)
    denied, permitted = answer.get_json()["evaluations"]
    assert "access_request" not in permitted["context"]
    assert caller.send(request_of(denied)).status_code == 201


def test_a_denial_for_weak_identity_names_the_step_up_as_the_draft_does(caller: Caller) -> None:
    weak = caller.evaluate(changed(QUESTION, resource__id=showcase.SHARED_STUDY, subject__properties__assurance=1))
    (obligation,) = weak["context"]["obligations"]
    assert weak["decision"] is False
    assert obligation["type"] == "step-up"
    assert obligation["properties"]["acr_value"] == "AAL2_ANY"


def test_the_metadata_say_that_access_can_be_requested(caller: Caller) -> None:
    body = caller.world.client.get("/.well-known/authzen-configuration").get_json()
    assert body["access_request_endpoint"] == f"{body['policy_decision_point']}/access/v1/request"
    assert "urn:openid:authzen:capability:access-request" in body["capabilities"]
    assert body["jwks_uri"]
