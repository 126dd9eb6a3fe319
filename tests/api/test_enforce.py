"""The endpoint that nginx asks: who may open what at an archive, and what is kept of every attempt."""

import uuid
from datetime import timedelta

import pytest

from governance.simulation import network
from governance.simulation.showcase import OWN_STUDY, REPORTER, SEALED_STUDY, SHARED_STUDY, UNRELATED_STUDY
from governance.tokens import dpop
from governance.vocabulary import EventKind, Outcome
from tests.worlds.agreements import OFFICE
from tests.worlds.region import DIRECT_CARE, VIEWER, RegionWorld
from tests.worlds.tokens import KeyPair

STUDY = f"/dicom-web/studies/{SHARED_STUDY}"
GATEWAY = "https://archive.rrk.example"


def test_a_token_opens_its_study_and_the_access_is_kept_with_its_authority(region: RegionWorld) -> None:
    token = region.token(REPORTER, SHARED_STUDY)
    before = region.size
    answer = region.enforce(f"{STUDY}/series/1.2.3/instances/1.2.4", token)
    assert (answer.status_code, answer.get_data()) == (204, b"")
    (kept,) = region.events(before)
    claims = region.services.registers.tokens.verify_access(token, network.audience("RRK"))
    assert (kept.kind, kept.outcome, kept.source.id) == (EventKind.ACCESS, Outcome.SUCCESS, "archive-rrk")
    assert kept.authority.decision_id == claims.decision_id == answer.headers["X-Governance-Decision"]
    assert (kept.authority.token_jti, kept.authority.agreement_id) == (claims.jti, DIRECT_CARE)
    assert answer.headers["X-Governance-Log-Index"] == str(kept.index)
    assert kept.subject is not None
    assert (kept.subject.id, kept.subject.ods) == (
        region.services.infrastructure.pseudonymiser.subject(REPORTER),
        "RKB",
    )
    assert kept.resource is not None
    assert (kept.resource.custodian, kept.resource.modality) == ("RRK", "CT")
    assert kept.resource.series is not None
    assert kept.resource.series.startswith("t-")


@pytest.mark.parametrize(
    "uri",
    [
        STUDY,
        f"{STUDY}/metadata",
        f"{STUDY}/rendered?viewport=100,100",
        f"{STUDY}/series/1.2.3/instances/1.2.4/frames/1",
    ],
)
def test_reading_is_an_access(region: RegionWorld, uri: str) -> None:
    token = region.token(REPORTER, SHARED_STUDY)
    before = region.size
    assert region.enforce(uri, token).status_code == 204
    assert [event.kind for event in region.events(before)] == [EventKind.ACCESS]


@pytest.mark.parametrize("uri", [f"{STUDY}/series", f"/dicom-web/studies?StudyInstanceUID={SHARED_STUDY}&limit=5"])
def test_whoever_may_read_a_study_may_list_what_is_in_it(region: RegionWorld, uri: str) -> None:
    token = region.token(REPORTER, SHARED_STUDY)
    before = region.size
    assert region.enforce(uri, token).status_code == 204
    assert [event.kind for event in region.events(before)] == [EventKind.QUERY]


def test_a_token_to_search_reads_nothing(region: RegionWorld) -> None:
    token = region.token(REPORTER, SHARED_STUDY, actions=["search"])
    assert region.enforce(f"{STUDY}/series", token).status_code == 204
    refused = region.enforce(STUDY, token)
    assert (refused.status_code, refused.headers["X-Governance-Reason"]) == (403, "enforcement.other_action")


@pytest.mark.parametrize(
    ("method", "uri", "reason"),
    [
        ("GET", f"/dicom-web/studies/{UNRELATED_STUDY}", "enforcement.other_study"),
        ("GET", f"/dicom-web/studies/{SEALED_STUDY}/metadata", "enforcement.other_study"),
        ("GET", "/dicom-web/studies", "enforcement.other_study"),
        ("GET", "/dicom-web/studies?PatientID=*", "enforcement.other_study"),
        ("GET", f"/dicom-web/studies?StudyInstanceUID={SHARED_STUDY}&0020000d=1.2.3", "enforcement.other_study"),
        ("GET", f"/dicom-web/studies?StudyInstanceUID={SHARED_STUDY}&20,d=1.2.3", "enforcement.unreadable"),
        ("GET", f"{STUDY}/../{UNRELATED_STUDY}", "enforcement.unreadable"),
        ("GET", f"{STUDY}#/../{UNRELATED_STUDY}", "enforcement.unreadable"),
        ("GET", f"{STUDY}?_method=delete", "enforcement.unreadable"),
        ("GET", "/instances/abc/file", "enforcement.unreadable"),
        ("POST", "/dicom-web/studies", "enforcement.unreadable"),
        ("DELETE", STUDY, "enforcement.unreadable"),
        ("", STUDY, "enforcement.unreadable"),
    ],
)
def test_a_token_opens_nothing_else(region: RegionWorld, method: str, uri: str, reason: str) -> None:
    token = region.token(REPORTER, SHARED_STUDY)
    before = region.size
    answer = region.enforce(uri, token, method)
    assert (answer.status_code, answer.headers["X-Governance-Reason"]) == (403, reason)
    assert SHARED_STUDY not in answer.get_data(as_text=True)
    (kept,) = region.events(before)
    assert (kept.outcome, kept.detail) == (Outcome.MINOR, {"refused": reason})
    assert kept.authority.token_jti is not None
    assert kept.subject is not None


def test_without_a_token_nothing_opens_and_the_attempt_is_kept(region: RegionWorld) -> None:
    before = region.size
    answer = region.enforce(STUDY)
    assert (answer.status_code, answer.headers["X-Governance-Reason"]) == (401, "credential.missing")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    (kept,) = region.events(before)
    assert (kept.subject, kept.outcome, kept.detail) == (None, Outcome.MINOR, {"refused": "credential.missing"})
    assert kept.resource is not None
    assert kept.resource.study == region.services.infrastructure.pseudonymiser.study(SHARED_STUDY)


@pytest.mark.parametrize(
    "credential", ["Bearer junk", "Basic Z2F0ZXdheTpzZXNhbWU=", "Bearer", "Bearer a.b.c", "DPoP x"]
)
def test_what_is_no_token_of_ours_opens_nothing(region: RegionWorld, credential: str) -> None:
    assert region.enforce(STUDY, Authorization=credential).status_code == 401


def test_a_token_dies_when_its_time_has_come(region: RegionWorld) -> None:
    token = region.token(REPORTER, SHARED_STUDY)
    region.clock.advance(timedelta(seconds=120 + 10))  # its lifetime, and what clocks may differ
    refused = region.enforce(STUDY, token)
    assert (refused.status_code, refused.headers["X-Governance-Reason"]) == (401, "token.expired")
    assert region.events(outcome=Outcome.MINOR)[-1].detail == {"refused": "token.expired", "client": VIEWER}


def test_a_token_dies_when_its_client_revokes_it(region: RegionWorld) -> None:
    token = region.token(REPORTER, SHARED_STUDY)
    form = {"token": token, **region.parties.proof(VIEWER, region.now)}
    assert region.post_form("/oauth/revoke", form).status_code == 200
    refused = region.enforce(STUDY, token)
    assert (refused.status_code, refused.headers["X-Governance-Reason"]) == (401, "token.revoked")


def test_a_token_dies_with_its_agreement_and_a_new_one_lives(region: RegionWorld) -> None:
    token = region.token(REPORTER, SHARED_STUDY)
    agreements = region.services.registers.agreements
    agreements.suspend(DIRECT_CARE, 1, OFFICE, "Under review")
    assert region.enforce(STUDY, token).status_code == 401
    assert region.exchange(REPORTER, SHARED_STUDY).status_code == 403
    region.clock.advance(timedelta(seconds=1))
    agreements.activate(DIRECT_CARE, 1, OFFICE)
    assert region.enforce(STUDY, token).status_code == 401
    assert region.enforce(STUDY, region.token(REPORTER, SHARED_STUDY)).status_code == 204


def test_a_token_is_for_one_archive(region: RegionWorld) -> None:
    token = region.token("staff.patient.rkb", OWN_STUDY, audience=network.audience("RKB"))
    uri = f"/dicom-web/studies/{OWN_STUDY}"
    assert region.enforce(uri, token, owner="RKB").status_code == 204
    refused = region.enforce(uri, token, owner="RRK")
    assert (refused.status_code, refused.headers["X-Governance-Reason"]) == (401, "token.audience")


def test_a_token_of_our_own_api_opens_no_archive(region: RegionWorld) -> None:
    form = {"grant_type": "client_credentials", **region.parties.proof(VIEWER, region.now)}
    token = region.post_form("/oauth/token", form).get_json()["access_token"]
    assert region.enforce(STUDY, token).status_code == 401


def test_a_study_that_is_the_archive_s_no_more_is_refused(region: RegionWorld) -> None:
    token = region.token(REPORTER, SHARED_STUDY)
    region.hand_over(SHARED_STUDY, "RBK")
    refused = region.enforce(STUDY, token)
    assert (refused.status_code, refused.headers["X-Governance-Reason"]) == (403, "enforcement.no_owner")


@pytest.mark.parametrize(
    ("point", "key_of"),
    [("archive-rrk", None), ("archive-rrk", "RKB"), ("archive-nowhere", "RRK"), (VIEWER, "RRK"), (None, "RRK")],
)
def test_an_enforcement_point_proves_itself_first(region: RegionWorld, point: str | None, key_of: str | None) -> None:
    token = region.token(REPORTER, SHARED_STUDY)
    before = region.size
    key = region.parties.enforcement_key(key_of) if key_of else None
    for _ in range(3):
        answer = region.enforce(STUDY, token, X_Enforcement_Point=point, X_Enforcement_Key=key)
        assert (answer.status_code, answer.get_json()["reason"]) == (401, "enforcement.key")
    assert region.size == before + 1  # anybody could fill the log: repeats are counted


def test_what_cannot_be_recorded_does_not_open(region: RegionWorld) -> None:
    token = region.token(REPORTER, SHARED_STUDY)
    region.services.infrastructure.audit.close()
    answer = region.enforce(STUDY, token)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert region.enforce(f"/dicom-web/studies/{UNRELATED_STUDY}", token).status_code == 403  # refused in any case
    assert region.enforce(STUDY).status_code == 401


def test_a_viewer_that_asks_again_and_again_is_recorded_twice(region: RegionWorld) -> None:
    """OHIF asks for every uncached frame anew once its token has ended, some 200 times a second."""
    before = region.size
    for _ in range(50):
        assert region.enforce(STUDY, "not.a.token").status_code == 401
    region.services.infrastructure.refusals.flush(everything=True)
    region.services.infrastructure.audit.close()  # what it was handed is in it now
    opening, closing = region.events(before)
    assert opening.detail == {"refused": "token.malformed"}
    assert (closing.detail["refused"], closing.detail["count"]) == ("token.malformed", 50)
    assert (closing.source, closing.resource) == (opening.source, opening.resource)


def test_a_bound_token_opens_only_with_a_fresh_proof_of_its_key(region: RegionWorld) -> None:
    key = KeyPair.ec("mine")

    def proof(method: str, url: str, **extra: str) -> str:
        claims = {"htm": method, "htu": url, "iat": region.now, "jti": uuid.uuid4().hex, **extra}
        return key.sign(claims, typ="dpop+jwt", jwk=key.key.as_dict(private=False), kid=None)

    form = region.parties.exchange_form(REPORTER, SHARED_STUDY, region.now)
    asked = region.post_form("/oauth/token", form, DPoP=proof("POST", region.services.registers.tokens.token_endpoint))
    token = asked.get_json()["access_token"]
    url = GATEWAY + STUDY
    good = proof("GET", url, ath=dpop.token_hash(token))

    def shown(given: str | None, scheme: str = "DPoP") -> int:
        headers = {"Authorization": f"{scheme} {token}", "X_Original_URL": url, "DPoP": given}
        return region.enforce(STUDY, **headers).status_code

    assert shown(None, "Bearer") == 401
    assert shown(None) == 401
    assert shown(proof("GET", GATEWAY, ath=dpop.token_hash(token))) == 401
    assert shown(good) == 204
    assert shown(good) == 401, "a proof is good once"
