"""The compact form is read strictly and a signature is believed only under the right key and algorithm."""

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import OKPKey

from governance.tokens import _jose
from governance.tokens.errors import TokenFault, TokenRefused
from tests.worlds.tokens import KeyPair, b64, raw_token

ALL = frozenset({"ES256", "ES384", "ES512", "EdDSA", "PS256", "RS256", "RS512"})
EC, OTHER = KeyPair.ec("a"), KeyPair.ec("b")
RSA = KeyPair.rsa("r")


def verified(token: str, *keys: KeyPair, algorithms: frozenset[str] = ALL) -> object:
    unverified = _jose.parse(token)
    return _jose.verify(unverified, _jose.select_key([key.public for key in keys], unverified, algorithms))


def fault_of(token: str, *keys: KeyPair, algorithms: frozenset[str] = ALL) -> TokenFault:
    with pytest.raises(TokenRefused) as caught:
        verified(token, *keys, algorithms=algorithms)
    return caught.value.fault


@pytest.mark.parametrize(
    "key", [EC, RSA, KeyPair.rsa("p", "PS256"), KeyPair.rsa("5", "RS512")], ids=lambda k: k.algorithm
)
def test_a_good_signature_is_believed(key: KeyPair) -> None:
    assert verified(key.sign({"a": 1}), key, OTHER) == {"a": 1}


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_ed25519_is_believed() -> None:
    key = KeyPair(OKPKey.generate_key("Ed25519"), "EdDSA", "e")  # type: ignore[arg-type]
    assert verified(key.sign({"a": 1}), key) == {"a": 1}


def test_a_key_without_kid_in_the_token_must_be_the_only_one_that_fits() -> None:
    assert verified(EC.sign({"a": 1}, kid=None), EC, RSA) == {"a": 1}
    assert fault_of(EC.sign({"a": 1}, kid=None), EC, OTHER) is TokenFault.KEY


HOSTILE = {
    "alg none": (raw_token({"alg": "none", "kid": "a"}, {"a": 1}, b""), TokenFault.MALFORMED),
    "alg none with a signature": (raw_token({"alg": "none", "kid": "a"}, {"a": 1}), TokenFault.ALGORITHM),
    "alg None in other case": (raw_token({"alg": "nOnE", "kid": "a"}, {"a": 1}), TokenFault.ALGORITHM),
    "alg missing": (raw_token({"kid": "a"}, {"a": 1}), TokenFault.ALGORITHM),
    "alg not text": (raw_token({"alg": ["ES256"], "kid": "a"}, {"a": 1}), TokenFault.ALGORITHM),
    "crit": (raw_token({"alg": "ES256", "kid": "a", "crit": ["exp"]}, {"a": 1}), TokenFault.CRITICAL_HEADER),
    "empty crit": (raw_token({"alg": "ES256", "kid": "a", "crit": []}, {"a": 1}), TokenFault.CRITICAL_HEADER),
    "kid of another key": (EC.sign({"a": 1}, kid="b"), TokenFault.SIGNATURE),
    "kid unknown": (EC.sign({"a": 1}, kid="z"), TokenFault.KEY),
    "kid not text": (raw_token({"alg": "ES256", "kid": 7}, {"a": 1}), TokenFault.KEY),
    "kid null": (raw_token({"alg": "ES256", "kid": None}, {"a": 1}), TokenFault.KEY),
    "algorithm of another key type": (raw_token({"alg": "RS256", "kid": "a"}, {"a": 1}), TokenFault.KEY),
    "its own key in the header": (
        KeyPair(EC.key, "ES256", "own").sign({"a": 1}, jwk=EC.public),
        TokenFault.KEY,
    ),
    "four segments": (EC.sign({"a": 1}) + ".x", TokenFault.MALFORMED),
    "empty": ("", TokenFault.MALFORMED),
    "padded base64": (EC.sign({"a": 1}).replace(".", "=.", 1), TokenFault.MALFORMED),
    "header not an object": (".".join([b64(b"[]"), b64(b"{}"), "AA"]), TokenFault.MALFORMED),
    "claims repeat a name": (".".join([b64(b'{"alg":"ES256"}'), b64(b'{"a":1,"a":2}'), "AA"]), TokenFault.MALFORMED),
    "claims hold NaN": (".".join([b64(b'{"alg":"ES256"}'), b64(b'{"a":NaN}'), "AA"]), TokenFault.MALFORMED),
    "claims nested too deeply": (
        ".".join([b64(b'{"alg":"ES256"}'), b64(b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"), "AA"]),
        TokenFault.MALFORMED,
    ),
    "broken UTF-8": (".".join([b64(b'{"alg":"ES256"}'), b64(b'{"a":"\xff"}'), "AA"]), TokenFault.MALFORMED),
    "too long": ("x" * (_jose.MAXIMUM + 1), TokenFault.MALFORMED),
    "not ascii": ("é.é.é", TokenFault.MALFORMED),
}


@pytest.mark.parametrize("defect", HOSTILE)
def test_hostile_tokens(defect: str) -> None:
    token, fault = HOSTILE[defect]
    assert fault_of(token, EC, OTHER, RSA) is fault


def test_a_shared_secret_made_of_the_public_key_signs_nothing() -> None:
    for secret in (RSA.key.as_pem(private=False), json.dumps(RSA.public).encode()):
        signing = f"{b64(json.dumps({'alg': 'HS256', 'kid': 'r'}).encode())}.{b64(b'{}')}"
        token = f"{signing}.{b64(hmac.new(secret, signing.encode(), hashlib.sha256).digest())}"
        assert fault_of(token, RSA) is TokenFault.ALGORITHM
        with pytest.raises(TokenRefused):
            _jose.verify(_jose.parse(token), {"kty": "oct", "k": b64(secret), "kid": "r"})


def test_an_algorithm_outside_the_allow_list_is_refused_even_with_a_good_signature() -> None:
    assert fault_of(RSA.sign({"a": 1}), RSA, algorithms=frozenset({"ES256"})) is TokenFault.ALGORITHM


@pytest.mark.filterwarnings("ignore:Key size should be")
def test_a_short_rsa_key_is_refused() -> None:
    short = KeyPair.rsa("short", bits=1024)
    assert fault_of(short.sign({"a": 1}), short) is TokenFault.KEY


@pytest.mark.parametrize(
    "change", [{"use": "enc"}, {"alg": "ES384"}, {"key_ops": ["sign"]}, {"key_ops": "verify"}, {"crv": "P-384"}]
)
def test_a_key_that_is_not_for_this_does_not_fit(change: dict[str, object]) -> None:
    assert not _jose.fits({**EC.public, **change}, "ES256")


def test_a_private_key_on_file_verifies_nothing() -> None:
    unverified = _jose.parse(EC.sign({"a": 1}))
    with pytest.raises(TokenRefused):
        _jose.verify(unverified, EC.key.as_dict(private=True))


def test_the_thumbprint_is_the_one_of_rfc_7638() -> None:
    example = {
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV"
        "4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZ"
        "Hzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEg"
        "U8awapJzKnqDKgw",
        "e": "AQAB",
        "alg": "RS256",
        "kid": "2011-04-29",
    }
    assert _jose.thumbprint(example) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert _jose.thumbprint(EC.public) == EC.key.thumbprint()


@given(st.text(max_size=200))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with pytest.raises(TokenRefused):
        verified(text, EC)


@given(st.data())
def test_one_changed_character_is_noticed(data: st.DataObject) -> None:
    token = EC.sign({"sub": "x", "n": [1, 2, 3]})
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."))
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        with pytest.raises(TokenRefused):
            verified(changed, EC)
