"""private_key_jwt: each way an assertion can be wrong is invalid_client, and a good one is good once."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from governance.tokens import OAuthError, TokenFault
from governance.tokens.client_authentication import ASSERTION_TYPE
from tests.worlds.tokens import ENDPOINT, ISSUER, KeyPair, TokenWorld, form, raw_token

Make = Callable[[TokenWorld], str]


def signed(**changes: object) -> Make:
    return lambda world: world.assertion(**changes)


REFUSED: dict[str, tuple[Make, TokenFault]] = {
    "audience is somebody else": (signed(aud="https://elsewhere.test"), TokenFault.AUDIENCE),
    "audience is us and somebody else": (signed(aud=[ENDPOINT, "https://elsewhere.test"]), TokenFault.AUDIENCE),
    "no audience": (signed(aud=...), TokenFault.CLAIM_MISSING),
    "no expiry": (signed(exp=...), TokenFault.CLAIM_MISSING),
    "no jti": (signed(jti=...), TokenFault.CLAIM_MISSING),
    "jti is empty": (signed(jti=""), TokenFault.CLAIM),
    "jti is a number": (signed(jti=7), TokenFault.CLAIM),
    "expired": (lambda world: world.assertion(exp=world.now - 60), TokenFault.EXPIRED),
    "lives longer than five minutes": (lambda world: world.assertion(exp=world.now + 600), TokenFault.LIFETIME),
    "expires as text": (lambda world: world.assertion(exp=str(world.now + 60)), TokenFault.CLAIM),
    "issued in the future": (lambda world: world.assertion(iat=world.now + 120), TokenFault.ISSUED_AT),
    "not valid yet": (lambda world: world.assertion(nbf=world.now + 120), TokenFault.NOT_YET_VALID),
    "issuer is not the subject": (signed(iss="archive.rrk"), TokenFault.ISSUER),
    "client unknown": (
        lambda world: world.keys["viewer.rkb"].sign(world.assertion_claims("stranger")),
        TokenFault.CLIENT,
    ),
    "signed by another client, with that client's kid": (
        lambda world: world.keys["archive.rrk"].sign(world.assertion_claims("viewer.rkb")),
        TokenFault.KEY,
    ),
    "signed by another client, with the right kid": (
        lambda world: world.keys["archive.rrk"].sign(world.assertion_claims("viewer.rkb"), kid="viewer.rkb-1"),
        TokenFault.SIGNATURE,
    ),
    "signed with a key of the header": (
        lambda world: KeyPair.ec("new").sign(world.assertion_claims(), jwk=KeyPair.ec("new").public),
        TokenFault.KEY,
    ),
    "alg none": (
        lambda world: raw_token({"alg": "none", "kid": "viewer.rkb-1"}, world.assertion_claims()),
        TokenFault.ALGORITHM,
    ),
    "HS256": (
        lambda world: raw_token({"alg": "HS256", "kid": "viewer.rkb-1"}, world.assertion_claims()),
        TokenFault.ALGORITHM,
    ),
    "critical header": (
        lambda world: raw_token({"alg": "ES256", "kid": "viewer.rkb-1", "crit": ["b64"]}, world.assertion_claims()),
        TokenFault.CRITICAL_HEADER,
    ),
    "an access token": (
        lambda world: world.keys["viewer.rkb"].sign(world.assertion_claims(), typ="at+jwt"),
        TokenFault.TYPE,
    ),
    "not a token": (lambda world: "a.b", TokenFault.MALFORMED),
}


@pytest.mark.parametrize("defect", REFUSED)
def test_a_bad_assertion_is_invalid_client(world: TokenWorld, defect: str) -> None:
    make, fault = REFUSED[defect]
    with pytest.raises(OAuthError) as caught:
        world.tokens.authenticate_client(world.client_form(make(world)))
    assert (caught.value.error, caught.value.status, caught.value.cause) == ("invalid_client", 401, fault.value)


@pytest.mark.parametrize("audience", [ENDPOINT, ISSUER, [ISSUER]])
def test_a_good_assertion_names_its_client(world: TokenWorld, audience: object) -> None:
    client = world.tokens.authenticate_client(world.client_form(world.assertion(aud=audience), client_id="viewer.rkb"))
    assert client.client_id == "viewer.rkb"


def test_an_assertion_without_kid_is_good_when_the_client_has_one_key(world: TokenWorld) -> None:
    assertion = world.keys["viewer.rkb"].sign(world.assertion_claims(), kid=None)
    assert world.tokens.authenticate_client(world.client_form(assertion)).ods == "RKB"


def test_an_assertion_is_good_once(world: TokenWorld) -> None:
    assertion = world.assertion()
    world.tokens.authenticate_client(world.client_form(assertion))
    with pytest.raises(OAuthError) as caught:
        world.tokens.authenticate_client(world.client_form(assertion))
    assert caught.value.cause == TokenFault.REPLAYED.value


def test_two_clients_may_choose_the_same_jti(world: TokenWorld) -> None:
    for client_id in ("viewer.rkb", "archive.rrk"):
        assert world.tokens.authenticate_client(world.client_form(world.assertion(client_id, jti="one")))


def test_a_used_jti_is_remembered_as_long_as_its_assertion_could_be_accepted(world: TokenWorld) -> None:
    assertion = world.assertion(exp=world.now + 300)
    world.tokens.authenticate_client(world.client_form(assertion))
    world.clock.advance(timedelta(seconds=309))
    assert world.tokens.forget_expired(world.clock.now()) == 0
    with pytest.raises(OAuthError) as caught:
        world.tokens.authenticate_client(world.client_form(assertion))
    assert caught.value.cause == TokenFault.REPLAYED.value
    world.clock.advance(timedelta(seconds=10))
    assert world.tokens.forget_expired(world.clock.now()) == 1
    with pytest.raises(OAuthError) as caught:
        world.tokens.authenticate_client(world.client_form(assertion))
    assert caught.value.cause == TokenFault.EXPIRED.value


def test_a_refused_assertion_does_not_use_up_its_jti(world: TokenWorld) -> None:
    with pytest.raises(OAuthError):
        world.tokens.authenticate_client(world.client_form(world.assertion(jti="kept", aud="https://elsewhere.test")))
    assert world.tokens.authenticate_client(world.client_form(world.assertion(jti="kept")))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"client_id": "viewer.rkb", "client_secret": "guess"},
        {"client_assertion_type": ASSERTION_TYPE},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", "client_assertion": "x"},
    ],
)
def test_no_other_method_is_taken(world: TokenWorld, fields: dict[str, str]) -> None:
    with pytest.raises(OAuthError) as caught:
        world.tokens.authenticate_client(form(**fields))
    assert caught.value.error == "invalid_client"


def test_client_id_must_be_the_one_of_the_assertion(world: TokenWorld) -> None:
    with pytest.raises(OAuthError) as caught:
        world.tokens.authenticate_client(world.client_form(world.assertion(), client_id="archive.rrk"))
    assert caught.value.cause == TokenFault.CLIENT.value


def test_unknown_client_and_wrong_signature_read_alike(world: TokenWorld) -> None:
    said = set()
    for name in ("client unknown", "signed by another client, with the right kid"):
        with pytest.raises(OAuthError) as caught:
            world.tokens.authenticate_client(world.client_form(REFUSED[name][0](world)))
        said.add(caught.value.description)
    assert len(said) == 1
