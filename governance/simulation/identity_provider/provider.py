"""The provider itself, without HTTP: requests, codes and ID tokens.

An authorization request waits under an unguessable handle while somebody picks an account; the handle is what protects
the form, so a page of another site cannot submit it.
"""

import base64
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import urlencode

from governance.simulation.identity_provider.accounts import Account, AccountRole, Accounts, ClientRegistration
from governance.simulation.identity_provider.keys import IssuerKeys

CODE_SECONDS = 60
WAITING_SECONDS = 600
TOKEN_SECONDS = 3600  # CIS2 identity tokens live an hour
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
T = TypeVar("T")


class RequestRefused(Exception):
    """A request that is answered with an error.

    ``redirect_uri`` is set when the error may go to the client (OpenID Connect Core section 3.1.2.6), else the person
    sees it.
    """

    def __init__(self, error: str, description: str, redirect_uri: str | None = None, state: str = "") -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.redirect_uri = redirect_uri
        self.state = state


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A valid authorization request that waits for somebody to pick an account."""

    ods: str
    client: ClientRegistration
    redirect_uri: str
    state: str
    nonce: str
    challenge: str
    login_hint: str | None


@dataclass(frozen=True, slots=True)
class _Granted:
    request: AuthorizationRequest
    account: Account
    role: AccountRole
    at: int


class _Once:
    """Things kept under an unguessable handle, taken out once, forgotten after a time."""

    def __init__(self, seconds: int, now: Callable[[], float]) -> None:
        self._seconds = seconds
        self._now = now
        self._kept: dict[str, tuple[float, Any]] = {}
        self._lock = Lock()

    def keep(self, thing: Any) -> str:
        handle = secrets.token_urlsafe(32)
        now = self._now()
        with self._lock:
            self._kept = {key: kept for key, kept in self._kept.items() if now - kept[0] <= self._seconds}
            self._kept[handle] = (now, thing)
        return handle

    def take(self, handle: str, kind: type[T]) -> T | None:
        with self._lock:
            kept = self._kept.pop(handle, None)
        fresh = kept is not None and self._now() - kept[0] <= self._seconds
        return kept[1] if kept is not None and fresh and isinstance(kept[1], kind) else None


class Provider:
    """Every issuer of this process.

    Args:
        known: issuers, clients and people.
        base_url: where the process is reached, without a closing slash.
        now: gives seconds since 1970.
    """

    def __init__(self, known: Accounts, base_url: str, now: Callable[[], float] = time.time) -> None:
        self.known = known
        self._base_url = base_url
        self._now = now
        self._keys = IssuerKeys()
        self._waiting = _Once(WAITING_SECONDS, now)
        self._codes = _Once(CODE_SECONDS, now)

    def issuer(self, ods: str) -> str:
        """Give the issuer URL of a trust."""
        return f"{self._base_url}/{ods}"

    def discovery(self, ods: str) -> dict[str, object]:
        """Give the provider metadata (OpenID Connect Discovery 1.0 section 3)."""
        issuer = self.issuer(ods)
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.known.issuers[ods].algorithm],
            "scopes_supported": ["openid", "profile", "nationalrbacaccess", "selectedrole"],
            "token_endpoint_auth_methods_supported": [
                "private_key_jwt",
                "client_secret_post",
                "client_secret_basic",
                "none",
            ],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256", "PS256", "RS256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "claims_supported": ["sub", "name", "nhsid_useruid", "selected_roleid", "nhsid_nrbac_roles"],
        }

    def jwks(self, ods: str) -> dict[str, object]:
        """Give the issuer's public key set."""
        return {"keys": [self._keys.key(ods, self.known.issuers[ods].algorithm).public_jwk]}

    def begin(self, ods: str, asked: Mapping[str, str]) -> tuple[str, AuthorizationRequest]:
        """Take an authorization request (OpenID Connect Core section 3.1.2.1) and give its handle.

        Raises:
            RequestRefused: with a redirect address once client and address are known to belong together.
        """
        client = self.known.clients.get(asked.get("client_id", ""))
        redirect_uri = asked.get("redirect_uri", "")
        if client is None or not client.may_redirect_to(redirect_uri):
            raise RequestRefused("invalid_request", "The application that sent you here is not registered.")
        state = asked.get("state", "")
        problem = _problem(asked)
        if problem is not None:
            raise RequestRefused(*problem, redirect_uri, state)
        request = AuthorizationRequest(
            ods, client, redirect_uri, state, asked["nonce"], asked["code_challenge"], asked.get("login_hint")
        )
        return self._waiting.keep(request), request

    def pick(self, ods: str, handle: str, user: str, role_id: str) -> str:
        """Sign somebody in and give the address to send the browser back to; raises RequestRefused."""
        request = self._waiting.take(handle, AuthorizationRequest)
        account = self.known.accounts.get(user)
        role = account.role(role_id) if account is not None else None
        if request is None or request.ods != ods:
            raise RequestRefused("invalid_request", "This sign-in was already used or took too long.")
        if account is None or role is None or account.issuer != ods:
            raise RequestRefused("access_denied", "Nobody was picked.", request.redirect_uri, request.state)
        code = self._codes.keep(_Granted(request, account, role, int(self._now())))
        return self.answer_address(ods, request.redirect_uri, {"code": code, "state": request.state})

    def answer_address(self, ods: str, redirect_uri: str, answer: Mapping[str, str]) -> str:
        """Give the redirect address with an answer and the issuer that gives it (RFC 9207)."""
        joint = "&" if "?" in redirect_uri else "?"
        members = {name: value for name, value in answer.items() if value}
        return redirect_uri + joint + urlencode({**members, "iss": self.issuer(ods)})

    def redeem(self, ods: str, client: ClientRegistration, form: Mapping[str, str]) -> dict[str, object]:
        """Give the tokens for a code (OpenID Connect Core section 3.1.3); raises RequestRefused."""
        if form.get("grant_type") != "authorization_code":
            raise RequestRefused("unsupported_grant_type", "The only grant is authorization_code.")
        granted = self._codes.take(form.get("code", ""), _Granted)
        if (
            granted is None
            or granted.request.ods != ods
            or granted.request.client.client_id != client.client_id
            or granted.request.redirect_uri != form.get("redirect_uri")
            or not _proves(form.get("code_verifier", ""), granted.request.challenge)
        ):
            raise RequestRefused("invalid_grant", "The code is not good for this request.")
        token = self.id_token(granted.account, granted.role, client.client_id, granted.request.nonce, granted.at)
        return {
            "access_token": secrets.token_urlsafe(32),
            "token_type": "Bearer",
            "expires_in": CODE_SECONDS,
            "scope": "openid profile",
            "id_token": token,
        }

    def id_token(
        self, account: Account, role: AccountRole, audience: str, nonce: str | None = None, auth_time: int | None = None
    ) -> str:
        """Sign an ID token with the CIS2 claims of somebody who acts in one of their roles."""
        now = int(self._now())
        claims: dict[str, object] = {
            "iss": self.issuer(account.issuer),
            "sub": account.user,
            "aud": audience,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "auth_time": now if auth_time is None else auth_time,
            "jti": secrets.token_urlsafe(16),
            "acr": f"AAL{account.authentication_assurance}_ANY",
            "amr": ["demo"],
            "name": account.name,
            "nhsid_useruid": account.user,
            "idassurancelevel": str(account.identity_assurance),
            "authentication_assurance_level": str(account.authentication_assurance),
            "selected_roleid": role.id,
            "nhsid_nrbac_roles": [_nrbac(held) for held in account.roles],
            "nhsid_user_orgs": [self._organisation(ods) for ods in sorted({held.ods for held in account.roles})],
        }
        if nonce is not None:
            claims["nonce"] = nonce
        return self._keys.key(account.issuer, self.known.issuers[account.issuer].algorithm).sign(claims)

    def _organisation(self, ods: str) -> dict[str, str]:
        known = self.known.issuers.get(ods)
        return {"org_code": ods, "org_name": known.name.upper() if known else ods}


def _problem(asked: Mapping[str, str]) -> tuple[str, str] | None:
    """Say what is wrong with an authorization request, None when nothing is."""
    if asked.get("response_type") != "code":
        return "unsupported_response_type", "The response type must be code."
    if "openid" not in asked.get("scope", "").split():
        return "invalid_scope", "The scope must hold openid."
    if asked.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(asked.get("code_challenge", "")):
        return "invalid_request", "PKCE with S256 is required."
    if not asked.get("nonce"):
        return "invalid_request", "A nonce is required."
    if "none" in asked.get("prompt", "").split():
        return "login_required", "Somebody has to pick an account."
    return None


def _proves(verifier: str, challenge: str) -> bool:
    """Say whether a code verifier fits its S256 challenge (RFC 7636 section 4.6)."""
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return _VERIFIER.fullmatch(verifier) is not None and hmac.compare_digest(made, challenge)


def _nrbac(role: AccountRole) -> dict[str, object]:
    """Give one entry of nhsid_nrbac_roles."""
    return {
        "person_orgid": role.id[:-4] + "9999",
        "person_roleid": role.id,
        "org_code": role.ods,
        "role_name": role.job.name,
        "role_code": role.job.code,
        "activity_codes": list(role.job.activities),
    }
