"""How a relying party proves itself at the token endpoint (OpenID Connect Core section 9)."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from threading import Lock
from urllib.parse import unquote_plus

import jwt
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from governance.simulation.identity_provider.accounts import ClientRegistration

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ALGORITHMS = ["ES256", "PS256", "RS256"]


class ClientRefused(Exception):
    """The client did not prove itself (invalid_client)."""


class ClientAuthenticator:
    """Checks the credentials that come with a token request.

    Args:
        clients: the registrations, by client id.
    """

    def __init__(self, clients: Mapping[str, ClientRegistration]) -> None:
        self._clients = clients
        self._used: set[tuple[str, str]] = set()
        self._lock = Lock()

    def authenticate(self, form: Mapping[str, str], authorization: str, audiences: list[str]) -> ClientRegistration:
        """Find the client of a token request, by the one method it is registered with.

        Args:
            form: the parameters.
            authorization: the Authorization header, empty when there is none.
            audiences: what a client assertion may be addressed to.

        Raises:
            ClientRefused: no such client, or its proof is wrong.
        """
        basic_id, basic_secret = _basic(authorization)
        client_id = basic_id or form.get("client_id") or _named(form.get("client_assertion", ""))
        client = self._clients.get(client_id)
        if client is None:
            raise ClientRefused("unknown client")
        if client.authentication == "none":
            return client
        if client.authentication == "private_key_jwt":
            self._check_assertion(client, form, audiences)
            return client
        given = basic_secret if client.authentication == "client_secret_basic" else form.get("client_secret", "")
        if not client.secret or not hmac.compare_digest(given.encode(), client.secret.encode()):
            raise ClientRefused("wrong secret")
        return client

    def _check_assertion(self, client: ClientRegistration, form: Mapping[str, str], audiences: list[str]) -> None:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise ClientRefused("no client assertion")
        assertion = form.get("client_assertion", "")
        try:
            kid = jwt.get_unverified_header(assertion).get("kid")
            keys = [key for key in (client.jwks or {}).get("keys", []) if kid is None or key.get("kid") == kid]
            if len(keys) != 1:
                raise ClientRefused("no such key")
            claims = jwt.decode(
                assertion,
                PyJWK(keys[0]),
                _ALGORITHMS,
                audience=audiences,
                issuer=client.client_id,
                options={"require": ["exp", "aud", "iss", "sub", "jti"]},
            )
        except PyJWTError:
            raise ClientRefused("the client assertion is not valid") from None
        used = (client.client_id, str(claims["jti"]))
        with self._lock:
            if claims["sub"] != client.client_id or used in self._used:
                raise ClientRefused("the client assertion was used before, or is another client's")
            self._used.add(used)


def _basic(authorization: str) -> tuple[str, str]:
    """Read HTTP Basic credentials, percent-decoded (RFC 6749 section 2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)


def _named(assertion: str) -> str:
    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except PyJWTError:
        return ""
    return str(claims.get("sub", ""))
