"""A trust's identity token, believed only as far as that trust may speak (OIDC Core section 3.1.3.7).

1. The issuer is peeked at, unverified, for one thing: to choose the registered provider whose keys must verify it.
2. Algorithm and key: asymmetric, and from that provider's own key set. A ``kid`` is looked up there and nowhere else.
3. The signature.
4. The claims: issuer again, now verified; an audience under which this service is known at that provider, and such a
   one as the one party it was issued to (``azp``), which a token for several audiences names: a token of another
   application says nothing here; no access token by its claims (``typ``, ``token_use``); expiry; an issue time that is
   neither ahead nor older than ``MAX_AGE``; a sign-in (``auth_time``) no older than the setting allows; no ``act``: a
   delegated token is not exchanged again; one name for the person (``sub``, and ``nhsid_useruid`` where it is there).
5. Neither the provider nor the person's account is suspended, and both admit a token issued then.
6. The acting organisation and role (cis2.py), and that this provider vouches for that organisation: a trust's own
   provider cannot make somebody act for another trust.

A verified token may be used again until it expires, by the client that used it first and no other (single_use.py): a
client that may ask about the person without it. In the hands of any other it becomes nobody's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from governance.federation import IdentityProvider, ServiceClient
from governance.tokens import _jose, cis2
from governance.tokens.access import AccessClaims
from governance.tokens.claims import (
    ClaimTable,
    among_audiences,
    array_value,
    begun,
    equals,
    expires,
    issued,
    one_of,
    party,
    refused,
    report,
    text,
)
from governance.tokens.errors import TokenFault, TokenRefused
from governance.tokens.jwks import RemoteKeySets
from governance.tokens.single_use import UsedToken
from governance.vocabulary import Role, SubjectType

ALGORITHMS = ("ES256", "ES384", "PS256", "RS256", "RS512")
MAX_AGE = 3600  # seconds; CIS2 identity tokens live an hour
FindProvider = Callable[[str], IdentityProvider | None]
Admits = Callable[[str, str, datetime], bool]


@dataclass(frozen=True, slots=True)
class VerifiedIdentity:
    """Somebody whose identity was verified. ``subject`` is the provider's own id for them, not a pseudonym.

    For a service acting for itself ``issuer`` is this service, ``role`` its kind, ``version`` the AI version it runs.
    ``named_by`` says in whose names ``subject`` is one: the trust's whose provider it is, or a national provider's own.
    ``token`` names the identity token it was read from, so that the token's next use is known; None for another.
    """

    subject: str
    type: SubjectType
    issuer: str
    ods: str
    role: Role
    assurance: int | None
    name: str | None = None
    version: str | None = None
    token: UsedToken | None = None
    named_by: str | None = None


class SubjectTokenVerifier:
    """Verifies identity tokens of registered providers.

    Args:
        find_provider: gives the registered provider of an issuer, None when there is none.
        key_sets: the providers' key sets.
        admits: says whether a token that an issuer issued for a subject at an instant counts.
        sign_in_age: seconds since the sign-in after which its tokens no longer count.
    """

    def __init__(self, find_provider: FindProvider, key_sets: RemoteKeySets, admits: Admits, sign_in_age: int) -> None:
        self._find_provider = find_provider
        self._key_sets = key_sets
        self._admits = admits
        self._sign_in_age = sign_in_age

    def verify(self, token: str, now: datetime) -> VerifiedIdentity:
        """Take an identity token and give who it is about (steps 1 to 6).

        Raises:
            TokenRefused: which check failed.
            Unavailable: the provider's keys cannot be had now.
        """
        unverified = _jose.parse(token)
        if unverified.media_type not in ("", "jwt"):
            raise TokenRefused(TokenFault.TYPE, "The subject token is not an identity token.")
        provider = self._provider(unverified.claims.get("iss"))  # step 1
        if unverified.algorithm not in ALGORITHMS:
            raise TokenRefused(TokenFault.ALGORITHM, "The token's signature algorithm is not accepted here.")
        keys = self._key_sets.keys(provider.jwks_uri, unverified.kid, now)
        claims = _jose.verify(unverified, _jose.select_key(keys, unverified, ALGORITHMS))  # steps 2 and 3
        report("id_token", _table(provider, self._sign_in_age).verify(claims, int(now.timestamp())))  # step 4
        _require_agreement(claims)
        if not self._admits(provider.issuer, claims["sub"], datetime.fromtimestamp(claims["iat"], UTC)):  # step 5
            raise TokenRefused(TokenFault.REVOKED, "The subject token's issuer or person was suspended or ended.")
        return replace(_identity(provider, claims), token=UsedToken(unverified.signed, claims["exp"]))

    def _provider(self, unverified_issuer: object) -> IdentityProvider:
        found = self._find_provider(unverified_issuer) if isinstance(unverified_issuer, str) else None
        if found is None:
            raise TokenRefused(TokenFault.ISSUER, "The subject token is not from a registered identity provider.")
        return found


def _require_agreement(claims: Mapping[str, Any]) -> None:
    """Refuse claims of step 4 that are right one by one and not together (OIDC Core section 3.1.3.7, point 4)."""
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if len(set(audiences)) > 1 and "azp" not in claims:
        raise TokenRefused(TokenFault.AUDIENCE, "The token is for several audiences and names no azp.")
    if claims.get("nhsid_useruid", claims["sub"]) != claims["sub"]:
        raise TokenRefused(TokenFault.CLAIM, "The claims sub and nhsid_useruid of the token name two people.")


def _identity(provider: IdentityProvider, claims: Mapping[str, Any]) -> VerifiedIdentity:
    acting = cis2.acting_role(claims)
    if not provider.vouches_for(acting.ods):  # step 6
        raise TokenRefused(TokenFault.ORGANISATION, "The identity provider does not speak for that organisation.")
    return VerifiedIdentity(
        subject=claims["sub"],
        type=SubjectType.PRACTITIONER,
        issuer=provider.issuer,
        ods=acting.ods,
        role=acting.role,
        assurance=cis2.assurance(claims),
        name=claims.get("name"),
        named_by=provider.names,
    )


def identity_of(claims: AccessClaims, issuer: str, client: ServiceClient | None) -> VerifiedIdentity:
    """Give who a live access token of ours is about, to the client it was issued to or is addressed to.

    Raises:
        TokenRefused: it is another client's, or names no organisation or role.
    """
    own = client is not None and (claims.client_id == client.client_id or claims.audience == client.token_audience)
    if not own:
        raise TokenRefused(TokenFault.CLIENT, "The access token was issued to another client, for another archive.")
    try:
        role = Role(claims.role or claims.subject_type.value)
    except ValueError:
        raise TokenRefused(TokenFault.ROLE, "The access token names no role.") from None
    if claims.ods is None:
        raise TokenRefused(TokenFault.ORGANISATION, "The access token names no organisation.")
    return VerifiedIdentity(
        claims.subject, claims.subject_type, issuer, claims.ods, role, None, named_by=claims.named_by or claims.ods
    )


def _table(provider: IdentityProvider, sign_in_age: int) -> ClaimTable:
    return ClaimTable(
        kind="id_token",
        required_verified={
            "iss": equals(provider.issuer, TokenFault.ISSUER),
            "aud": among_audiences(provider.audiences),
            "exp": expires(),
            "iat": issued(max_age=MAX_AGE),
            "sub": text,
        },
        required_unverified=frozenset({"selected_roleid", "nhsid_nrbac_roles"}),  # cis2.py reads them
        optional={
            "act": refused(TokenFault.DELEGATED),
            "may_act": refused(TokenFault.DELEGATED),
            "auth_time": issued(max_age=sign_in_age),
            "azp": party(provider.audiences),
            "name": text,
            "nbf": begun,
            "nhsid_useruid": text,
            "nhsid_user_orgs": array_value,
            "token_use": one_of("id"),
            "typ": one_of("id", "jwt"),
        },
        unchecked=frozenset(
            {
                "acr",
                "amr",
                "at_hash",
                "authentication_assurance_level",
                "c_hash",
                "display_name",
                "email",
                "family_name",
                "given_name",
                "idassurancelevel",
                "jti",
                "nonce",
                "sid",
                "title",
                "uid",
            }
        ),
    )
