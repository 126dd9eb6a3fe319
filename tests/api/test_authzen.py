"""The decision endpoints over HTTP, on the demo region: AuthZEN Authorization API 1.0."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from werkzeug.test import TestResponse

from governance.decisions import EngineFault, RegorusEngine
from governance.simulation import network, showcase
from governance.vocabulary import EventKind, Outcome, ReasonCode
from tests.worlds.region import DIRECT_CARE, RegionWorld, seed_home

GOOD: dict[str, Any] = showcase.question()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegionWorld]:
    home = seed_home(tmp_path_factory.mktemp("authzen") / "home", "http://127.0.0.1:8080", "http://127.0.0.1:9")
    made = RegionWorld(home)
    made.feed_showcase()
    yield made
    made.close()


@pytest.fixture(scope="module")
def headers(world: RegionWorld) -> dict[str, str]:
    form = {"grant_type": "client_credentials", "scope": "access.evaluate"}
    answer = world.post_form("/oauth/token", form | world.parties.proof(network.EXPLORER, world.now))
    return {"Authorization": f"Bearer {answer.get_json()['access_token']}"}


def changed(**changes: Any) -> dict[str, Any]:
    """Give the good question with members at ``a__b`` paths replaced; None takes a member out."""
    made = copy.deepcopy(GOOD)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = made
        for parent in parents:
            place = place[parent]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return made


def ask(world: RegionWorld, headers: dict[str, str], body: Any, path: str = "evaluation", **extra: str) -> TestResponse:
    return world.client.post(f"/access/v1/{path}", json=body, headers=headers | extra)


def test_a_permit_names_the_signed_clause_and_its_place_in_the_log(world: RegionWorld, headers: dict[str, str]) -> None:
    answer = ask(world, headers, GOOD, **{"X-Request-ID": "r-1"})
    assert answer.status_code == 200
    body = answer.get_json()
    assert body["decision"] is True
    context = body["context"]
    assert context["agreement"] == {"id": DIRECT_CARE, "version": 1, "clause": "4.1"}
    assert context["reasons"] == ["agreement.permits"]
    assert context["policy_revision"] == world.services.registers.agreements.compiled().revision
    assert answer.headers["X-Request-ID"] == "r-1"
    event = world.services.infrastructure.audit.entry(context["log_index"])
    assert (event.kind, event.outcome) == (EventKind.DECISION, Outcome.SUCCESS)
    assert event.authority.decision_id == event.id == context["id"]
    assert event.authority.agreement_id == DIRECT_CARE
    assert event.detail["revision"] == context["policy_revision"]
    assert event.detail["asked_by"] == network.EXPLORER


def test_the_log_holds_pseudonyms_and_the_answer_no_identity(world: RegionWorld, headers: dict[str, str]) -> None:
    index = ask(world, headers, GOOD).get_json()["context"]["log_index"]
    stored = world.services.infrastructure.audit.entry_bytes(index).decode()
    assert showcase.REPORTER not in stored
    assert showcase.SHARED_STUDY not in stored


@pytest.mark.parametrize(
    ("study", "told", "whole"),
    [
        (showcase.UNRELATED_STUDY, "relationship.none", "relationship.none"),
        (showcase.SEALED_STUDY, "request.refused", "break_glass.required"),
        ("1.2.3.4.5.6.7", "request.refused", "resource.unknown"),
    ],
)
def test_a_denial_says_nothing_of_the_patient_and_the_log_says_all(
    world: RegionWorld, headers: dict[str, str], study: str, told: str, whole: str
) -> None:
    answer = ask(world, headers, changed(resource__id=study))
    assert answer.status_code == 200
    body = answer.get_json()
    assert body["decision"] is False
    assert body["context"]["reasons"] == [told]
    assert not any(ReasonCode(reason).about_patient for reason in body["context"]["reasons"])
    assert world.services.infrastructure.audit.entry(body["context"]["log_index"]).detail["reasons"] == [whole]


def test_breaking_the_glass_opens_what_may_be_opened_and_leaves_its_mark(
    world: RegionWorld, headers: dict[str, str]
) -> None:
    closed = ask(world, headers, changed(resource__id=showcase.SEALED_STUDY)).get_json()
    assert closed["context"]["requestable"] is True
    reason = {"reason": "Unconscious after a fall"}
    opened = ask(world, headers, changed(resource__id=showcase.SEALED_STUDY, context__break_glass=reason)).get_json()
    assert opened["decision"] is True
    assert "break_glass.granted" in opened["context"]["reasons"]
    assert {obligation["type"] for obligation in opened["context"]["obligations"]} >= {"notification", "custom"}
    event = world.services.infrastructure.audit.entry(opened["context"]["log_index"])
    assert event.break_glass
    assert "Unconscious" not in world.services.infrastructure.audit.entry_bytes(event.index).decode()
    assert world.services.infrastructure.audit.reveal(event).break_glass_reason == reason["reason"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"subject": None}, "/subject"),
        ({"subject__id": None}, "/subject/id"),
        ({"subject__id": 7}, "/subject/id"),
        ({"subject__type": "robot"}, "/subject/type"),
        ({"subject__properties__ods": "rkb"}, "/subject/properties/ods"),
        ({"subject__properties__role": "wizard"}, "/subject/properties/role"),
        ({"subject__properties__assurance": 9}, "/subject/properties/assurance"),
        ({"action": None}, "/action"),
        ({"action__name": "steal"}, "/action/name"),
        ({"resource__type": "car"}, "/resource/type"),
        ({"resource__id": "study one"}, "/resource/id"),
        ({"context__purpose": "FUN"}, "/context/purpose"),
        ({"context__break_glass": {"reason": "x" * 501}}, "/context/break_glass/reason"),
        ({"context__supported_obligations": "all"}, "/context/supported_obligations"),
    ],
)
def test_a_question_that_cannot_be_understood_is_named_by_its_member(
    world: RegionWorld, headers: dict[str, str], changes: dict[str, Any], pointer: str
) -> None:
    before = world.size
    answer = ask(world, headers, changed(**changes))
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]
    assert world.size == before


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"subject": NaN}', "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"{}", "application/x-www-form-urlencoded", 415),
        (b" " * (1024 * 1024 + 1), "application/json", 413),
    ],
)
def test_what_is_no_json_object_is_refused(
    world: RegionWorld, headers: dict[str, str], body: bytes, media_type: str, status: int
) -> None:
    answer = world.client.post("/access/v1/evaluation", data=body, content_type=media_type, headers=headers)
    assert answer.status_code == status


def test_a_charset_is_taken_and_other_methods_are_not(world: RegionWorld, headers: dict[str, str]) -> None:
    answer = world.client.post(
        "/access/v1/evaluation",
        data=json.dumps(GOOD),
        content_type="application/json; charset=utf-8",
        headers=headers,
    )
    assert answer.get_json()["decision"] is True
    for method in ("GET", "PUT", "DELETE"):
        refused = world.client.open("/access/v1/evaluation", method=method, headers=headers)
        assert refused.status_code == 405
        assert "POST" in refused.headers["Allow"]


def test_nobody_and_the_wrong_scope_are_told_apart(world: RegionWorld) -> None:
    assert ask(world, {}, GOOD).status_code == 401
    assert ask(world, {"Authorization": "Bearer nonsense"}, GOOD).status_code == 401
    form = {"grant_type": "client_credentials", "scope": "log.read"}
    answer = world.post_form("/oauth/token", form | world.parties.proof(network.EXPLORER, world.now))
    other = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}
    assert ask(world, other, GOOD).status_code == 403


def test_a_batch_answers_in_order_and_a_bad_item_spoils_no_other(world: RegionWorld, headers: dict[str, str]) -> None:
    batch = {
        "subject": GOOD["subject"],
        "action": GOOD["action"],
        "context": GOOD["context"],
        "resource": {"type": "study", "id": showcase.UNRELATED_STUDY},
        "evaluations": [
            {"resource": {"id": showcase.SHARED_STUDY}},
            {"action": {"name": "steal"}},
            {},
            {"resource": {"type": "study", "id": showcase.SHARED_STUDY}},
        ],
    }
    answers = ask(world, headers, batch, "evaluations").get_json()["evaluations"]
    assert [answer["decision"] for answer in answers] == [True, False, False, True]
    assert answers[1]["context"]["error"]["status"] == 400
    assert "log_index" in answers[2]["context"]


@pytest.mark.parametrize(
    ("semantic", "expected"),
    [
        ("execute_all", [True, False, True]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_a_batch_stops_where_its_semantic_says(
    world: RegionWorld, headers: dict[str, str], semantic: str, expected: list[bool]
) -> None:
    studies = (showcase.SHARED_STUDY, showcase.UNRELATED_STUDY, showcase.SHARED_STUDY)
    batch = {
        **{name: GOOD[name] for name in ("subject", "action", "context")},
        "evaluations": [{"resource": {"type": "study", "id": study}} for study in studies],
        "options": {"evaluations_semantic": semantic},
    }
    answers = ask(world, headers, batch, "evaluations").get_json()["evaluations"]
    assert [answer["decision"] for answer in answers] == expected


def test_an_unknown_semantic_is_refused_and_no_items_is_one_question(
    world: RegionWorld, headers: dict[str, str]
) -> None:
    refused = ask(
        world, headers, GOOD | {"evaluations": [{}], "options": {"evaluations_semantic": "guess"}}, "evaluations"
    )
    assert refused.status_code == 400
    assert ask(world, headers, GOOD, "evaluations").get_json()["decision"] is True


def test_the_metadata_name_endpoints_that_are_there(world: RegionWorld, headers: dict[str, str]) -> None:
    body = world.client.get("/.well-known/authzen-configuration").get_json()
    base = body["policy_decision_point"]
    assert base == world.services.infrastructure.settings.issuer
    assert all(body.values())
    endpoints = {name: url for name, url in body.items() if name.endswith("_endpoint")}
    assert endpoints.keys() == {
        "access_evaluation_endpoint",
        "access_evaluations_endpoint",
        "access_request_endpoint",
        "search_subject_endpoint",
        "search_resource_endpoint",
        "search_action_endpoint",
    }
    for url in endpoints.values():
        assert url.startswith(base)
        expected = 400 if url == endpoints["access_request_endpoint"] else 200  # a question is no access request
        assert world.client.post(url.removeprefix(base), json=GOOD, headers=headers).status_code == expected
    assert body["supported_obligations"] == ["custom", "notification", "session_termination", "step-up"]
    assert all(urn.startswith("urn:openid:authzen:capability:") for urn in body["capabilities"])


def test_the_signed_metadata_say_the_same_under_a_published_key(world: RegionWorld) -> None:
    body = world.client.get("/.well-known/authzen-configuration").get_json()
    signed = body.pop("signed_metadata")
    keys = world.client.get(body["jwks_uri"].removeprefix(body["policy_decision_point"])).get_json()
    token = jwt.decode(signed, KeySet.import_key_set(keys), algorithms=["ES256"])
    assert token.header["typ"] == "JWT"
    claims = dict(token.claims)
    assert claims.pop("iss") == body["policy_decision_point"]
    assert claims.pop("iat") == world.now
    assert claims == body


def test_signed_metadata_is_no_credential(world: RegionWorld) -> None:
    signed = world.client.get("/.well-known/authzen-configuration").get_json()["signed_metadata"]
    assert ask(world, {"Authorization": f"Bearer {signed}"}, GOOD).status_code == 401


@pytest.mark.parametrize("path", ["evaluation", "evaluations", "search/subject", "search/resource", "search/action"])
def test_a_request_id_comes_back_with_every_answer(world: RegionWorld, headers: dict[str, str], path: str) -> None:
    sent = {"X-Request-ID": "bfe9eb29"}
    answers = [
        ask(world, headers, GOOD, path, **sent),
        ask(world, headers, {}, path, **sent),
        ask(world, {}, GOOD, path, **sent),
        world.client.get(f"/access/v1/{path}", headers=headers | sent),
        world.client.post(f"/access/v1/{path}", data=b"{}", content_type="text/plain", headers=headers | sent),
    ]
    assert [answer.status_code for answer in answers] == [200, 400, 401, 405, 415]
    assert {answer.headers["X-Request-ID"] for answer in answers} == {"bfe9eb29"}
    assert {answer.content_type for answer in answers[1:]} == {"application/problem+json"}
    assert "X-Request-ID" not in ask(world, headers, GOOD, path).headers


def test_members_that_nobody_knows_are_let_be(world: RegionWorld, headers: dict[str, str]) -> None:
    body = changed(subject__more=1, resource__properties={"a": [1]}, action__properties={"b": {}}, context__time="now")
    assert ask(world, headers, body | {"more": {"c": None}}).get_json()["decision"] is True


@pytest.mark.parametrize("items", ["one", {"resource": {}}, [1], [[]], [None], 7])
def test_a_batch_that_is_no_list_of_objects_is_refused(
    world: RegionWorld, headers: dict[str, str], items: object
) -> None:
    answer = ask(world, headers, GOOD | {"evaluations": items}, "evaluations")
    assert answer.status_code == 400
    assert answer.get_json()["errors"][0]["pointer"].startswith("/evaluations")


def test_an_engine_that_fails_denies_and_says_so(
    world: RegionWorld, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: RegorusEngine, policy_input: object) -> None:
        raise EngineFault(ReasonCode.ENGINE_TIMEOUT, "on purpose")

    monkeypatch.setattr(RegorusEngine, "evaluate", fail)
    body = ask(world, headers, GOOD).get_json()
    assert body["decision"] is False
    assert body["context"]["reasons"] == ["engine.timeout"]
