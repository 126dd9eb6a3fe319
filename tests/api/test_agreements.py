"""Agreements over HTTP: the whole life of one, and what is refused."""

from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator

from governance.agreements.signing import new_private_key, public_key_of, sign
from governance.bootstrap import Services
from governance.vocabulary import Scope
from tests.worlds.agreement_callers import BASE, AgreementsApi
from tests.worlds.agreements import document

REASON = {"version": 1, "reason": "an incident"}


@pytest.fixture
def api(app: Flask, services: Services) -> AgreementsApi:
    """Speak to the agreements of a running service."""
    return AgreementsApi(app, services)


def register(api: AgreementsApi, ods: str, private: str) -> str:
    body = {
        "ods": ods,
        "name": f"Guardian of {ods}",
        "role": "Caldicott Guardian",
        "public_key": public_key_of(private),
    }
    answer = api.post("/keys", body, ods)
    assert answer.status_code == 201, answer.get_json()
    return str(answer.get_json()["key_id"])


def signed(api: AgreementsApi, made: dict[str, Any]) -> dict[str, Any]:
    """Put a document on file and have both trusts sign it; gives the last answer."""
    answer = api.post("/agreements", made)
    assert answer.status_code == 201, answer.get_json()
    view: dict[str, Any] = answer.get_json()
    for ods in ("RRK", "RKB"):
        private = new_private_key()
        body = {
            "version": view["version"],
            "key_id": register(api, ods, private),
            "signature": sign(view["canonical_text"], private),
        }
        answer = api.post(f"/agreements/{view['id']}/sign", body, ods)
        assert answer.status_code == 200, answer.get_json()
    final: dict[str, Any] = answer.get_json()
    return final


def test_the_whole_life_of_an_agreement(api: AgreementsApi) -> None:
    made = signed(api, document())
    assert (made["status"], made["in_force"], made["missing_signatures"]) == ("signed", False, [])
    assert [(one["ods"], one["counts"]) for one in made["signatures"]] == [("RKB", True), ("RRK", True)]
    active = api.post("/agreements/two-trusts/activate", {"version": 1}).get_json()
    assert (active["status"], active["in_force"]) == ("active", True)
    assert "RKB" in api.services.registers.agreements.compiled().document["index"]
    suspended = api.post("/agreements/two-trusts/suspend", REASON, "RKB").get_json()
    assert (suspended["status"], suspended["status_reason"]) == ("suspended", "an incident")
    assert api.services.registers.agreements.compiled().document["index"] == {}
    assert api.post("/agreements/two-trusts/activate", {"version": 1}).get_json()["in_force"]
    ended = api.post("/agreements/two-trusts/terminate", REASON).get_json()
    assert ended["status"] == "terminated"
    steps = api.get("/agreements/two-trusts/history").get_json()["changes"]
    assert [one["transition"] for one in steps] == [
        "load", "sign", "sign", "activate", "suspend", "activate", "terminate",
    ]  # fmt: skip


def test_an_agreement_is_read_whole(api: AgreementsApi) -> None:
    answer = api.post("/agreements", document())
    assert answer.headers["Location"] == f"{BASE}/agreements/two-trusts"
    view = api.get("/agreements/two-trusts").get_json()
    assert view == answer.get_json()
    assert view["document"] == document()
    assert view["plain_english"].startswith("Images for direct care between two trusts (version 1)\n")
    assert api.get("/agreements/two-trusts?version=1").get_json() == view
    assert api.get("/agreements/two-trusts?version=2").status_code == 404


def test_versions_and_the_one_that_speaks(api: AgreementsApi) -> None:
    signed(api, document())
    api.post("/agreements/two-trusts/activate", {"version": 1})
    signed(api, document(version=2, title="Renewed"))
    assert api.get("/agreements/two-trusts").get_json()["version"] == 1
    api.post("/agreements/two-trusts/activate", {"version": 2})
    assert api.get("/agreements/two-trusts").get_json()["version"] == 2
    listed = api.get("/agreements/two-trusts/versions").get_json()["versions"]
    assert [(one["version"], one["status"], one["superseded_by"]) for one in listed] == [
        (1, "terminated", 2),
        (2, "active", None),
    ]


def test_a_bad_document_is_refused_with_every_fault(api: AgreementsApi) -> None:
    answer = api.post("/agreements", document({"/version": 0, "/clauses/0/purposes": ["NOSE"]}))
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert [one["pointer"] for one in answer.get_json()["errors"]] == ["/clauses/0/purposes/0", "/version"]
    assert api.get("/agreements").get_json() == {"agreements": [], "next": None}


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        ("/agreements", "[]", 400, "body.malformed"),
        ("/agreements", "{", 400, "body.malformed"),
        ("/agreements/two-trusts/activate", {"version": 1}, 409, "agreement.illegal_transition"),
        ("/agreements/two-trusts/activate", {}, 400, "input.invalid"),
        ("/agreements/two-trusts/activate", {"version": 2}, 404, "agreement.unknown"),
        ("/agreements/nothing/activate", {"version": 1}, 404, "agreement.unknown"),
        ("/agreements/two-trusts/suspend", REASON, 409, "agreement.illegal_transition"),
        ("/agreements/two-trusts/suspend", {"version": 1}, 400, "input.invalid"),
        ("/agreements/two-trusts/suspend", {"version": 1, "reason": " "}, 400, "input.invalid"),
        ("/agreements/two-trusts/sign", {"version": 1, "key_id": "k", "signature": "s"}, 400, "input.invalid"),
        ("/agreements/two-trusts/sign", {"version": 1, "key_id": "k", "signature": "s", "x": 1}, 400, "input.invalid"),
        ("/keys", {"ods": "RRK", "name": "A", "role": "B", "public_key": "pem"}, 400, "input.invalid"),
        ("/keys/nothing/revoke", {}, 404, "key.unknown"),
    ],
)
def test_what_is_refused_says_why(api: AgreementsApi, path: str, body: Any, status: int, reason: str) -> None:
    api.post("/agreements", document())
    answer = api.post(path, body)
    assert (answer.status_code, answer.get_json()["reason"]) == (status, reason)


def test_a_wrong_signature_is_named(api: AgreementsApi) -> None:
    private = new_private_key()
    api.post("/agreements", document())
    body = {"version": 1, "key_id": register(api, "RRK", private), "signature": sign("another text", private)}
    answer = api.post("/agreements/two-trusts/sign", body)
    assert answer.status_code == 400
    assert answer.get_json()["errors"][0]["pointer"] == "/signature"
    assert api.get("/agreements/two-trusts").get_json()["signatures"] == []


def test_revoking_a_key_takes_the_agreement_out_of_force(api: AgreementsApi) -> None:
    signed(api, document())
    api.post("/agreements/two-trusts/activate", {"version": 1})
    (key,) = api.get("/keys?ods=RRK").get_json()["keys"]
    assert api.post(f"/keys/{key['key_id']}/revoke", {}, "RKB").status_code == 403
    assert api.post(f"/keys/{key['key_id']}/revoke", {}).get_json()["revoked_at"] is not None
    view = api.get("/agreements/two-trusts").get_json()
    assert (view["status"], view["in_force"], view["missing_signatures"]) == ("active", False, ["RRK"])
    assert api.services.registers.agreements.compiled().document["index"] == {}


def test_a_trust_sees_and_moves_only_its_own(api: AgreementsApi) -> None:
    api.post("/agreements", document())
    assert api.get("/agreements", "RWP").get_json()["agreements"] == []
    for path in ("/agreements/two-trusts", "/agreements/two-trusts/versions", "/agreements/two-trusts/history"):
        assert api.get(path, "RWP").status_code == 404
    for step, body in (("activate", {"version": 1}), ("suspend", REASON), ("terminate", REASON)):
        assert api.post(f"/agreements/two-trusts/{step}", body, "RWP").status_code == 404
    assert api.post("/agreements", document(id="other"), "RWP").status_code == 403
    key = {"ods": "RRK", "name": "A", "role": "B", "public_key": public_key_of(new_private_key())}
    assert api.post("/keys", key, "RWP").get_json()["reason"] == "key.other_organisation"


def test_a_list_is_filtered_and_walked(api: AgreementsApi) -> None:
    for number in range(3):
        api.post("/agreements", document(id=f"a-{number}"))
    first = api.get("/agreements?limit=2").get_json()
    assert [one["id"] for one in first["agreements"]] == ["a-0", "a-1"]
    second = api.get(f"/agreements?limit=2&cursor={first['next']}").get_json()
    assert ([one["id"] for one in second["agreements"]], second["next"]) == (["a-2"], None)
    assert len(api.get("/agreements?status=draft&ods=RKB").get_json()["agreements"]) == 3
    assert api.get("/agreements?status=active").get_json()["agreements"] == []
    for wrong in ("status=odd", "ods=rrk", "limit=0", "cursor=x", "page=2", "limit=1&limit=2"):
        assert api.get(f"/agreements?{wrong}").status_code == 400, wrong


def test_scopes_are_asked_for(api: AgreementsApi) -> None:
    assert api.http.get(f"{BASE}/agreements").status_code == 401
    reading = (Scope.AGREEMENTS_READ,)
    assert api.get("/agreements", scopes=reading).status_code == 200
    assert api.post("/agreements", document(), scopes=reading).status_code == 403
    assert api.get("/agreements", scopes=(Scope.AUDIT_READ,)).status_code == 403


def test_the_schema_is_published(api: AgreementsApi) -> None:
    answer = api.http.get(f"{BASE}/schemas/agreement-1.json")
    assert answer.content_type == "application/schema+json"
    Draft202012Validator.check_schema(answer.get_json())
    assert Draft202012Validator(answer.get_json()).is_valid(document())
