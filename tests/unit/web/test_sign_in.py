"""Signing in against providers that do not keep the rules: each broken rule is refused, and says so in one sentence."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, jsonify, request
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from werkzeug.serving import BaseWSGIServer, make_server

from governance.clock import FixedClock
from governance.errors import GovernanceError, Unauthenticated, Unavailable
from governance.outbound import LOOPBACK, Budget, CallPurpose, Outbound, Peers
from governance.web.sign_in import (
    COOL_DOWN,
    LEEWAY,
    METADATA_LIFETIME,
    METADATA_STALE,
    ConsoleClient,
    SignIn,
    SignInAttempt,
)
from tests.fakes.stranger import (
    Behaviour,
    breaks_off,
    document,
    drips_body,
    drips_headers,
    sends_elsewhere,
    silence,
    stranger,
    two_hundred_megabytes_undeclared,
)

CLIENT = ConsoleClient("console", "https://governance.example/console/sign-in/callback")


@dataclass
class Provider:
    """A small provider whose behaviour a test can bend."""

    clock: FixedClock
    server: BaseWSGIServer | None = None
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"}))
    stranger: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "k1", "alg": "ES256"}))
    claims: dict[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    sign: Callable[["Provider", dict[str, Any]], str] | None = None
    answer: tuple[int, Any] | None = None
    challenge: str = ""
    nonce: str = ""

    @property
    def issuer(self) -> str:
        assert self.server is not None
        return f"http://127.0.0.1:{self.server.port}/rrk"

    def id_token(self) -> str:
        now = int(self.clock.now().timestamp())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": "officer-1",
            "aud": CLIENT.client_id,
            "iat": now,
            "exp": now + 60,
            "nonce": self.nonce,
            "name": "Helen Sharpe",
        }
        claims = {name: value for name, value in (claims | self.claims).items() if name not in self.without}
        if self.sign is not None:
            return self.sign(self, claims)
        return jwt.encode({"alg": "ES256", "kid": "k1"}, claims, self.key)

    def application(self) -> Flask:
        app = Flask("provider")

        @app.get("/rrk/.well-known/openid-configuration")
        def _discovery() -> Any:
            known = {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
            }
            return jsonify(known | self.metadata)

        @app.get("/rrk/jwks")
        def _jwks() -> Any:
            return jsonify(KeySet([self.key]).as_dict(private=False))

        @app.post("/rrk/token")
        def _token() -> Any:
            if self.answer is not None:
                return self.answer[1], self.answer[0]
            digest = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
            made = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if made != self.challenge or request.form.get("redirect_uri") != CLIENT.redirect_uri:
                return {"error": "invalid_grant"}, 400
            return {"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": self.id_token()}

        return app


@pytest.fixture
def provider(clock: FixedClock) -> Iterator[Provider]:
    """Run the provider on a port of its own."""
    made = Provider(clock)
    made.server = make_server("127.0.0.1", 0, made.application(), threaded=True)
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()


@pytest.fixture
def sign_in(clock: FixedClock) -> SignIn:
    return SignIn(CLIENT, clock, Outbound(Peers(LOOPBACK)))


def begin(sign_in: SignIn, provider: Provider) -> SignInAttempt:
    """Go to the provider as a browser would, and let it remember the challenge and the nonce."""
    address, attempt = sign_in.begin(provider.issuer)
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    provider.challenge, provider.nonce = query["code_challenge"], query["nonce"]
    return attempt


def refusal(sign_in: SignIn, provider: Provider, **answer: str) -> GovernanceError:
    attempt = begin(sign_in, provider)
    with pytest.raises(GovernanceError) as caught:
        sign_in.complete(attempt, {"state": attempt.state, "code": "c"} | answer)
    return caught.value


def test_the_request_carries_state_nonce_and_an_s256_challenge(sign_in: SignIn, provider: Provider) -> None:
    address, attempt = sign_in.begin(provider.issuer)
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert address.startswith(f"{provider.issuer}/authorize?")
    assert query["response_type"] == "code"
    assert query["redirect_uri"] == CLIENT.redirect_uri
    assert query["code_challenge_method"] == "S256"
    assert (query["state"], query["nonce"]) == (attempt.state, attempt.nonce)
    assert attempt.code_verifier not in address
    assert len({attempt.state, attempt.nonce, attempt.code_verifier}) == 3


def test_two_attempts_share_nothing(sign_in: SignIn, provider: Provider) -> None:
    (_, one), (_, other) = sign_in.begin(provider.issuer), sign_in.begin(provider.issuer)
    assert not {one.state, one.nonce, one.code_verifier} & {other.state, other.nonce, other.code_verifier}


def test_an_attempt_survives_the_session(sign_in: SignIn, provider: Provider) -> None:
    _, attempt = sign_in.begin(provider.issuer)
    assert SignInAttempt.from_session(json.loads(json.dumps(attempt.to_session()))) == attempt
    assert SignInAttempt.from_session(None) is None
    assert SignInAttempt.from_session({"state": "x"}) is None


def test_a_right_answer_says_who_it_is(sign_in: SignIn, provider: Provider) -> None:
    attempt = begin(sign_in, provider)
    identity = sign_in.complete(attempt, {"state": attempt.state, "code": "c", "iss": provider.issuer})
    assert (identity.issuer, identity.subject, identity.name) == (provider.issuer, "officer-1", "Helen Sharpe")


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://id.example/other"},
        {"aud": "another-client"},
        {"aud": ["console", "other"], "azp": "other"},
        {"nonce": "replayed"},
        {"nonce": ""},
        {"exp": 1},
        {"sub": ""},
    ],
    ids=["issuer", "audience", "authorised party", "nonce", "no nonce", "expired", "nobody"],
)
def test_an_id_token_that_says_something_else_is_refused(
    sign_in: SignIn, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    assert refusal(sign_in, provider).reason == "sign_in.id_token"


@pytest.mark.parametrize("missing", ["iss", "sub", "aud", "exp", "iat", "nonce"])
def test_an_id_token_without_a_claim_is_refused(sign_in: SignIn, provider: Provider, missing: str) -> None:
    provider.without = (missing,)
    assert refusal(sign_in, provider).reason == "sign_in.id_token"


@pytest.mark.parametrize(("claim", "seconds"), [("exp", -LEEWAY - 1), ("iat", LEEWAY + 1)])
def test_our_clock_judges_times(sign_in: SignIn, provider: Provider, claim: str, seconds: int) -> None:
    provider.claims = {claim: int(provider.clock.now().timestamp()) + seconds}
    assert refusal(sign_in, provider).reason == "sign_in.id_token"


def _part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _signing_input(algorithm: str, claims: dict[str, Any]) -> str:
    return f"{_part(json.dumps({'alg': algorithm, 'kid': 'k1'}).encode())}.{_part(json.dumps(claims).encode())}"


def _unsigned(_provider: Provider, claims: dict[str, Any]) -> str:
    return f"{_signing_input('none', claims)}."


def _by_another_key(provider: Provider, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "ES256", "kid": "k1"}, claims, provider.stranger)


def _by_the_public_key_as_a_secret(provider: Provider, claims: dict[str, Any]) -> str:
    signed = _signing_input("HS256", claims)
    return f"{signed}.{_part(hmac.digest(provider.key.as_pem(private=False), signed.encode(), 'sha256'))}"


@pytest.mark.parametrize("sign", [_unsigned, _by_another_key, _by_the_public_key_as_a_secret])
def test_a_wrong_signature_is_refused(
    sign_in: SignIn, provider: Provider, sign: Callable[[Provider, dict[str, Any]], str]
) -> None:
    provider.sign = sign
    assert refusal(sign_in, provider).reason == "sign_in.id_token"


def test_a_new_key_of_the_provider_is_taken_up(sign_in: SignIn, provider: Provider) -> None:
    attempt = begin(sign_in, provider)
    sign_in.complete(attempt, {"state": attempt.state, "code": "c"})
    provider.key = ECKey.generate_key("P-256", {"kid": "k2", "use": "sig", "alg": "ES256"})
    provider.sign = lambda made, claims: jwt.encode({"alg": "ES256", "kid": "k2"}, claims, made.key)
    again = begin(sign_in, provider)
    assert sign_in.complete(again, {"state": again.state, "code": "c"}).subject == "officer-1"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"state": "guessed"}, "sign_in.state"),
        ({"state": ""}, "sign_in.state"),
        ({"iss": "https://id.example/mixed-up"}, "sign_in.issuer"),
        ({"code": ""}, "sign_in.no_code"),
        ({"code": "", "error": "access_denied"}, "sign_in.no_code"),
    ],
)
def test_a_callback_that_is_not_an_answer_to_us_is_refused(
    sign_in: SignIn, provider: Provider, answer: dict[str, str], reason: str
) -> None:
    assert refusal(sign_in, provider, **answer).reason == reason


@pytest.mark.parametrize(
    ("promised", "answer", "reason"),
    [
        (True, {}, "sign_in.issuer"),
        (True, {"iss": ""}, "sign_in.issuer"),
        (True, {"error": "access_denied", "code": ""}, "sign_in.issuer"),
        (False, {}, None),
        ("true", {}, None),
    ],
)
def test_the_issuer_of_an_answer_is_needed_where_the_metadata_promise_it(
    sign_in: SignIn, provider: Provider, promised: object, answer: dict[str, str], reason: str | None
) -> None:
    provider.metadata = {"authorization_response_iss_parameter_supported": promised}
    if reason is None:
        attempt = begin(sign_in, provider)
        assert sign_in.complete(attempt, {"state": attempt.state, "code": "c"}).subject == "officer-1"
    else:
        assert refusal(sign_in, provider, **answer).reason == reason
        attempt = begin(sign_in, provider)
        whole = {"state": attempt.state, "code": "c", "iss": provider.issuer}
        assert sign_in.complete(attempt, whole).subject == "officer-1"


def outcome(sign_in: SignIn, attempt: SignInAttempt) -> str:
    """Give who signed in, or the reason of the refusal; any other error is the test's failure."""
    try:
        found = sign_in.complete(attempt, {"state": attempt.state, "code": "c"})
    except GovernanceError as error:
        return error.reason
    assert found.name.isprintable()
    return found.subject


ODD: tuple[Any, ...] = ({}, [], "soon", -1, 10**400, None, True, "\0", {"a": []}, 1.5e308)


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("member", ["expires_at", "expires_in", "id_token", "token_type", "access_token", "error"])
def test_whatever_a_token_endpoint_answers_ends_in_our_own_words(
    sign_in: SignIn, provider: Provider, member: str, value: object
) -> None:
    begin(sign_in, provider)
    whole = {"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": provider.id_token()}
    provider.answer = (200, whole | {member: value})
    attempt = begin(sign_in, provider)
    assert outcome(sign_in, attempt) in {"officer-1", "sign_in.id_token", "sign_in.no_id_token", "sign_in.provider"}


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("claim", ["exp", "iat", "nbf", "auth_time", "sub", "name", "aud", "azp", "nonce", "iss"])
def test_whatever_an_id_token_claims_ends_in_our_own_words(
    sign_in: SignIn, provider: Provider, claim: str, value: object
) -> None:
    provider.claims = {claim: value}
    attempt = begin(sign_in, provider)
    named = {value} if claim == "sub" and isinstance(value, str) and value.isprintable() else {"officer-1"}
    assert outcome(sign_in, attempt) in {*named, "sign_in.id_token"}


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize(
    "member", ["authorization_endpoint", "token_endpoint", "jwks_uri", "id_token_signing_alg_values_supported"]
)
def test_whatever_the_metadata_say_ends_in_our_own_words(
    sign_in: SignIn, provider: Provider, member: str, value: object
) -> None:
    provider.metadata = {member: value}
    try:
        address, attempt = sign_in.begin(provider.issuer)
    except GovernanceError as error:
        assert error.reason == "sign_in.provider"  # noqa: PT017 - it may as well begin
        return
    assert isinstance(address, str)
    assert outcome(sign_in, attempt) in {"officer-1", "sign_in.id_token", "sign_in.provider"}


def test_a_stolen_code_without_its_verifier_is_worthless(sign_in: SignIn, provider: Provider) -> None:
    attempt = begin(sign_in, provider)
    thief = SignInAttempt(attempt.issuer, attempt.state, attempt.nonce, "v" * 48)
    with pytest.raises(Unauthenticated):
        sign_in.complete(thief, {"state": attempt.state, "code": "c"})


@pytest.mark.parametrize(
    "answer", [(400, {"error": "invalid_grant"}), (200, {"access_token": "a", "token_type": "Bearer"}), (200, "text")]
)
def test_a_token_endpoint_that_gives_no_id_token_is_refused(
    sign_in: SignIn, provider: Provider, answer: tuple[int, Any]
) -> None:
    provider.answer = answer
    assert isinstance(refusal(sign_in, provider), Unauthenticated)


def test_a_token_endpoint_that_fails_is_told_as_away(sign_in: SignIn, provider: Provider) -> None:
    provider.answer = (502, "bad gateway")
    assert isinstance(refusal(sign_in, provider), Unavailable)


def test_a_provider_that_names_another_issuer_is_refused(sign_in: SignIn, provider: Provider) -> None:
    provider.metadata = {"issuer": "https://id.example/other"}
    with pytest.raises(Unavailable):
        sign_in.begin(provider.issuer)


def test_a_provider_that_is_away_is_told_as_away(clock: FixedClock) -> None:
    with pytest.raises(Unavailable):
        SignIn(CLIENT, clock, Outbound(Peers(LOOPBACK))).begin("http://127.0.0.1:9/rrk")


# A provider is a stranger to the outbound client


SHORT = 1.5  # seconds
BOUND = 30.0


def impatient(clock: FixedClock, purpose: CallPurpose) -> SignIn:
    """Make a sign-in whose calls for one purpose have a second or two."""
    budgets = {each: Budget(SHORT if each is purpose else BOUND, 1 << 18) for each in CallPurpose}
    return SignIn(CLIENT, clock, Outbound(Peers(LOOPBACK), budgets=budgets))


@pytest.mark.parametrize(
    ("endpoint", "purpose"), [("token_endpoint", CallPurpose.SIGN_IN), ("jwks_uri", CallPurpose.JWKS)]
)
@pytest.mark.parametrize(
    "behave",
    [drips_headers, drips_body, silence, breaks_off, sends_elsewhere, two_hundred_megabytes_undeclared],
    ids=lambda each: each.__name__,
)
def test_an_endpoint_that_gives_no_whole_answer_in_time_is_told_as_away(
    clock: FixedClock, provider: Provider, endpoint: str, purpose: CallPurpose, behave: Behaviour
) -> None:
    with stranger(behave) as endless:
        provider.metadata = {endpoint: endless.url}
        began = time.monotonic()
        error = refusal(impatient(clock, purpose), provider)
    assert time.monotonic() - began < BOUND
    assert (type(error), error.reason) == (Unavailable, "sign_in.provider")
    assert len(endless.requests) == 1


@pytest.mark.parametrize("behave", [drips_headers, drips_body, sends_elsewhere], ids=lambda each: each.__name__)
def test_discovery_that_gives_no_whole_answer_in_time_is_told_as_away_and_not_repeated(
    clock: FixedClock, behave: Behaviour
) -> None:
    sign_in = impatient(clock, CallPurpose.DISCOVERY)
    with stranger(behave) as endless:
        issuer = f"http://127.0.0.1:{endless.port}/rrk"
        began = time.monotonic()
        for _ in range(3):
            with pytest.raises(Unavailable) as caught:
                sign_in.begin(issuer)
            assert caught.value.reason == "sign_in.provider"
        assert time.monotonic() - began < BOUND
        assert len(endless.requests) == 1
        clock.advance(COOL_DOWN)
        with pytest.raises(Unavailable):
            sign_in.begin(issuer)
        assert len(endless.requests) == 2


def test_coming_back_is_one_total(sign_in: SignIn, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("governance.web.sign_in._TOTAL", 0.0)
    with stranger(silence) as endless:
        provider.metadata = {"token_endpoint": endless.url}
        assert isinstance(refusal(sign_in, provider), Unavailable)
    assert not endless.conversations


def test_an_endpoint_that_leads_inside_is_not_called(clock: FixedClock, provider: Provider) -> None:
    names = {"idp.example": "127.0.0.1", "inside.example": "127.0.0.1"}
    peers = Peers([("127.0.0.1", ip_network("127.0.0.1/32"))])
    outbound = Outbound(peers, resolve=lambda name: [ip_address(names[name])])
    with stranger(silence) as inside:
        provider.metadata = {"token_endpoint": f"https://inside.example:{inside.port}/token"}
        assert isinstance(refusal(SignIn(CLIENT, clock, outbound), provider), Unavailable)
    assert not inside.conversations


def test_the_last_metadata_serve_while_the_provider_is_away(
    sign_in: SignIn, provider: Provider, clock: FixedClock
) -> None:
    sign_in.begin(provider.issuer)
    provider.metadata = {"issuer": "https://id.example/other"}  # what it says now is of no use
    clock.advance(METADATA_LIFETIME + timedelta(minutes=1))
    address, _ = sign_in.begin(provider.issuer)
    assert address.startswith(f"{provider.issuer}/authorize?")
    clock.advance(METADATA_STALE)
    with pytest.raises(Unavailable):
        sign_in.begin(provider.issuer)


def test_metadata_change_nothing_of_how_the_console_proves_itself(clock: FixedClock, provider: Provider) -> None:
    """Authlib takes every member of the metadata for an option of its session: this one would post the secret."""
    client = ConsoleClient("console", CLIENT.redirect_uri, secret="sesame")
    provider.metadata = {"token_endpoint_auth_method": "client_secret_post", "verify": False, "trust_env": True}
    with stranger(document()) as listening:
        provider.metadata["token_endpoint"] = listening.url
        refusal(SignIn(client, clock, Outbound(Peers(LOOPBACK))), provider)
    assert b"Authorization: Basic " in listening.requests[0]
    assert b"sesame" not in listening.requests[0]


def test_no_refusal_repeats_what_was_sent(sign_in: SignIn, provider: Provider) -> None:
    provider.claims = {"nonce": "SECRET-NONCE"}
    error = refusal(sign_in, provider, code="SECRET-CODE")
    assert "SECRET" not in f"{error.reason} {error.detail}"
