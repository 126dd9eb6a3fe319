"""Signing people in through the identity provider of their own trust (OpenID Connect Core 1.0, code flow).

1. One provider a trust, registered in the federation; its metadata is discovered from its issuer and must name that
   issuer (Discovery 1.0 section 4.3).
2. PKCE S256 (RFC 7636), ``state`` and ``nonce`` are made for each attempt and kept on the server, in the session that
   began it; each is used once.
3. The answer must come from the provider that was asked: its ``iss`` parameter, when there is one (RFC 9207), and its
   ID token.
4. ID token (Core section 3.1.3.7): signature by the provider's keys with an asymmetric algorithm of ours, issuer,
   audience, authorised party, expiry, issue time, nonce.
5. The provider says who somebody is. What they may do here comes from the federation's register of people, never from
   a claim.
6. Whatever goes wrong, the person learns that it did not work; the log learns which step, never the token.
"""

import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import requests
from authlib.integrations.base_client import BaseApp, OAuth2Mixin, OAuthError, OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError

from governance.clock import Clock
from governance.errors import Unauthenticated, Unavailable
from governance.telemetry import get_logger

ALGORITHMS = ("ES256", "PS256", "RS256")
LEEWAY = 30  # seconds a provider's clock may differ from ours
METADATA_LIFETIME = timedelta(hours=1)  # how long discovery and keys are kept
_TIMEOUT = 5  # seconds for one call to a provider
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConsoleClient:
    """How the console is registered with every provider.

    ``private_key`` (a PEM) authenticates it with private_key_jwt, ``secret`` with a basic secret; with neither it is a
    public client that PKCE alone protects.
    """

    client_id: str
    redirect_uri: str
    secret: str | None = None
    private_key: str | None = None


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """What must be remembered between sending somebody away and seeing them come back."""

    issuer: str
    state: str
    nonce: str
    code_verifier: str

    def to_session(self) -> dict[str, str]:
        """Give the attempt as plain JSON for the session."""
        return asdict(self)

    @classmethod
    def from_session(cls, value: object) -> "SignInAttempt | None":
        """Read an attempt back; None when the session holds none."""
        names = ("issuer", "state", "nonce", "code_verifier")
        if not isinstance(value, Mapping) or not all(isinstance(value.get(name), str) for name in names):
            return None
        return cls(**{name: value[name] for name in names})


@dataclass(frozen=True, slots=True)
class ProvenIdentity:
    """Who the provider says has signed in."""

    issuer: str
    subject: str
    name: str


class SignIn:
    """The relying party of every trust's provider.

    Args:
        client: the console's registration.
        clock: the one clock; judges every time in an ID token.
    """

    def __init__(self, client: ConsoleClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._providers: dict[str, tuple[datetime, _Provider]] = {}

    def begin(self, issuer: str) -> tuple[str, SignInAttempt]:
        """Give the provider's address to send the browser to, and the attempt to keep.

        Raises Unavailable when the provider cannot be reached or describes itself wrongly.
        """
        provider = self._provider(issuer)
        made = provider.create_authorization_url(self._client.redirect_uri)
        return str(made["url"]), SignInAttempt(issuer, made["state"], made["nonce"], made["code_verifier"])

    def complete(self, attempt: SignInAttempt, answer: Mapping[str, str]) -> ProvenIdentity:
        """Take the provider's answer (the callback's query) and give who signed in.

        Raises Unauthenticated when any check of the module's rules fails, Unavailable when the provider is away.
        """
        if not hmac.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
            raise _refused("state")
        if answer.get("iss", attempt.issuer) != attempt.issuer:
            raise _refused("issuer")
        code = answer.get("code")
        if not code:
            raise _refused("no_code")
        claims = self._claims(self._provider(attempt.issuer), attempt, code)
        return ProvenIdentity(attempt.issuer, str(claims["sub"]), str(claims.get("name") or "Name not given"))

    def _claims(self, provider: "_Provider", attempt: SignInAttempt, code: str) -> Mapping[str, Any]:
        clock = self._clock

        class _Claims(CodeIDToken):  # type: ignore[misc]
            def validate(self, now: int | None = None, leeway: int = 0) -> None:
                super().validate(int(clock.now().timestamp()) if now is None else now, leeway)

        try:
            token = provider.fetch_access_token(
                self._client.redirect_uri, code=code, code_verifier=attempt.code_verifier
            )
            claims = provider.parse_id_token(
                token, attempt.nonce, _id_token_rules(attempt.issuer, self._client.client_id), _Claims, LEEWAY
            )
        except requests.RequestException as error:
            raise _away(error) from None
        except (OAuthError, JoseError, ValueError, KeyError, RuntimeError) as error:
            _log.warning("sign-in refused", step="id_token", error_type=type(error).__name__)
            raise _refused("id_token") from None
        if claims is None:
            raise _refused("no_id_token")
        return cast("Mapping[str, Any]", claims)

    def _provider(self, issuer: str) -> "_Provider":
        """Give the provider with its metadata, discovered at most once an hour."""
        now = self._clock.now()
        kept = self._providers.get(issuer)
        if kept is not None and now - kept[0] < METADATA_LIFETIME:
            return kept[1]
        provider = _Provider(self._client, issuer)
        try:
            metadata = provider.load_server_metadata()
        except (requests.RequestException, ValueError) as error:
            raise _away(error) from None
        if metadata.get("issuer") != issuer:
            _log.warning("sign-in refused", step="discovery", error_type="issuer")
            raise Unavailable("sign_in.provider", "Your trust's sign-in service does not describe itself correctly.")
        offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        metadata["id_token_signing_alg_values_supported"] = [name for name in ALGORITHMS if name in offered]
        self._providers[issuer] = (now, provider)
        return provider


class _Provider(OAuth2Mixin, OpenIDMixin, BaseApp):  # type: ignore[misc]
    """Authlib's client without a framework: our session keeps the state."""

    client_cls = OAuth2Session

    def __init__(self, client: ConsoleClient, issuer: str) -> None:
        kwargs: dict[str, Any] = {
            "scope": "openid profile",
            "code_challenge_method": "S256",
            "default_timeout": _TIMEOUT,
            "token_endpoint_auth_method": _authentication(client),
        }
        super().__init__(
            framework=None,
            client_id=client.client_id,
            client_secret=client.private_key or client.secret,
            client_kwargs=kwargs,
            client_auth_methods=[PrivateKeyJWT(alg="ES256")] if client.private_key else None,
            server_metadata_url=issuer.rstrip("/") + "/.well-known/openid-configuration",
        )


def _authentication(client: ConsoleClient) -> str:
    if client.private_key:
        return "private_key_jwt"
    return "client_secret_basic" if client.secret else "none"


def _id_token_rules(issuer: str, client_id: str) -> dict[str, dict[str, object]]:
    return {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": client_id},
        "nonce": {"essential": True},
        "sub": {"essential": True, "allow_blank": False},
    }


def _refused(step: str) -> Unauthenticated:
    return Unauthenticated(f"sign_in.{step}", "Your sign-in could not be completed. Start again.")


def _away(error: Exception) -> Unavailable:
    _log.warning("identity provider away", error_type=type(error).__name__)
    return Unavailable("sign_in.provider", "Your trust's sign-in service cannot be reached. Try again soon.", 30)
