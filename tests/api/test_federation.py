"""The federation's registrations over HTTP."""

from typing import Any

import pytest

from governance.vocabulary import Scope
from tests.worlds.feeds import ContextWorld

BASE = "/federation/v1"
PROVIDER = {
    "issuer": "https://id.rrk.example",
    "ods": "RRK",
    "jwks_uri": "https://id.rrk.example/jwks",
    "audiences": ["imaging-governance"],
}
MANIFEST = {
    "service_id": "ich-triage",
    "version": "2.1",
    "modalities": ["CT"],
    "body_parts": ["HEAD"],
    "trusts": ["RKB", "RRK"],
    "purposes": ["ETREAT", "TREAT"],
    "daily_volume": 400,
}
COLLECTIONS = ("trusts", "identity-providers", "clients", "manifests", "persons")


def triage(world: ContextWorld, **changes: object) -> dict[str, Any]:
    body = {
        "client_id": "ich-triage",
        "ods": "RRK",
        "name": "Haemorrhage triage",
        "kind": "ai_service",
        "jwks": world.jwks(),
        "scopes": ["access.evaluate"],
        "audiences": ["https://archive.rkb.example"],
        "ai_version": "2.1",
        "token_audience": None,
        "asks_for": ["RNA"],
        "attests": ["assurance"],
        "writes_for": [],
        "origins": ["https://triage.example"],
    }
    return body | changes


def test_registers_and_lists_organisations(context_world: ContextWorld) -> None:
    answer = context_world.post(f"{BASE}/trusts", {"ods": "RJE", "name": "North Midlands"})

    assert (answer.status_code, answer.get_json()) == (200, {"ods": "RJE", "name": "North Midlands"})
    listed = context_world.get(f"{BASE}/trusts").get_json()["trusts"]
    assert [trust["ods"] for trust in listed] == ["RJE", "RKB", "RRK"]
    assert [event.detail for event in context_world.changes()] == [{"registered": "trust", "ods": "RJE"}]


def test_registers_and_lists_identity_providers(context_world: ContextWorld) -> None:
    national = PROVIDER | {"issuer": "https://cis2.example", "ods": None}

    assert context_world.post(f"{BASE}/identity-providers", PROVIDER).get_json() == PROVIDER
    assert context_world.post(f"{BASE}/identity-providers", national).get_json() == national
    listed = context_world.get(f"{BASE}/identity-providers").get_json()
    assert listed == {"identity_providers": [national, PROVIDER]}


def test_registers_and_lists_services(context_world: ContextWorld) -> None:
    body = triage(context_world)

    assert context_world.post(f"{BASE}/clients", body).get_json() == body
    listed = context_world.get(f"{BASE}/clients").get_json()["clients"]
    assert body in listed
    assert context_world.changes()[0].detail == {
        "registered": "client",
        "client_id": "ich-triage",
        "scopes": ["access.evaluate"],
        "asks_for": ["RNA"],
        "attests": ["assurance"],
        "writes_for": [],
        "origins": ["https://triage.example"],
    }


def test_a_private_key_is_refused_and_not_repeated(context_world: ContextWorld) -> None:
    secret = "c2VjcmV0LXNjYWxhcg"
    keys = {"keys": [context_world.key.public | {"d": secret}]}
    answer = context_world.post(f"{BASE}/clients", triage(context_world, jwks=keys))

    assert answer.status_code == 400
    assert [fault["pointer"] for fault in answer.get_json()["errors"]] == ["/jwks/keys/0"]
    assert secret not in answer.get_data(as_text=True)


def test_a_manifest_is_registered_approved_and_withdrawn(context_world: ContextWorld) -> None:
    context_world.post(f"{BASE}/clients", triage(context_world))
    kept = context_world.post(f"{BASE}/manifests", MANIFEST).get_json()
    assert kept == MANIFEST | {"approved": False, "approved_at": None, "withdrawn_at": None}

    approved = context_world.post(f"{BASE}/manifests/ich-triage/2.1/approve", {}).get_json()
    assert (approved["approved"], approved["approved_at"]) == (True, "2026-11-24T12:00:00Z")
    wider = context_world.post(f"{BASE}/manifests", MANIFEST | {"modalities": ["CT", "MR"]})
    assert (wider.status_code, wider.get_json()["reason"]) == (409, "manifest.approved")
    withdrawn = context_world.post(f"{BASE}/manifests/ich-triage/2.1/withdraw", {}).get_json()
    assert (withdrawn["approved"], withdrawn["withdrawn_at"]) == (False, "2026-11-24T12:00:00Z")
    assert context_world.get(f"{BASE}/manifests").get_json() == {"manifests": [withdrawn]}
    told = {"service_id": "ich-triage", "version": "2.1"}
    assert [event.detail for event in context_world.changes()[1:]] == [
        {"registered": "manifest"} | told,
        {"approved": "manifest"} | told,
        {"withdrawn": "manifest"} | told,
    ]


@pytest.mark.parametrize("act", ["approve", "withdraw"])
def test_an_unknown_manifest_is_not_found(context_world: ContextWorld, act: str) -> None:
    answer = context_world.post(f"{BASE}/manifests/ich-triage/9/{act}", {})

    assert (answer.status_code, answer.get_json()["reason"]) == (404, "manifest.unknown")
    assert context_world.changes() == []


def test_a_console_account_is_given_back_by_pseudonym_only(context_world: ContextWorld) -> None:
    context_world.post(f"{BASE}/identity-providers", PROVIDER)
    body = {"issuer": PROVIDER["issuer"], "subject": "officer-1", "ods": "RRK", "roles": ["soc_analyst", "ig_officer"]}
    answer = context_world.post(f"{BASE}/persons", body)

    shown = body | {
        "subject": context_world.services.infrastructure.pseudonymiser.subject("officer-1"),
        "roles": ["ig_officer", "soc_analyst"],
    }
    assert answer.get_json() == shown
    assert context_world.get(f"{BASE}/persons").get_json() == {"persons": [shown]}
    assert "officer-1" not in str(context_world.changes())


@pytest.mark.parametrize(
    ("path", "body", "pointers"),
    [
        ("trusts", {"ods": "no", "name": ""}, {"/ods", "/name"}),
        ("trusts", {"ods": "RJE", "name": "x", "extra": 1}, {"/extra"}),
        ("identity-providers", PROVIDER | {"jwks_uri": "http://169.254.169.254/"}, {"/jwks_uri"}),
        ("identity-providers", PROVIDER | {"ods": "RJE"}, {"/ods"}),
        ("clients", {"client_id": "x"}, {"/ods", "/name", "/kind", "/jwks"}),
        ("manifests", MANIFEST | {"service_id": "nobody"}, {"/service_id"}),
        ("manifests", MANIFEST | {"purposes": ["FUN"]}, {"/purposes/0"}),
        ("persons", {"issuer": "https://no.example", "subject": "a", "ods": "RJE", "roles": []}, {"/issuer", "/ods"}),
    ],
)
def test_every_fault_is_named_and_nothing_is_kept(
    context_world: ContextWorld, path: str, body: dict[str, Any], pointers: set[str]
) -> None:
    answer = context_world.post(f"{BASE}/{path}", body)

    assert answer.status_code == 400
    assert {fault["pointer"] for fault in answer.get_json()["errors"]} == pointers
    assert context_world.changes() == []


@pytest.mark.parametrize("name", COLLECTIONS)
def test_registering_needs_a_scope_of_its_own(context_world: ContextWorld, name: str) -> None:
    path = f"{BASE}/{name}"

    assert context_world.get(path, scopes=()).status_code == 401
    assert context_world.post(path, {}, scopes=()).status_code == 401
    assert context_world.get(path, scopes=(Scope.CONTEXT_WRITE,)).status_code == 403
    assert context_world.post(path, {}, scopes=(Scope.CONTEXT_WRITE,)).status_code == 403
    assert context_world.post(path, {}, scopes=(Scope.FEDERATION_READ,)).status_code == 403
    assert context_world.get(path).status_code == 200


def test_a_service_is_registered_to_write_for_the_region_or_for_trusts(context_world: ContextWorld) -> None:
    for wanted in ("region", ["RKB"]):
        body = triage(context_world, writes_for=wanted)
        assert context_world.post(f"{BASE}/clients", body).get_json() == body
        assert body in context_world.get(f"{BASE}/clients").get_json()["clients"]
    answer = context_world.post(f"{BASE}/clients", triage(context_world, writes_for=["RJE"]))
    assert [fault["pointer"] for fault in answer.get_json()["errors"]] == ["/writes_for"]
