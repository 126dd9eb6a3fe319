"""Access tokens: what they say, who believes them, and when they die."""

import dataclasses
from collections.abc import Callable
from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from governance.audit.search import AuditSearch, Query
from governance.errors import Unavailable
from governance.tokens import (
    AgreementReference,
    OAuthError,
    Presentation,
    StudyAuthorization,
    TokenFault,
    TokenRefused,
    dpop,
)
from governance.vocabulary import EventKind, Purpose
from tests.worlds.tokens import ARCHIVE, GRANT, ISSUER, STUDY, KeyPair, TokenWorld, b64, form, raw_token


def refused(world: TokenWorld, token: str, audience: str = ARCHIVE, **how: Presentation) -> TokenFault:
    with pytest.raises(TokenRefused) as caught:
        world.tokens.verify_access(token, audience, **how)
    return caught.value.fault


def test_an_independent_verifier_reads_what_we_sign(world: TokenWorld) -> None:
    minted = world.tokens.mint(GRANT)
    read = jwt.decode(minted.token, KeySet.import_key_set(world.tokens.jwks()), algorithms=["ES256"])
    assert read.header["typ"] == "at+jwt"
    assert read.claims == {
        "iss": ISSUER,
        "sub": "s-somebody",
        "aud": ARCHIVE,
        "client_id": "viewer.rkb",
        "iat": world.now,
        "exp": world.now + 60,
        "jti": minted.jti,
        "scope": "user/ImagingStudy.r",
        "subject_type": "practitioner",
        "ods": "RKB",
        "role": "clinician",
        "act": {"sub": "viewer.rkb"},
        "decision_id": "decision-1",
        "agreement": {"id": "wm-direct-care", "version": "3", "clause": "4.1"},
        "authorization_details": [
            {"type": "imaging_study", "actions": ["read"], "study_uid": STUDY, "purpose": "TREAT"}
        ],
        "extensions": {
            "ihe_iua": {
                "purpose_of_use": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "TREAT"}],
                "subject_organization_id": "https://fhir.nhs.uk/Id/ods-organization-code|RKB",
                "subject_role": {"system": "urn:imaging-governance:role", "code": "clinician"},
            }
        },
    }


def test_we_read_back_what_was_granted(world: TokenWorld) -> None:
    minted = world.tokens.mint(dataclasses.replace(GRANT, jti="known-before"))
    claims = world.tokens.verify_access(minted.token, ARCHIVE)
    assert minted.jti == claims.jti == "known-before"
    for name in ("subject", "subject_type", "client_id", "audience", "scopes", "ods", "actor", "study", "agreement"):
        assert getattr(claims, name) == getattr(GRANT, name)
    assert (claims.role, claims.decision_id, claims.expires_at) == ("clinician", "decision-1", world.now + 60)


@pytest.mark.parametrize(("asked", "given"), [(1, 1), (120, 120), (121, 120), (100_000, 120)])
def test_a_token_that_opens_a_study_lives_two_minutes_at_most(world: TokenWorld, asked: int, given: int) -> None:
    assert world.tokens.mint(dataclasses.replace(GRANT, seconds=asked)).expires_in == given


@pytest.mark.parametrize(
    "missing",
    [
        {"agreement": None},
        {"decision_id": None},
        {"decision_id": ""},
        {"study": StudyAuthorization(STUDY, (), Purpose.TREAT)},
        {"seconds": 0},
    ],
)
def test_a_token_without_its_authority_cannot_be_made(missing: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="token"):
        dataclasses.replace(GRANT, **missing)  # type: ignore[arg-type]


def forged(world: TokenWorld, **claims: object) -> str:
    """A token signed with our own key, with claims we would never sign."""
    key = world.key_ring.current(world.clock.now())
    issued = world.tokens.mint(GRANT).token
    good = jwt.decode(issued, KeySet.import_key_set(world.tokens.jwks()), algorithms=["ES256"]).claims
    members = {name: value for name, value in {**good, **claims}.items() if value is not ...}
    signer = KeyPair.ec(key.kid)
    signer.key = type(signer.key).import_key(key.private)
    return signer.sign(members, typ="at+jwt")


FORGED: dict[str, tuple[Callable[[TokenWorld], str], TokenFault]] = {
    "another issuer": (lambda world: forged(world, iss="https://elsewhere.test"), TokenFault.ISSUER),
    "two audiences": (lambda world: forged(world, aud=[ARCHIVE, ISSUER]), TokenFault.AUDIENCE),
    "no jti": (lambda world: forged(world, jti=...), TokenFault.CLAIM_MISSING),
    "no scope": (lambda world: forged(world, scope=...), TokenFault.CLAIM_MISSING),
    "scope is a number": (lambda world: forged(world, scope=7), TokenFault.CLAIM),
    "lives for ever": (lambda world: forged(world, exp=world.now + 86_400), TokenFault.LIFETIME),
    "from the future": (lambda world: forged(world, iat=world.now + 60), TokenFault.ISSUED_AT),
    "unknown subject type": (lambda world: forged(world, subject_type="robot"), TokenFault.CLAIM),
    "two authorizations": (lambda world: forged(world, authorization_details=[{}, {}]), TokenFault.CLAIM),
    "another authorization type": (
        lambda world: forged(world, authorization_details=[{"type": "payment"}]),
        TokenFault.CLAIM,
    ),
    "agreement of another shape": (lambda world: forged(world, agreement={"id": "x"}), TokenFault.CLAIM),
    "an identity token": (
        lambda world: world.keys["idp.rkb"].sign(world.identity_claims(aud=ARCHIVE), typ="JWT"),
        TokenFault.TYPE,
    ),
    "signed by an identity provider": (
        lambda world: world.keys["idp.rkb"].sign({"iss": ISSUER, "aud": ARCHIVE}, typ="at+jwt"),
        TokenFault.KEY,
    ),
    "alg none": (
        lambda world: raw_token({"alg": "none", "typ": "at+jwt", "kid": "x"}, {"aud": ARCHIVE}),
        TokenFault.ALGORITHM,
    ),
    "no kid": (lambda world: raw_token({"alg": "ES256", "typ": "at+jwt"}, {"aud": ARCHIVE}), TokenFault.KEY),
}


@pytest.mark.parametrize("defect", FORGED)
def test_a_forged_token_is_refused(world: TokenWorld, defect: str) -> None:
    make, fault = FORGED[defect]
    assert refused(world, make(world)) is fault


def test_the_forger_makes_good_tokens_when_asked_to(world: TokenWorld) -> None:
    assert world.tokens.verify_access(forged(world), ARCHIVE).subject == "s-somebody"


def test_a_token_is_only_for_whom_it_is_addressed_to(world: TokenWorld) -> None:
    assert refused(world, world.tokens.mint(GRANT).token, ISSUER) is TokenFault.AUDIENCE


def test_a_token_expires(world: TokenWorld) -> None:
    token = world.tokens.mint(GRANT).token
    world.clock.advance(timedelta(seconds=71))
    assert refused(world, token) is TokenFault.EXPIRED


# Revocation


def test_only_its_own_client_revokes_a_token(world: TokenWorld) -> None:
    token = world.tokens.mint(GRANT).token
    assert not world.tokens.revoke(token, world.client("archive.rrk"))
    assert world.tokens.verify_access(token, ARCHIVE)
    assert world.tokens.revoke(token, world.client("viewer.rkb"))
    assert refused(world, token) is TokenFault.REVOKED
    assert not world.tokens.revoke(token, world.client("viewer.rkb"))
    assert not world.tokens.revoke("not a token", world.client("viewer.rkb"))
    recorded = AuditSearch(world.database)
    events = recorded.find(Query(kind=EventKind.TOKEN), limit=10)
    (event,) = [event for event in events if event.detail.get("act") == "revoke"]
    assert event.authority.decision_id == "decision-1"
    assert event.authority.agreement_id == "wm-direct-care"


def test_a_suspended_agreement_takes_its_tokens_with_it(world: TokenWorld) -> None:
    before = world.tokens.mint(GRANT).token
    other = world.tokens.mint(dataclasses.replace(GRANT, agreement=AgreementReference("another", "1", "1"))).token
    with world.database.transaction() as session:
        world.tokens.revoke_agreement(session, "wm-direct-care", world.clock.now())
    assert refused(world, before) is TokenFault.REVOKED
    assert world.tokens.verify_access(other, ARCHIVE)
    world.clock.advance(timedelta(seconds=2))
    assert world.tokens.verify_access(world.tokens.mint(GRANT).token, ARCHIVE)  # active again
    with world.database.transaction() as session:
        world.tokens.revoke_agreement(session, "wm-direct-care", world.clock.now())
    world.clock.advance(timedelta(seconds=1))
    assert refused(world, before) is TokenFault.REVOKED


# Introspection


def test_only_the_archive_it_is_for_learns_about_a_token(world: TokenWorld) -> None:
    token = world.tokens.mint(GRANT).token
    told = world.tokens.introspect(token, world.client("archive.rrk"))
    assert told["active"] is True
    assert told["token_type"] == "Bearer"
    for name in ("act", "authorization_details", "agreement", "decision_id", "aud", "exp", "scope", "client_id"):
        assert name in told
    for stranger in ("viewer.rkb", "triage"):
        assert world.tokens.introspect(token, world.client(stranger)) == {"active": False}


def test_a_client_with_the_scope_learns_about_any_token(world: TokenWorld) -> None:
    client = dataclasses.replace(world.client("triage"), scopes=frozenset({"tokens.introspect"}))
    assert world.tokens.introspect(world.tokens.mint(GRANT).token, client)["active"] is True


def test_dead_tokens_are_inactive(world: TokenWorld) -> None:
    archive = world.client("archive.rrk")
    token = world.tokens.mint(GRANT).token
    world.tokens.revoke(token, world.client("viewer.rkb"))
    expired = world.tokens.mint(GRANT).token
    assert world.tokens.introspect(token, archive) == {"active": False}
    assert world.tokens.introspect("junk", archive) == {"active": False}
    world.clock.advance(timedelta(seconds=71))
    assert world.tokens.introspect(expired, archive) == {"active": False}


# client_credentials


def test_a_service_gets_a_token_for_our_api_and_the_log_knows(world: TokenWorld) -> None:
    answer = world.tokens.client_credentials(form(scope="audit.write"), world.client("viewer.rkb"))
    claims = world.tokens.verify_access(answer.access_token, ISSUER)
    assert (answer.token_type, answer.expires_in, answer.scope) == ("Bearer", 300, "audit.write")
    assert (claims.client_id, claims.ods, claims.scopes, claims.study) == ("viewer.rkb", "RKB", {"audit.write"}, None)
    (event,) = world.audit.read(0, 10)
    assert (event.kind, event.authority.token_jti) == (EventKind.TOKEN, claims.jti)
    assert event.detail == {"act": "issue", "grant": "client_credentials", "scope": "audit.write"}
    assert answer.access_token not in repr(event)


def test_without_a_scope_a_service_gets_all_of_its_own(world: TokenWorld) -> None:
    assert world.tokens.client_credentials(form(), world.client("triage")).scope == "access.evaluate audit.write"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"scope": "alerts.review"}, "invalid_scope"),
        ({"scope": "audit.write alerts.review"}, "invalid_scope"),
        ({"audience": ARCHIVE}, "invalid_target"),
        ({"resource": "https://nowhere.test"}, "invalid_target"),
    ],
)
def test_a_service_gets_no_more_than_it_holds(world: TokenWorld, fields: dict[str, str], error: str) -> None:
    with pytest.raises(OAuthError) as caught:
        world.tokens.client_credentials(form(**fields), world.client("viewer.rkb"))
    assert caught.value.error == error
    assert world.audit.tree_head()[0] == 0


def test_no_record_no_token(world: TokenWorld) -> None:
    world.audit.close()
    with pytest.raises(Unavailable):
        world.tokens.client_credentials(form(), world.client("viewer.rkb"))


# Binding


def proof(world: TokenWorld, key: KeyPair, method: str, url: str, jti: str, token: str | None = None) -> str:
    claims = {"htm": method, "htu": url, "iat": world.now, "jti": jti}
    if token is not None:
        claims["ath"] = dpop.token_hash(token)
    return key.sign(claims, typ="dpop+jwt", jwk=key.key.as_dict(private=False), kid=None)


def test_a_bound_token_needs_its_key_each_time(world: TokenWorld) -> None:
    key, other = KeyPair.ec("k"), KeyPair.ec("o")
    endpoint = world.tokens.token_endpoint
    jkt = world.tokens.prove_possession([proof(world, key, "POST", endpoint, "1")], "POST", endpoint)
    assert jkt == key.key.thumbprint()
    token = world.tokens.mint(dataclasses.replace(GRANT, confirmation=jkt)).token
    url = f"{ARCHIVE}/studies/{STUDY}"

    def presented(scheme: str, *proofs: str) -> Presentation:
        return Presentation(scheme, proofs, "GET", url)

    good = proof(world, key, "GET", url, "2", token)
    assert world.tokens.verify_access(token, ARCHIVE, presented("DPoP", good)).confirmation == jkt
    assert refused(world, token, presentation=presented("DPoP", good)) is TokenFault.REPLAYED
    assert refused(world, token) is TokenFault.BINDING
    assert refused(world, token, presentation=presented("Bearer")) is TokenFault.BINDING
    assert refused(world, token, presentation=presented("Bearer", good)) is TokenFault.BINDING
    assert refused(world, token, presentation=presented("DPoP")) is TokenFault.MALFORMED
    theirs = proof(world, other, "GET", url, "3", token)
    assert refused(world, token, presentation=presented("DPoP", theirs)) is TokenFault.BINDING
    without_hash = proof(world, key, "GET", url, "4")
    assert refused(world, token, presentation=presented("DPoP", without_hash)) is TokenFault.CLAIM_MISSING


def test_a_bearer_token_is_not_sent_as_dpop(world: TokenWorld) -> None:
    token = world.tokens.mint(GRANT).token
    key = KeyPair.ec("k")
    shown = Presentation("DPoP", (proof(world, key, "GET", ARCHIVE, "1", token),), "GET", ARCHIVE)
    assert refused(world, token, presentation=shown) is TokenFault.BINDING


def test_a_proof_at_the_token_endpoint_is_good_once(world: TokenWorld) -> None:
    endpoint = world.tokens.token_endpoint
    sent = [proof(world, KeyPair.ec("k"), "POST", endpoint, "1")]
    assert world.tokens.prove_possession(sent, "POST", endpoint)
    with pytest.raises(OAuthError) as caught:
        world.tokens.prove_possession(sent, "POST", endpoint)
    assert (caught.value.error, caught.value.cause) == ("invalid_dpop_proof", TokenFault.REPLAYED.value)
    assert world.tokens.prove_possession([], "POST", endpoint) is None


def test_metadata_names_what_is_there(world: TokenWorld) -> None:
    told = world.tokens.metadata()
    assert told["issuer"] == ISSUER
    assert told["token_endpoint"] == f"{ISSUER}/oauth/token"
    assert told["jwks_uri"] == f"{ISSUER}/.well-known/jwks.json"
    assert all(told.values())  # RFC 8414 section 3.2: no empty member


def test_the_token_is_three_canonical_segments(world: TokenWorld) -> None:
    header = world.tokens.mint(GRANT).token.split(".")[0]
    kid = world.key_ring.current(world.clock.now()).kid
    assert header == b64(f'{{"alg":"ES256","kid":"{kid}","typ":"at+jwt"}}'.encode())
