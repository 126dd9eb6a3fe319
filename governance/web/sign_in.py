"""Signing people in through the identity provider of their own trust (OpenID Connect Core 1.0, code flow).

1. One provider a trust, registered in the federation; its metadata is discovered from its issuer and must name that
   issuer (Discovery 1.0 section 4.3). Of the metadata only what ``METADATA`` names is used.
2. PKCE S256 (RFC 7636), ``state`` and ``nonce`` are made for each attempt and kept on the server, in the session that
   began it; each is used once.
3. The answer must come from the provider that was asked: its ``iss`` parameter (RFC 9207), which must be there when the
   provider's metadata promises it, and its ID token.
4. ID token (Core section 3.1.3.7): signature by the provider's keys with an asymmetric algorithm of ours, issuer,
   audience, authorised party, expiry, issue time, nonce.
5. The provider says who somebody is. What they may do here comes from the federation's register of people, never from
   a claim.
6. Whatever goes wrong, the person learns that it did not work; the log learns which step, never the token. What a
   provider answers is a stranger's: however odd it is, it ends in that sentence.
7. Every call goes through the outbound client, authlib's too, and coming back is one total. Metadata and keys serve
   while they are renewed; a provider that is away is not asked again at once.
"""

import hmac
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, TypeAlias, cast
from urllib.parse import urlsplit

import requests
from authlib.integrations.base_client import BaseApp, OAuth2Mixin, OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from joserfc import jws

from governance.clock import Clock
from governance.errors import Unauthenticated, Unavailable
from governance.outbound import Answer, CallPurpose, Documents, Freshness, Outbound, within
from governance.telemetry import get_logger
from governance.tokens import RemoteKeySets, key_set_fetch

ALGORITHMS = ("ES256", "PS256", "RS256")
LEEWAY = 30  # seconds a provider's clock may differ from ours
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_OFFERED = "id_token_signing_alg_values_supported"
_NAMES_ITSELF = "authorization_response_iss_parameter_supported"  # RFC 9207 section 3
METADATA = frozenset({"issuer", _NAMES_ITSELF, _OFFERED, *ENDPOINTS})
_SUBJECT_MAXIMUM = 255  # characters of a subject (OpenID Connect Core section 2)
METADATA_LIFETIME = timedelta(hours=1)  # how long discovery and keys are kept
METADATA_STALE = timedelta(hours=2)  # how long they serve while the provider is away
COOL_DOWN = timedelta(seconds=5)  # after discovery failed
_TOTAL = 10.0  # seconds for everything that is asked of a provider when somebody comes back from it
Metadata: TypeAlias = Mapping[str, Any]
logging.getLogger("authlib").setLevel(logging.CRITICAL)  # it writes code verifiers
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
        outbound: the client that calls the providers.
    """

    def __init__(self, client: ConsoleClient, clock: Clock, outbound: Outbound) -> None:
        self._client = client
        self._clock = clock
        self._outbound = outbound
        self._metadata = Documents(self._discover, Freshness(METADATA_LIFETIME, METADATA_STALE, COOL_DOWN))
        self._keys = RemoteKeySets(
            key_set_fetch(outbound), METADATA_LIFETIME, COOL_DOWN, METADATA_STALE, renewal=timedelta(0)
        )

    def begin(self, issuer: str) -> tuple[str, SignInAttempt]:
        """Give the provider's address to send the browser to, and the attempt to keep.

        Raises Unavailable when the provider cannot be reached or describes itself wrongly.
        """
        provider = self._provider(issuer)
        try:
            made = provider.create_authorization_url(self._client.redirect_uri)
        except Exception as error:  # noqa: BLE001 - authlib on an address of the provider's
            raise _away(issuer, error) from None
        return str(made["url"]), SignInAttempt(issuer, made["state"], made["nonce"], made["code_verifier"])

    def complete(self, attempt: SignInAttempt, answer: Mapping[str, str]) -> ProvenIdentity:
        """Take the provider's answer (the callback's query) and give who signed in.

        Raises Unauthenticated when any check of the module's rules fails, Unavailable when the provider is away.
        """
        if not hmac.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
            raise _refused("state")
        if answer.get("iss", attempt.issuer) != attempt.issuer:
            raise _refused("issuer")
        with within(_TOTAL):
            provider = self._provider(attempt.issuer)
            if "iss" not in answer and provider.server_metadata.get(_NAMES_ITSELF) is True:
                raise _refused("issuer")
            code = answer.get("code")
            if not code:
                raise _refused("no_code")
            claims = self._claims(provider, attempt, code)
        return ProvenIdentity(attempt.issuer, _subject(claims), _name(claims))

    def _claims(self, provider: "_Provider", attempt: SignInAttempt, code: str) -> Mapping[str, Any]:
        clock = self._clock

        class _Claims(CodeIDToken):  # type: ignore[misc]
            def validate(self, now: int | None = None, leeway: int = 0) -> None:
                super().validate(int(clock.now().timestamp()) if now is None else now, leeway)

        try:
            token = provider.fetch_access_token(
                self._client.redirect_uri, code=code, code_verifier=attempt.code_verifier
            )
            _require_id_token(token)
            provider.key_set = self._key_set(provider.server_metadata["jwks_uri"], token["id_token"])
            claims = provider.parse_id_token(
                token, attempt.nonce, _id_token_checks(attempt.issuer, self._client.client_id), _Claims, LEEWAY
            )
        except (requests.RequestException, Unavailable) as error:
            raise _away(attempt.issuer, error) from None
        except Unauthenticated:
            raise
        except Exception as error:  # noqa: BLE001 - authlib and joserfc on whatever the provider answered (rule 6)
            _log.warning("sign-in refused", step="id_token", error_type=type(error).__name__)
            raise _refused("id_token") from None
        return cast("Mapping[str, Any]", claims)

    def _key_set(self, address: str, id_token: object) -> Mapping[str, Any]:
        """Give the provider's keys, fetched anew when they lack the one that signed; ValueError for no token."""
        if not isinstance(id_token, str):
            raise ValueError("the ID token is no text")  # noqa: TRY004  as for text that is no token
        kid = jws.extract_compact(id_token.encode()).headers().get("kid")
        return {"keys": list(self._keys.keys(address, kid, self._clock.now()))}

    def _provider(self, issuer: str) -> "_Provider":
        return _Provider(self._client, self._metadata.get(issuer, self._clock.now()), self._outbound)

    def _discover(self, issuer: str) -> Metadata:
        """Fetch what a provider says of itself. Raises Unavailable."""
        try:
            metadata = _document(
                self._outbound.get(CallPurpose.DISCOVERY, issuer.rstrip("/") + "/.well-known/openid-configuration")
            )
        except (Unavailable, ValueError, RecursionError) as error:
            raise _away(issuer, error) from None
        if metadata.get("issuer") != issuer or not all(isinstance(metadata.get(name), str) for name in ENDPOINTS):
            _log.warning("sign-in refused", step="discovery", error_type="issuer")
            raise Unavailable("sign_in.provider", "Your trust's sign-in service does not describe itself correctly.")
        offered = metadata.get(_OFFERED) or ["RS256"]
        usable = [name for name in ALGORITHMS if isinstance(offered, list) and name in offered]
        if not usable:
            _log.warning("sign-in refused", step="discovery", error_type="algorithm")
            raise Unavailable("sign_in.provider", "Your trust's sign-in service does not sign in a way known here.")
        return {name: metadata[name] for name in METADATA & metadata.keys()} | {_OFFERED: usable}


def _document(answer: Answer) -> Metadata:
    metadata = json.loads(answer.body) if answer.status == HTTPStatus.OK else None
    if not isinstance(metadata, dict):
        raise ValueError("no metadata")  # noqa: TRY004  the answer's fault, like JSON that is none
    return metadata


class _Provider(OAuth2Mixin, OpenIDMixin, BaseApp):  # type: ignore[misc]
    """Authlib's client without a framework: our session keeps the state, our client calls, our cache has the keys."""

    client_cls = OAuth2Session
    key_set: Mapping[str, Any] = MappingProxyType({"keys": ()})

    def __init__(self, client: ConsoleClient, metadata: Metadata, outbound: Outbound) -> None:
        kwargs: dict[str, Any] = {
            "scope": "openid profile",
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": _authentication(client),
        }
        super().__init__(
            framework=None,
            client_id=client.client_id,
            client_secret=client.private_key or client.secret,
            client_kwargs=kwargs,
            client_auth_methods=[PrivateKeyJWT(alg="ES256")] if client.private_key else None,
        )
        self.server_metadata = dict(metadata)
        self._outbound = outbound

    def _get_oauth_client(self, **metadata: Any) -> OAuth2Session:
        return self._outbound.equip(super()._get_oauth_client(**metadata), CallPurpose.SIGN_IN)

    def fetch_jwk_set(self, force: bool = False) -> Mapping[str, Any]:
        """Give the keys that were found; authlib asks for newer ones with ``force``, and there are none."""
        return self.key_set


def _authentication(client: ConsoleClient) -> str:
    if client.private_key:
        return "private_key_jwt"
    return "client_secret_basic" if client.secret else "none"


def _id_token_checks(issuer: str, client_id: str) -> dict[str, dict[str, object]]:
    return {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": client_id},
        "nonce": {"essential": True},
        "sub": {"essential": True, "allow_blank": False},
    }


def _require_id_token(token: Mapping[str, Any]) -> None:
    if "id_token" not in token:
        raise _refused("no_id_token")


def _subject(claims: Mapping[str, Any]) -> str:
    """Give who the provider says it is, as a register can hold it."""
    found = claims.get("sub")
    if not isinstance(found, str) or not found.isprintable() or not 0 < len(found) <= _SUBJECT_MAXIMUM:
        raise _refused("id_token")
    return found


def _name(claims: Mapping[str, Any]) -> str:
    found = claims.get("name")
    return found[:_SUBJECT_MAXIMUM] if isinstance(found, str) and found.isprintable() and found else "Name not given"


def _refused(step: str) -> Unauthenticated:
    return Unauthenticated(f"sign_in.{step}", "Your sign-in could not be completed. Start again.")


def _away(issuer: str, error: Exception) -> Unavailable:
    why = error.reason if isinstance(error, Unavailable) else type(error).__name__
    _log.warning("identity provider away", host=urlsplit(issuer).hostname, why=why)
    return Unavailable("sign_in.provider", "Your trust's sign-in service cannot be reached. Try again soon.", 30)
