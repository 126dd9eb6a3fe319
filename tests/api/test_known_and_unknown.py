"""A client that is known and one that is not are answered alike, byte for byte, and after the same work."""

import base64
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from werkzeug.test import TestResponse

from governance.bootstrap import build
from governance.clock import FixedClock
from governance.jobs import Runtime
from governance.server import create_app
from governance.settings import Settings
from governance.tokens import _jose
from governance.vocabulary import Scope
from tests.worlds.callers import REGION, Callers
from tests.worlds.tokens import ASSERTION_TYPE, KeyPair, raw_token

KNOWN, UNKNOWN = "viewer-known", "viewer-other"
STRANGER = KeyPair.ec("k1")
ENDPOINTS = ("/oauth/token", "/oauth/introspect", "/oauth/revoke")
CHANGES: dict[str, dict[str, Any]] = {
    "as it should be": {},
    "for somebody else": {"aud": "https://elsewhere.test"},
    "expired": {"exp": 1_000_000_000},
    "living too long": {"exp": 4_000_000_000},
    "without jti": {"jti": ...},
    "with jti a number": {"jti": 7},
    "issued in the future": {"iat": 4_000_000_000},
    "of the year 40,000": {"exp": 10**12},
}
SIGNERS = {
    "ES256": STRANGER,
    "another kid": KeyPair.ec("another"),
    "RS256": KeyPair.rsa("k1"),
    "PS256": KeyPair.rsa("k1", "PS256"),
}
_numbers = itertools.count()


@pytest.fixture
def callers(settings: Settings, clock: FixedClock) -> Iterator[Callers]:
    services = build(settings.replaced(client_secret_basic=True), clock)
    runtime = Runtime(services)
    runtime.start(jobs=False)
    made = Callers(create_app(services), services)
    made.headers(KNOWN, REGION, [Scope.ACCESS_EVALUATE])
    yield made
    runtime.stop()


def claims(callers: Callers, client_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    now = int(callers.services.infrastructure.clock.now().timestamp())
    audience = callers.services.registers.tokens.token_endpoint
    made = {"iss": client_id, "sub": client_id, "aud": audience, "iat": now, "exp": now + 60}
    whole = made | {"jti": f"assertion-{next(_numbers)}"} | dict(changes)
    return {name: value for name, value in whole.items() if value is not ...}


def post(callers: Callers, endpoint: str, assertion: str, **form: str) -> TestResponse:
    sent = {"grant_type": "client_credentials", "token": "x", "client_assertion_type": ASSERTION_TYPE} | form
    return callers.http.post(endpoint, data=sent | {"client_assertion": assertion})


def seen(answer: TestResponse) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Give everything of an answer but what names its request."""
    headers = [(name, value) for name, value in answer.headers if name not in {"traceparent", "Date"}]
    return answer.status_code, answer.get_data(), headers


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_whatever_is_wrong_with_a_strangers_assertion(callers: Callers, endpoint: str) -> None:
    for (what, changes), (how, signer) in itertools.product(CHANGES.items(), SIGNERS.items()):
        known, unknown = (
            seen(post(callers, endpoint, signer.sign(claims(callers, one, changes)))) for one in (KNOWN, UNKNOWN)
        )
        assert known == unknown, (what, how)
        assert known[0] == 401


def test_whatever_is_wrong_with_its_header(callers: Callers) -> None:
    for header in (
        {"alg": "none"},
        {"alg": "HS256", "kid": "k1"},
        {"alg": "ES256", "kid": "k1", "typ": "at+jwt"},
        {"alg": "ES256", "kid": ["k1"]},
        {"alg": "ES384", "kid": "k1"},
        {"alg": "ES512", "kid": "k1"},
        {"alg": "EdDSA", "kid": "k1"},
        {"alg": "ES256", "kid": "k1", "crit": ["b64"]},
    ):
        known, unknown = (
            seen(post(callers, ENDPOINTS[0], raw_token(header, claims(callers, one, {})))) for one in (KNOWN, UNKNOWN)
        )
        assert known == unknown, header


@pytest.mark.parametrize("endpoint", [*ENDPOINTS, "/access/v1/evaluation"])
def test_a_wrong_secret(callers: Callers, endpoint: str) -> None:
    def answer(client_id: str) -> tuple[int, bytes, list[tuple[str, str]]]:
        credential = base64.b64encode(f"{client_id}:{'wrong-secret-' * 4}".encode()).decode()
        headers = {"Authorization": f"Basic {credential}"}
        form: dict[str, Any] = {"data": {"grant_type": "client_credentials", "token": "x"}}
        body = {"json": {}} if endpoint.startswith("/access") else form
        return seen(callers.http.post(endpoint, headers=headers, **body))

    assert answer(KNOWN) == answer(UNKNOWN)


def test_refusing_costs_one_verification_of_a_signature_whoever_is_named(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work is what the time is made of: a test of seconds would only test the machine."""
    verified: list[str] = []
    real = _jose.verify
    monkeypatch.setattr(_jose, "verify", lambda token, key: verified.append(token.algorithm) or real(token, key))
    for signer, client_id in itertools.product(SIGNERS.values(), (KNOWN, UNKNOWN)):
        verified.clear()
        post(callers, ENDPOINTS[0], signer.sign(claims(callers, client_id, {})))
        assert verified == [signer.algorithm]


def test_a_date_of_four_hundred_digits_is_a_fault_of_the_request_that_names_the_claim(callers: Callers) -> None:
    cases = itertools.product(("exp", "iat", "nbf", "auth_time"), (KNOWN, UNKNOWN), (STRANGER, callers.key))
    for claim, client_id, signer in cases:
        answer = post(callers, ENDPOINTS[0], signer.sign(claims(callers, client_id, {claim: 10**400})))
        assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")
        assert f"claim {claim} " in answer.get_json()["error_description"]
