"""The token endpoints over HTTP, with a real identity provider beside them and the real exchange behind them."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import KeySet
from werkzeug.test import TestResponse

from governance.agreements.rehearsal import new_signatories, rehearse
from governance.audit import Query
from governance.bootstrap import Services, build
from governance.catalogue import Study
from governance.clock import SystemClock
from governance.federation import IdentityProvider, ServiceClient, StaffMember, Trust
from governance.jobs import Runtime
from governance.relationships import Edge
from governance.server import create_app
from governance.settings import Settings
from governance.tokens import Presentation, dpop
from governance.vocabulary import EventKind, RelationshipKind, Role, SubjectType
from tests.fakes.stranger import (
    Behaviour,
    breaks_off,
    drips_body,
    sends_elsewhere,
    stranger,
    two_hundred_megabytes_undeclared,
)
from tests.peers.identity_provider import identity_provider
from tests.worlds.agreements import OFFICE, document
from tests.worlds.tokens import ARCHIVE, ASSERTION_TYPE, BROKER, STUDY, KeyPair

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
UNKNOWN_STUDY = "1.2.826.0.1.3680043.8.498.99"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with identity_provider("--demo") as address:
        yield address


@dataclass
class Region:
    """A running service, one archive, one viewer and the keys they hold."""

    services: Services
    app: Flask
    provider: str
    keys: dict[str, KeyPair]

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    @property
    def endpoint(self) -> str:
        return self.services.registers.tokens.token_endpoint

    @property
    def now(self) -> int:
        return int(self.services.infrastructure.clock.now().timestamp())

    def proof_of(self, client_id: str, **changes: Any) -> dict[str, str]:
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": self.endpoint,
            "exp": self.now + 60,
            "jti": uuid.uuid4().hex,
        }
        assertion = self.keys[client_id].sign({**claims, **changes})
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}

    def identity_token(self, user: str, **asked: str) -> str:
        ods = user.rsplit(".", 1)[1].upper()
        answer = requests.post(f"{self.provider}/{ods}/demo/id-token", json={"user": user, **asked}, timeout=10)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id_token"])

    def token(
        self, client_id: str = "viewer.rkb", headers: dict[str, str] | None = None, **fields: str
    ) -> TestResponse:
        form = {"grant_type": "client_credentials", **self.proof_of(client_id), **fields}
        return self.client.post("/oauth/token", data=form, headers=headers)

    def exchange(
        self,
        user: str = "clinician.rkb",
        details: dict[str, Any] | None = None,
        client_id: str = "viewer.rkb",
        headers: dict[str, str] | None = None,
        **fields: str,
    ) -> TestResponse:
        wanted = {"type": "imaging_study", "study_uid": STUDY, **(details or {})}
        form = {
            "grant_type": EXCHANGE,
            "subject_token_type": ID_TOKEN,
            "audience": ARCHIVE,
            "authorization_details": json.dumps([wanted]),
            **fields,
        }
        if "subject_token" not in form:
            form["subject_token"] = self.identity_token(user)
        return self.token(client_id, headers, **form)


@pytest.fixture
def region(settings: Settings, provider: str) -> Iterator[Region]:
    services = build(settings, SystemClock())  # the identity provider's clock is the machine's
    runtime = Runtime(services)
    runtime.start(jobs=False)
    keys = {name: KeyPair.ec(f"{name}-1") for name in ("viewer.rkb", "archive.rrk", "auditor")}
    _register(services, provider, keys)
    _agree(services)
    yield Region(services, create_app(services), provider, keys)
    runtime.stop()


def _register(services: Services, provider: str, keys: dict[str, KeyPair]) -> None:
    def jwks(name: str) -> dict[str, Any]:
        return {"keys": [keys[name].public]}

    service, federation, pseudonyms = (
        SubjectType.SERVICE,
        services.registers.federation,
        services.infrastructure.pseudonymiser,
    )
    now = services.infrastructure.clock.now()
    patient = pseudonyms.patient("9990000018")
    with services.infrastructure.database.transaction() as session:
        for ods in ("RRK", "RKB"):
            federation.register_trust(session, Trust(ods, f"Trust {ods}"))
            known = IdentityProvider(f"{provider}/{ods}", ods, f"{provider}/{ods}/jwks", (BROKER,))
            federation.register_identity_provider(session, known)
        for client in (
            ServiceClient(
                "viewer.rkb", "RKB", "Viewer", service, jwks("viewer.rkb"), frozenset({"access.evaluate"}), (ARCHIVE,)
            ),
            ServiceClient(
                "archive.rrk",
                "RRK",
                "Archive",
                service,
                jwks("archive.rrk"),
                frozenset({"audit.write"}),
                (),
                None,
                ARCHIVE,
            ),
            ServiceClient("auditor", "RRK", "Auditor", service, jwks("auditor"), frozenset({"tokens.introspect"})),
        ):
            federation.register_client(session, client)
        study = Study(STUDY, pseudonyms.study(STUDY), ("RRK",), patient, "CT", "HEAD", now.date())
        services.registers.catalogue.upsert(session, [study])
        subject = pseudonyms.subject("clinician.rkb")
        edge = Edge(
            "e1", RelationshipKind.REFERRAL, subject, patient, None, "RKB", now - timedelta(days=1), None, "test"
        )
        services.registers.relationships.upsert_edges(session, [edge])
        federation.upsert_staff(session, [StaffMember(subject, "RKB", Role.CLINICIAN.value)])


def _agree(services: Services) -> None:
    today = services.infrastructure.clock.now().date()
    conditions = "/clauses/0/conditions"
    made = document(
        {f"{conditions}/managed_device": False, f"{conditions}/training": False, f"{conditions}/obligations": []},
        effective={"from": (today - timedelta(days=10)).isoformat(), "to": (today + timedelta(days=90)).isoformat()},
        review_date=(today + timedelta(days=60)).isoformat(),
    )
    made["clauses"][0]["conditions"]["hours"] = None
    rehearse(services.registers.agreements, [made], new_signatories({"RRK": "A", "RKB": "B"}), OFFICE)


# The exchange


def test_an_identity_token_becomes_an_access_token_for_one_study(region: Region) -> None:
    answer = region.exchange()
    body = answer.get_json()
    assert answer.status_code == 200, body
    assert answer.headers["Cache-Control"] == "no-store"
    assert (body["token_type"], body["issued_token_type"]) == ("Bearer", ACCESS_TOKEN)
    assert 0 < body["expires_in"] <= 120
    keys = KeySet.import_key_set(region.client.get("/.well-known/jwks.json").get_json())
    claims = jwt.decode(body["access_token"], keys, algorithms=["ES256"]).claims
    assert (claims["aud"], claims["act"]) == (ARCHIVE, {"sub": "viewer.rkb"})
    assert claims["agreement"] == {"id": "two-trusts", "version": "1", "clause": "4.1"}
    assert claims["authorization_details"][0]["study_uid"] == STUDY
    assert claims["decision_id"]
    found = region.services.infrastructure.audit_search.find(Query(decision_id=claims["decision_id"]), limit=10)
    assert {event.kind for event in found} == {EventKind.DECISION, EventKind.TOKEN}
    assert [event.authority.token_jti for event in found if event.kind is EventKind.TOKEN] == [claims["jti"]]


def test_nobody_learns_which_targets_or_studies_exist(region: Region) -> None:
    answers = [
        region.exchange(audience="https://archive.nowhere.test"),
        region.exchange(details={"study_uid": UNKNOWN_STUDY}),
        region.exchange(client_id="archive.rrk"),
    ]
    assert {answer.status_code for answer in answers} == {400}
    assert len({answer.get_data(as_text=True) for answer in answers}) == 1
    assert answers[0].get_json()["error"] == "invalid_target"


def test_a_denial_names_the_decision_and_says_nothing_of_the_patient(region: Region) -> None:
    answer = region.exchange("radiologist.rkb")
    body = answer.get_json()
    assert (answer.status_code, body["error"]) == (403, "access_denied")
    assert body["decision_id"]
    assert isinstance(body["log_index"], int)
    assert STUDY not in answer.get_data(as_text=True)
    assert "999" not in body["error_description"]


def test_an_identity_token_for_another_client_is_refused(region: Region) -> None:
    token = region.identity_token("clinician.rkb", audience="imaging-governance-console")
    answer = region.exchange(subject_token=token)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_an_exchanged_token_is_not_exchanged_again(region: Region) -> None:
    first = region.exchange().get_json()["access_token"]
    answer = region.exchange(subject_token=first, subject_token_type=ACCESS_TOKEN)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_an_exchanged_token_opens_no_api_of_ours(region: Region) -> None:
    token = region.exchange().get_json()["access_token"]
    answer = region.client.get("/audit/v1/events", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_suspending_the_agreement_kills_the_token(region: Region) -> None:
    token = region.exchange().get_json()["access_token"]
    form = {**region.proof_of("archive.rrk"), "token": token}
    assert region.client.post("/oauth/introspect", data=form).get_json()["active"] is True
    region.services.registers.agreements.suspend("two-trusts", 1, OFFICE, "Under review.")
    form = {**region.proof_of("archive.rrk"), "token": token}
    assert region.client.post("/oauth/introspect", data=form).get_json() == {"active": False}
    assert region.exchange().status_code == 403


# client_credentials


def test_a_service_gets_a_token_and_uses_it(region: Region) -> None:
    body = region.token("auditor").get_json()
    assert (body["token_type"], body["scope"]) == ("Bearer", "tokens.introspect")
    assert "issued_token_type" not in body
    token = region.exchange().get_json()["access_token"]
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    told = region.client.post("/oauth/introspect", data={"token": token}, headers=headers).get_json()
    assert (told["active"], told["client_id"]) == (True, "viewer.rkb")


def test_a_bound_token_comes_from_a_proof(region: Region) -> None:
    key = KeyPair.ec("mine")

    def proof(method: str, url: str, **extra: str) -> str:
        claims = {"htm": method, "htu": url, "iat": region.now, "jti": uuid.uuid4().hex, **extra}
        return key.sign(claims, typ="dpop+jwt", jwk=key.key.as_dict(private=False), kid=None)

    answer = region.exchange(headers={"DPOP": proof("POST", region.endpoint)})
    body = answer.get_json()
    assert body["token_type"] == "DPoP", body
    url = f"{ARCHIVE}/studies/{STUDY}"
    shown = Presentation("DPoP", (proof("GET", url, ath=dpop.token_hash(body["access_token"])),), "GET", url)
    claims = region.services.registers.tokens.verify_access(body["access_token"], ARCHIVE, shown)
    assert claims.confirmation == key.key.thumbprint()


@pytest.mark.parametrize("defect", ["another address", "another method", "two proofs", "junk"])
def test_a_wrong_proof_gets_no_token(region: Region, defect: str) -> None:
    key = KeyPair.ec("mine")
    claims = {"htm": "POST", "htu": region.endpoint, "iat": region.now, "jti": "1"}
    claims |= {"another address": {"htu": ARCHIVE}, "another method": {"htm": "GET"}}.get(defect, {})
    proof = key.sign(claims, typ="dpop+jwt", jwk=key.key.as_dict(private=False), kid=None)
    sent = {"two proofs": f"{proof},{proof}", "junk": "junk"}.get(defect, proof)
    answer = region.token(headers={"DPoP": sent})
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_dpop_proof")


# Shapes


def test_errors_have_the_shape_of_oauth(region: Region) -> None:
    form = {"grant_type": "client_credentials", **region.proof_of("viewer.rkb", aud="https://elsewhere.test")}
    answer = region.client.post("/oauth/token", data=form)
    assert answer.status_code == 401
    assert answer.content_type == "application/json"
    assert set(answer.get_json()) == {"error", "error_description"}
    assert answer.get_json()["error"] == "invalid_client"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["WWW-Authenticate"]


def test_an_assertion_is_good_for_one_request(region: Region) -> None:
    form = {"grant_type": "client_credentials", **region.proof_of("viewer.rkb")}
    assert region.client.post("/oauth/token", data=form).status_code == 200
    assert region.client.post("/oauth/token", data=form).status_code == 401


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect", "/oauth/revoke"])
@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("{}", "application/json", 400),
        ("", FORM, 400),
        ("grant_type=client_credentials&grant_type=client_credentials", FORM, 400),
        ("token=x&token=x", FORM, 400),
        ("grant_type=%ff", FORM, 400),
        ("grant_type=" + "x" * 70_000, FORM, 413),
    ],
)
def test_what_is_no_form_is_refused(region: Region, path: str, body: str, content_type: str, status: int) -> None:
    answer = region.client.post(path, data=body, content_type=content_type)
    assert answer.status_code in {status, 401}
    assert answer.get_json()["error"] in {"invalid_request", "invalid_client"}
    assert "no-store" in answer.headers["Cache-Control"]


def test_parameters_are_not_taken_from_the_address(region: Region) -> None:
    form = {"grant_type": "client_credentials", **region.proof_of("viewer.rkb")}
    answer = region.client.post("/oauth/token?scope=access.evaluate", data=form)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_other_grants_are_unsupported(region: Region) -> None:
    answer = region.token(grant_type="password", username="x", password="x")
    assert answer.get_json()["error"] == "unsupported_grant_type"


def test_revocation_is_always_the_same_answer(region: Region) -> None:
    token = region.exchange().get_json()["access_token"]
    for sent in ("junk", token, token):
        answer = region.client.post("/oauth/revoke", data={**region.proof_of("viewer.rkb"), "token": sent})
        assert (answer.status_code, answer.get_json()) == (200, {})
    form = {**region.proof_of("archive.rrk"), "token": token}
    assert region.client.post("/oauth/introspect", data=form).get_json() == {"active": False}


def test_introspection_needs_somebody(region: Region) -> None:
    assert region.client.post("/oauth/introspect", data={"token": "x"}).status_code == 401
    headers = {"Authorization": "Bearer junk"}
    answer = region.client.post("/oauth/introspect", data={"token": "x"}, headers=headers)
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_token")


def test_no_record_no_token(region: Region) -> None:
    region.services.infrastructure.audit.close()
    answer = region.token()
    assert (answer.status_code, answer.get_json()["error"]) == (503, "temporarily_unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_an_identity_provider_that_is_away_means_try_again(region: Region) -> None:
    token = region.identity_token("clinician.rkb")
    gone = IdentityProvider(f"{region.provider}/RKB", "RKB", "http://127.0.0.1:9/jwks", (BROKER,))
    with region.services.infrastructure.database.transaction() as session:
        region.services.registers.federation.register_identity_provider(session, gone)
    answer = region.exchange(subject_token=token)
    assert (answer.status_code, answer.get_json()["error"]) == (503, "temporarily_unavailable")


@pytest.mark.parametrize(
    ("behave", "outcome"),
    [
        (drips_body, "timeout"),
        (breaks_off, "broken"),
        (sends_elsewhere, "redirected"),
        (two_hundred_megabytes_undeclared, "too_long"),
    ],
)
def test_an_identity_provider_that_gives_no_whole_answer_in_time_means_try_again(
    region: Region, behave: Behaviour, outcome: str
) -> None:
    token = region.identity_token("clinician.rkb")
    with stranger(behave) as endless:
        bad = IdentityProvider(f"{region.provider}/RKB", "RKB", endless.url, (BROKER,))
        with region.services.infrastructure.database.transaction() as session:
            region.services.registers.federation.register_identity_provider(session, bad)
        began = time.monotonic()
        for _ in range(2):
            answer = region.exchange(subject_token=token)
            assert (answer.status_code, answer.get_json()["error"]) == (503, "temporarily_unavailable")
        assert time.monotonic() - began < 60
        assert len(endless.requests) == 1, "a failed fetch is not repeated at once"
    text = region.services.infrastructure.metrics.render("")[0].decode()
    assert f'governance_outbound_calls_total{{outcome="{outcome}",purpose="jwks"}} 1.0' in text


def test_what_is_published_may_be_kept_for_a_while(region: Region) -> None:
    metadata = region.client.get("/.well-known/oauth-authorization-server")
    assert metadata.get_json()["issuer"] == region.services.infrastructure.settings.issuer
    keys = region.client.get("/.well-known/jwks.json")
    assert keys.content_type == "application/jwk-set+json"
    assert keys.headers["Cache-Control"] == "public, max-age=300"
    assert not {"d", "p", "q"} & set(keys.get_json()["keys"][0])
