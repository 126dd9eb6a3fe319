"""The endpoint of Envoy's ext_authz, sent what Envoy sends: the original request behind a prefix, without its body."""

import uuid

import pytest
from werkzeug.test import TestResponse

from governance.simulation import network
from governance.simulation.showcase import REPORTER, SHARED_STUDY, UNRELATED_STUDY
from governance.tokens import dpop
from governance.vocabulary import EventKind, Outcome
from tests.worlds.region import DIRECT_CARE, OWNER, RegionWorld
from tests.worlds.tokens import KeyPair

STUDY = f"/dicom-web/studies/{SHARED_STUDY}"
ORIGIN = "https://archive.rrk.example"


def ask(
    region: RegionWorld, uri: str, token: str | None = None, method: str = "GET", **headers: str | None
) -> TestResponse:
    """Ask as Envoy in front of RRK's archive; a header given as None is left out."""
    sent: dict[str, str | None] = {
        "Host": "archive.rrk.example",
        "Content-Length": "0",
        "X-Enforcement-Point": network.archive_id(OWNER),
        "X-Enforcement-Key": region.parties.enforcement_key(),
        "X-Original-Origin": ORIGIN,
        "Authorization": f"Bearer {token}" if token else None,
    }
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    kept = {name: text for name, text in sent.items() if text is not None}
    return region.client.open(f"/enforce/envoy{uri}", method=method, headers=kept)


@pytest.mark.parametrize(
    ("method", "uri", "kind"),
    [
        ("GET", f"{STUDY}/series/1.2.3/instances/1.2.4/frames/1", EventKind.ACCESS),
        ("HEAD", STUDY, EventKind.ACCESS),
        ("GET", f"{STUDY}/rendered?viewport=100,100&accept=image/png", EventKind.ACCESS),
        ("GET", f"{STUDY}/series?includefield=0008103E&includefield=SeriesNumber", EventKind.QUERY),
        ("GET", f"/dicom-web/studies?StudyInstanceUID={SHARED_STUDY}&limit=5", EventKind.QUERY),
    ],
)
def test_a_token_opens_its_study_and_the_access_is_kept(
    region: RegionWorld, method: str, uri: str, kind: EventKind
) -> None:
    token = region.token(REPORTER, SHARED_STUDY)
    before = region.size
    answer = ask(region, uri, token, method)
    assert (answer.status_code, answer.get_data()) == (200, b"")
    (kept,) = region.events(before)
    assert (kept.kind, kept.outcome, kept.source.id) == (kind, Outcome.SUCCESS, "archive-rrk")
    assert kept.authority.decision_id == answer.headers["X-Governance-Decision"]
    assert kept.authority.agreement_id == DIRECT_CARE
    assert answer.headers["X-Governance-Log-Index"] == str(kept.index)


@pytest.mark.parametrize(
    ("method", "uri", "reason"),
    [
        ("GET", f"/dicom-web/studies/{UNRELATED_STUDY}", "enforcement.other_study"),
        ("GET", "/dicom-web/studies", "enforcement.other_study"),
        ("GET", f"/dicom-web/studies?StudyInstanceUID={SHARED_STUDY}&20,d=1.2.3", "enforcement.unreadable"),
        ("GET", f"{STUDY}/../{UNRELATED_STUDY}", "enforcement.unreadable"),
        ("GET", f"{STUDY}/%2e%2e/{UNRELATED_STUDY}", "enforcement.unreadable"),
        ("GET", f"{STUDY}/%252e%252e/{UNRELATED_STUDY}", "enforcement.unreadable"),
        ("GET", f"{STUDY}%23/../{UNRELATED_STUDY}", "enforcement.unreadable"),
        ("GET", f"{STUDY}%3Fx=1", "enforcement.unreadable"),
        ("GET", f"{STUDY}/%ff", "enforcement.unreadable"),
        ("GET", f"{STUDY};x=1", "enforcement.unreadable"),
        ("GET", f"/{STUDY}", "enforcement.unreadable"),
        ("GET", f"{STUDY}//series", "enforcement.unreadable"),
        ("GET", "/", "enforcement.unreadable"),
        ("GET", f"{STUDY}?%5Fmethod=delete", "enforcement.unreadable"),
        ("POST", "/dicom-web/studies", "enforcement.unreadable"),
        ("POST", STUDY, "enforcement.unreadable"),
        ("PUT", STUDY, "enforcement.unreadable"),
        ("PATCH", STUDY, "enforcement.unreadable"),
        ("DELETE", STUDY, "enforcement.unreadable"),
        ("OPTIONS", STUDY, "enforcement.unreadable"),
    ],
)
def test_a_token_opens_nothing_else_and_the_attempt_is_kept(
    region: RegionWorld, method: str, uri: str, reason: str
) -> None:
    token = region.token(REPORTER, SHARED_STUDY)
    before = region.size
    answer = ask(region, uri, token, method)
    assert (answer.status_code, answer.headers["X-Governance-Reason"]) == (403, reason)
    assert answer.get_json()["reason"] == reason
    assert SHARED_STUDY not in answer.get_data(as_text=True)
    (kept,) = region.events(before)
    assert (kept.outcome, kept.detail) == (Outcome.MINOR, {"refused": reason})
    assert kept.authority.token_jti is not None


def test_without_a_token_nothing_opens(region: RegionWorld) -> None:
    before = region.size
    answer = ask(region, STUDY)
    assert (answer.status_code, answer.headers["X-Governance-Reason"]) == (401, "credential.missing")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert [event.detail for event in region.events(before)] == [{"refused": "credential.missing"}]


@pytest.mark.parametrize(("point", "key_of"), [("archive-rrk", None), ("archive-rrk", "RKB"), (None, "RRK")])
def test_an_enforcement_point_proves_itself_first(region: RegionWorld, point: str | None, key_of: str | None) -> None:
    token = region.token(REPORTER, SHARED_STUDY)
    before = region.size
    key = region.parties.enforcement_key(key_of) if key_of else None
    answer = ask(region, STUDY, token, X_Enforcement_Point=point, X_Enforcement_Key=key)
    assert (answer.status_code, answer.get_json()["reason"]) == (401, "enforcement.key")
    assert region.size == before + 1


def test_what_cannot_be_recorded_does_not_open(region: RegionWorld) -> None:
    token = region.token(REPORTER, SHARED_STUDY)
    region.services.infrastructure.audit.close()
    assert ask(region, STUDY, token).status_code == 503
    assert ask(region, STUDY).status_code == 401  # refused in any case


def test_a_bound_token_needs_a_proof_for_the_address_that_the_gateway_vouches_for(region: RegionWorld) -> None:
    key = KeyPair.ec("mine")

    def proof(method: str, url: str, **extra: str) -> str:
        claims = {"htm": method, "htu": url, "iat": region.now, "jti": uuid.uuid4().hex, **extra}
        return key.sign(claims, typ="dpop+jwt", jwk=key.key.as_dict(private=False), kid=None)

    form = region.parties.exchange_form(REPORTER, SHARED_STUDY, region.now)
    asked = region.post_form("/oauth/token", form, DPoP=proof("POST", region.services.registers.tokens.token_endpoint))
    token = asked.get_json()["access_token"]
    bound = {"Authorization": f"DPoP {token}"}
    elsewhere = proof("GET", f"https://elsewhere.example{STUDY}", ath=dpop.token_hash(token))
    assert ask(region, STUDY, DPoP=elsewhere, Host="elsewhere.example", **bound).status_code == 401
    assert ask(region, STUDY, token).status_code == 401
    good = proof("GET", ORIGIN + STUDY, ath=dpop.token_hash(token))
    assert ask(region, f"{STUDY}?accept=application/dicom", DPoP=good, **bound).status_code == 200
    assert ask(region, STUDY, DPoP=good, **bound).status_code == 401, "a proof is good once"
