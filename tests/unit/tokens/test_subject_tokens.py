"""A trust's identity token is believed only from that trust, for us, and for the role that was picked."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from governance.errors import Unavailable
from governance.federation import IdentityProvider
from governance.outbound import Outbound
from governance.outbound.peers import host_and_port
from governance.tokens import OAuthError, RemoteKeySets, TokenFault, TokenType
from governance.tokens.jwks import KeySetUnreachable, key_set_fetch
from governance.vocabulary import Role, SubjectType
from tests.worlds.tokens import BROKER, KeyPair, TokenWorld, raw_token

Make = Callable[[TokenWorld], str]
ROLE = {"person_roleid": "1", "org_code": "RKB", "role_code": "S8000:G8000:R8000"}


def changed(**changes: object) -> Make:
    return lambda world: world.identity_token(**changes)


REFUSED: dict[str, tuple[Make, TokenFault]] = {
    "audience is another client": (changed(aud="imaging-governance-console"), TokenFault.AUDIENCE),
    "audiences without us": (changed(aud=["viewer", "portal"]), TokenFault.AUDIENCE),
    "issued to another application": (changed(azp="viewer"), TokenFault.AUDIENCE),
    "for us and another, issued to the other": (changed(aud=[BROKER, "viewer"], azp="viewer"), TokenFault.AUDIENCE),
    "for us and another, issued to nobody by name": (changed(aud=[BROKER, "viewer"]), TokenFault.AUDIENCE),
    "issued to several applications": (changed(azp=[BROKER]), TokenFault.AUDIENCE),
    "issued to no application": (changed(azp=None), TokenFault.AUDIENCE),
    "two names for the person": (changed(nhsid_useruid="somebody.else"), TokenFault.CLAIM),
    "an access token by its claims": (changed(typ="Bearer"), TokenFault.TYPE),
    "an access token by its use": (changed(token_use="access"), TokenFault.TYPE),
    "signed in too long ago": (lambda world: world.identity_token(auth_time=world.now - 43_300), TokenFault.ISSUED_AT),
    "signed in later than now": (lambda world: world.identity_token(auth_time=world.now + 300), TokenFault.ISSUED_AT),
    "signed in at no time": (changed(auth_time="noon"), TokenFault.CLAIM),
    "no audience": (changed(aud=...), TokenFault.CLAIM_MISSING),
    "expired": (lambda world: world.identity_token(exp=world.now - 60), TokenFault.EXPIRED),
    "no expiry": (changed(exp=...), TokenFault.CLAIM_MISSING),
    "issued in the future": (lambda world: world.identity_token(iat=world.now + 300), TokenFault.ISSUED_AT),
    "issued too long ago": (lambda world: world.identity_token(iat=world.now - 7200), TokenFault.ISSUED_AT),
    "not valid yet": (lambda world: world.identity_token(nbf=world.now + 300), TokenFault.NOT_YET_VALID),
    "issuer not registered": (changed(iss="https://idp.rxx.test"), TokenFault.ISSUER),
    "issuer with a closing slash": (changed(iss="https://idp.rkb.test/"), TokenFault.ISSUER),
    "issuer is not text": (changed(iss=["https://idp.rkb.test"]), TokenFault.ISSUER),
    "issuer confusion: signed by one trust, issued in the name of another": (
        lambda world: world.keys["idp.rkb"].sign(world.identity_claims(iss="https://idp.rrk.test")),
        TokenFault.KEY,
    ),
    "issuer confusion, with the other trust's kid": (
        lambda world: world.keys["idp.rkb"].sign(world.identity_claims(iss="https://idp.rrk.test"), kid="idp.rrk-1"),
        TokenFault.KEY,
    ),
    "one trust speaks for another": (
        changed(nhsid_nrbac_roles=[{**ROLE, "org_code": "RRK"}], selected_roleid="1"),
        TokenFault.ORGANISATION,
    ),
    "already delegated": (changed(act={"sub": "somebody"}), TokenFault.DELEGATED),
    "offers delegation": (changed(may_act={"sub": "somebody"}), TokenFault.DELEGATED),
    "no role selected": (changed(selected_roleid=...), TokenFault.CLAIM_MISSING),
    "selected role empty": (changed(selected_roleid=""), TokenFault.ORGANISATION),
    "selected role not held": (changed(selected_roleid="999"), TokenFault.ORGANISATION),
    "selected role held twice": (changed(selected_roleid="1", nhsid_nrbac_roles=[ROLE, ROLE]), TokenFault.ORGANISATION),
    "no roles": (changed(nhsid_nrbac_roles=[]), TokenFault.ORGANISATION),
    "roles are no list": (changed(nhsid_nrbac_roles={"1": ROLE}), TokenFault.ORGANISATION),
    "role without organisation": (
        changed(selected_roleid="1", nhsid_nrbac_roles=[{"person_roleid": "1", "role_code": "S:G:R8000"}]),
        TokenFault.ORGANISATION,
    ),
    "role nobody knows": (
        changed(selected_roleid="1", nhsid_nrbac_roles=[{**ROLE, "role_code": "S0010:G0020:R9999"}]),
        TokenFault.ROLE,
    ),
    "assurance out of range": (changed(idassurancelevel="9"), TokenFault.CLAIM),
    "assurance is a boolean": (changed(idassurancelevel=True), TokenFault.CLAIM),
    "alg none": (
        lambda world: raw_token({"alg": "none", "kid": "idp.rkb-1"}, world.identity_claims()),
        TokenFault.ALGORITHM,
    ),
    "HS256": (
        lambda world: raw_token({"alg": "HS256", "kid": "idp.rkb-1"}, world.identity_claims()),
        TokenFault.ALGORITHM,
    ),
    "an access token": (
        lambda world: world.keys["idp.rkb"].sign(world.identity_claims(), typ="at+jwt"),
        TokenFault.TYPE,
    ),
    "a logout token": (
        lambda world: world.keys["idp.rkb"].sign(world.identity_claims(), typ="logout+jwt"),
        TokenFault.TYPE,
    ),
}


@pytest.mark.parametrize("defect", REFUSED)
def test_a_bad_identity_token_is_invalid_request(world: TokenWorld, defect: str) -> None:
    make, fault = REFUSED[defect]
    with pytest.raises(OAuthError) as caught:
        world.tokens.verify_subject_token(make(world))
    assert (caught.value.error, caught.value.status, caught.value.cause) == ("invalid_request", 400, fault.value)


def test_a_good_one_says_who_acts_for_whom(world: TokenWorld) -> None:
    found = world.tokens.verify_subject_token(world.identity_token(aud=["viewer", BROKER], azp=BROKER))
    assert (found.subject, found.type, found.issuer) == (
        "clinician.rkb",
        SubjectType.PRACTITIONER,
        "https://idp.rkb.test",
    )
    assert (found.ods, found.role, found.assurance, found.name) == ("RKB", Role.CLINICIAN, 3, "Dr Invented")


def test_rsa_signed_tokens_are_believed_too(world: TokenWorld) -> None:
    roles = [{**ROLE, "org_code": "RRK"}]
    claims = world.identity_claims(iss="https://idp.rrk.test", selected_roleid="1", nhsid_nrbac_roles=roles)
    assert world.tokens.verify_subject_token(world.keys["idp.rrk"].sign(claims)).ods == "RRK"


def test_the_selected_role_counts_never_the_first(world: TokenWorld) -> None:
    roles = [
        {"person_roleid": "1", "org_code": "RRK", "role_code": "S8000:G8000:R8000"},
        {"person_roleid": "2", "org_code": "RKB", "role_code": "S0010:G0040:R0014"},
    ]
    found = world.tokens.verify_subject_token(world.identity_token(nhsid_nrbac_roles=roles, selected_roleid="2"))
    assert (found.ods, found.role) == ("RKB", Role.CONSULTANT_RADIOLOGIST)


def test_a_national_provider_speaks_for_any_trust(world: TokenWorld) -> None:
    national = KeyPair.rsa("national-1", "RS512")
    issuer = "https://national.test"
    world.served[f"{issuer}/jwks"] = {"keys": [national.public]}
    with world.database.transaction() as session:
        provider = IdentityProvider(issuer, None, f"{issuer}/jwks", (BROKER,))
        world.federation.register_identity_provider(session, provider)
    assert world.tokens.verify_subject_token(national.sign(world.identity_claims(iss=issuer))).ods == "RKB"


@pytest.mark.parametrize(
    ("identity", "authentication", "expected"),
    [
        ("3", "3", 3),
        ("3", "1", 1),
        ("1", "3", 1),
        (2, 3, 2),
        ("3", ..., 3),
        (..., "2", 2),
        (..., ..., None),
        ("0", "3", 0),
    ],
)
def test_assurance_is_the_weaker_of_identity_and_sign_in(
    world: TokenWorld, identity: object, authentication: object, expected: int | None
) -> None:
    token = world.identity_token(idassurancelevel=identity, authentication_assurance_level=authentication)
    assert world.tokens.verify_subject_token(token).assurance == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"azp": BROKER},
        {"aud": [BROKER]},
        {"aud": [BROKER, "viewer"], "azp": BROKER},
        {"nhsid_useruid": "clinician.rkb"},
        {"typ": "ID"},
        {"token_use": "id"},
    ],
)
def test_what_says_that_it_is_an_identity_token_for_us_is_taken(world: TokenWorld, changes: dict[str, object]) -> None:
    assert world.tokens.verify_subject_token(world.identity_token(**changes)).ods == "RKB"


def test_an_identity_token_is_used_again_by_its_own_client_alone(world: TokenWorld) -> None:
    token = world.identity_token()
    for _ in range(2):
        world.tokens.use_identity(world.tokens.verify_subject_token(token), "viewer.rkb")
    with pytest.raises(OAuthError) as caught:
        world.tokens.use_identity(world.tokens.verify_subject_token(token), "triage")
    assert caught.value.cause == TokenFault.REPLAYED.value
    world.tokens.use_identity(world.tokens.verify_subject_token(world.identity_token(nonce="2")), "triage")


def test_a_second_signature_of_the_same_words_is_the_same_token(world: TokenWorld) -> None:
    claims = world.identity_claims()
    first, second = (world.keys["idp.rkb"].sign(claims) for _ in range(2))
    assert first != second
    world.tokens.use_identity(world.tokens.verify_subject_token(first), "viewer.rkb")
    with pytest.raises(OAuthError):
        world.tokens.use_identity(world.tokens.verify_subject_token(second), "triage")


def test_a_use_is_forgotten_once_the_token_is_refused_anyway(world: TokenWorld) -> None:
    world.tokens.use_identity(world.tokens.verify_subject_token(world.identity_token()), "viewer.rkb")
    world.clock.advance(timedelta(seconds=600))
    assert world.tokens.forget_expired(world.clock.now()) == 0
    world.clock.advance(timedelta(seconds=60))
    assert world.tokens.forget_expired(world.clock.now()) == 2


def test_a_service_acts_for_itself_with_its_own_token(world: TokenWorld) -> None:
    client = world.client("triage")
    token = world.tokens.client_credentials(world.client_form("unused"), client).access_token
    found = world.tokens.verify_subject_token(token, TokenType.ACCESS_TOKEN, client)
    assert (found.subject, found.type, found.ods, found.role, found.version) == (
        "triage",
        SubjectType.AI_SERVICE,
        "RKB",
        Role.AI_SERVICE,
        "2.1",
    )


def test_a_service_does_not_act_with_another_service_token(world: TokenWorld) -> None:
    token = world.tokens.client_credentials(world.client_form("unused"), world.client("triage")).access_token
    for client in (world.client("viewer.rkb"), None):
        with pytest.raises(OAuthError) as caught:
            world.tokens.verify_subject_token(token, TokenType.ACCESS_TOKEN, client)
        assert caught.value.cause == TokenFault.CLIENT.value


# Key sets


def test_keys_are_fetched_once_and_again_when_they_are_old(world: TokenWorld) -> None:
    for _ in range(3):
        world.tokens.verify_subject_token(world.identity_token())
    assert len(world.fetches) == 1
    world.clock.advance(timedelta(minutes=6))
    world.tokens.verify_subject_token(world.identity_token())
    assert len(world.fetches) == 2


def test_a_new_key_is_found_and_strangers_do_not_cause_a_flood(world: TokenWorld) -> None:
    world.tokens.verify_subject_token(world.identity_token())
    stranger = KeyPair.ec("stranger")
    for _ in range(5):
        with pytest.raises(OAuthError):
            world.tokens.verify_subject_token(stranger.sign(world.identity_claims()))
    assert len(world.fetches) == 1  # the set was fetched less than a cool-down ago
    world.keys["idp.rkb"] = KeyPair.ec("idp.rkb-2")
    world.served["https://idp.rkb.test/jwks"] = {"keys": [world.keys["idp.rkb"].public]}
    world.clock.advance(timedelta(seconds=11))
    assert world.tokens.verify_subject_token(world.identity_token()).ods == "RKB"
    assert len(world.fetches) == 2


def test_the_last_good_set_serves_while_the_provider_is_away_and_then_nothing_does(world: TokenWorld) -> None:
    world.tokens.verify_subject_token(world.identity_token())
    del world.served["https://idp.rkb.test/jwks"]
    sets = RemoteKeySets(_away)
    with pytest.raises(Unavailable) as caught:
        sets.keys("https://idp.rkb.test/jwks", None, world.clock.now())
    assert caught.value.retry_after > 0


def test_stale_keys_serve_for_an_hour(world: TokenWorld) -> None:
    key = KeyPair.ec("one")
    answers = [json.dumps({"keys": [key.public]}).encode()]

    def once(_address: str) -> bytes:
        if answers:
            return answers.pop()
        raise KeySetUnreachable("away")

    sets = RemoteKeySets(once)
    start = world.clock.now()
    assert sets.keys("https://a.test", "one", start)
    assert sets.keys("https://a.test", "one", start + timedelta(minutes=59))
    with pytest.raises(Unavailable):
        sets.keys("https://a.test", "one", start + timedelta(minutes=61))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"keys":[]}', b'{"keys":{}}', b'{"keys":[1]}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_key_set_is_no_key_set(world: TokenWorld, body: bytes) -> None:
    with pytest.raises(Unavailable):
        RemoteKeySets(lambda _address: body).keys("https://a.test", None, world.clock.now())


def test_a_private_key_in_a_key_set_is_not_used(world: TokenWorld) -> None:
    leaked = json.dumps({"keys": [KeyPair.ec("x").key.as_dict(private=True)]}).encode()
    with pytest.raises(Unavailable):
        RemoteKeySets(lambda _address: leaked).keys("https://a.test", None, world.clock.now())


@pytest.mark.parametrize(
    "address",
    [
        "http://idp.rkb.test/jwks",
        "http://127.0.0.1.evil.test/jwks",
        "http://169.254.169.254/jwks",
        "http://127.0.0.1@evil.test/jwks",
        "ftp://127.0.0.1/jwks",
        "file:///etc/passwd",
        "https:///jwks",
        "",
    ],
)
def test_an_address_that_is_neither_https_nor_loopback_is_never_asked(address: str) -> None:
    with pytest.raises(KeySetUnreachable, match="neither https nor loopback"):
        key_set_fetch(Outbound())(address)


@pytest.mark.parametrize(
    "address", ["https://idp.rkb.test/jwks", "http://127.0.0.1:8081/RKB/jwks", "http://[::1]/jwks"]
)
def test_https_and_loopback_are_safe(address: str) -> None:
    host_and_port(address)


def _away(_address: str) -> bytes:
    raise KeySetUnreachable("away")
