"""Clients prove who they are with a signed assertion: private_key_jwt (RFC 7523 section 3, OIDC Core section 9).

1. The assertion names one client as ``iss`` and ``sub``; a ``client_id`` in the form must be the same.
2. Its key is one of that client's registered public keys: a ``kid`` is looked up among them and nowhere else.
3. The algorithm is asymmetric and of our list; it must fit the key.
4. ``aud`` is our issuer or token endpoint, and nothing beside: an assertion made for somebody else opens nothing here.
5. It lives five minutes at most (ten for an edge: an OPA always signs for ten), and its ``jti`` is good once. The
   caller does the second half: it needs a write transaction.
6. An unknown client and a wrong signature are answered alike, byte for byte, after the same work (decoy_keys.py); what
   an answer explains depends on the assertion alone, or comes after its signature was found good.
7. A client that was suspended is not known. Of one whose assertions count only from an instant on, ``iat`` is required.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from governance.federation import ServiceClient, Standing
from governance.tokens import _jose, decoy_keys
from governance.tokens._jose import Unverified
from governance.tokens.claims import ClaimTable, begun, equals, expires, issued, only_audience, report, text
from governance.tokens.errors import OAuthError, OAuthErrorCode, TokenFault, TokenRefused
from governance.tokens.form import Form
from governance.vocabulary import Scope

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Every kind of key the federation registers; RS512 is what clients of the NHS API platform sign with.
ALGORITHMS = ("ES256", "ES384", "ES512", "EdDSA", "PS256", "RS256", "RS512")
LIFETIME = 300  # seconds
EDGE_LIFETIME = 600  # seconds; OPA (oauth2, signing_key) writes this and has no setting for it
_TYPES = frozenset({"", "jwt", "client-authentication+jwt"})


@dataclass(frozen=True, slots=True)
class Assertion:
    """A parsed, unverified assertion and the client it claims to be from."""

    unverified: Unverified
    client_id: str


@dataclass(frozen=True, slots=True)
class VerifiedAssertion:
    """The ``jti`` of a verified assertion, when it expires and when it says it was made, seconds since 1970."""

    jti: str
    expires_at: float
    issued_at: float | None


def read_assertion(form: Form) -> Assertion:
    """Take the assertion out of a form and see which client it names (rule 1); raises OAuthError."""
    if form.one("client_assertion_type") != ASSERTION_TYPE or form.one("client_secret") is not None:
        raise refused("Authenticate with a client_assertion of type jwt-bearer (private_key_jwt).", TokenFault.TYPE)
    try:
        unverified = _jose.parse(form.one("client_assertion") or "")
    except TokenRefused as error:
        if error.fault is TokenFault.NUMBER:
            raise OAuthError(OAuthErrorCode.INVALID_REQUEST, error.detail, cause=error.fault.value) from None
        raise refused("The client assertion cannot be read.", error.fault) from None
    named = unverified.claims.get("sub")
    if not isinstance(named, str) or unverified.claims.get("iss") != named:
        raise refused("The client assertion must name the client as both iss and sub.", TokenFault.ISSUER)
    if form.one("client_id") not in (None, named):
        raise refused("The client assertion names another client than client_id.", TokenFault.CLIENT)
    return Assertion(unverified, named)


def claimed_client(form: Form) -> str | None:
    """Give the client that a form says it is from, None when it does not say; nothing of it is proven."""
    try:
        named = _jose.parse(form.one("client_assertion") or "").claims.get("sub")
    except TokenRefused:
        named = None
    return named if isinstance(named, str) and named else form.one("client_id")


def verify_assertion(
    assertion: Assertion, client: ServiceClient | None, audiences: Collection[str], now: int
) -> VerifiedAssertion:
    """Verify an assertion with the keys of the client it names (rules 2 to 5).

    Args:
        assertion: what the form held.
        client: the registration under the named client id, None when there is none.
        audiences: our issuer and token endpoint.
        now: seconds since 1970.

    Raises:
        OAuthError: invalid_client, with the fault as its cause.
    """
    unverified = assertion.unverified
    if unverified.media_type not in _TYPES:
        raise refused("The client assertion is another kind of token.", TokenFault.TYPE)
    if client is None:
        raise _without_key(unverified, TokenFault.CLIENT)
    try:
        key = _jose.select_key(client.jwks.get("keys", ()), unverified, ALGORITHMS)
    except TokenRefused as error:
        raise _without_key(unverified, error.fault) from None
    try:
        claims = _jose.verify(unverified, key)
        report("client_assertion", _table(client, audiences).verify(claims, now))
    except TokenRefused as error:
        raise refused(_DESCRIPTIONS.get(error.fault, "The client assertion was not accepted."), error.fault) from None
    return VerifiedAssertion(claims["jti"], claims["exp"], claims.get("iat"))


def require_admitted(standing: Standing, verified: VerifiedAssertion) -> None:
    """Refuse an assertion made before the client's ``not_before``, or one that does not say when (rule 7)."""
    if standing.not_before is None:
        return
    if verified.issued_at is None:
        raise refused("The client assertion needs iat.", TokenFault.CLAIM_MISSING)
    if not standing.admits(datetime.fromtimestamp(verified.issued_at, UTC)):
        raise refused("The client assertion was not accepted.", TokenFault.REVOKED)


def _without_key(unverified: Unverified, fault: TokenFault) -> OAuthError:
    """Make the refusal of an assertion that no key on file may have signed, after the work a wrong signature takes."""
    decoy_keys.spend(unverified)
    return refused("The client assertion was not accepted.", fault)


def refused(description: str, fault: TokenFault) -> OAuthError:
    """Make the invalid_client error (RFC 6749 section 5.2)."""
    return OAuthError(OAuthErrorCode.INVALID_CLIENT, description, 401, cause=fault.value)


def _table(client: ServiceClient, audiences: Collection[str]) -> ClaimTable:
    edge = Scope.BUNDLES_READ.value in client.scopes
    return ClaimTable(
        kind="client_assertion",
        required_verified={
            "iss": equals(client.client_id, TokenFault.ISSUER),
            "sub": equals(client.client_id, TokenFault.CLIENT),
            "aud": only_audience(audiences),
            "exp": expires(within=EDGE_LIFETIME if edge else LIFETIME),
            "jti": text,
        },
        optional={"iat": issued(), "nbf": begun},
        unchecked=frozenset({"scope"}) if edge else frozenset(),  # OPA repeats the form's scope, which is what counts
    )


# What a client developer can put right; nothing here depends on which clients or keys exist.
_DESCRIPTIONS = {
    TokenFault.AUDIENCE: "The client assertion's aud must be this issuer or its token endpoint, and nothing else.",
    TokenFault.CLAIM_MISSING: "The client assertion needs iss, sub, aud, exp and jti.",
    TokenFault.EXPIRED: "The client assertion has expired.",
    TokenFault.ISSUED_AT: "The client assertion's iat is in the future.",
    TokenFault.LIFETIME: "The client assertion may live five minutes at most.",
}
