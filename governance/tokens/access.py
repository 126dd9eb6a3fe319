"""The access token: what it grants, what it says, and how it is read back (RFC 9068, RFC 8693, RFC 9396, IHE IUA).

1. One audience, one subject, at most one study. What opens a study names the decision, the agreement, its version and
   its clause, or it cannot be made.
2. A token that opens a study lives 120 seconds at most; one for this service's own API five minutes, the longest
   lifetime IHE IUA recommends (ITI-71).
3. The IUA extension repeats what other claims say, for clients that read only it: nothing here ever reads it back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from governance.tokens.claims import (
    Check,
    ClaimTable,
    array_value,
    begun,
    equals,
    expires,
    issued,
    object_value,
    only_audience,
    text,
)
from governance.tokens.errors import TokenFault, TokenRefused
from governance.vocabulary import Action, Purpose, Role, SubjectType, study_uid

STUDY_TYPE = "imaging_study"  # our authorization_details type (RFC 9396 section 2)
MEDIA_TYPE = "at+jwt"  # RFC 9068 section 2.1
STUDY_SECONDS = 120
API_SECONDS = 300
_ODS_SYSTEM = "https://fhir.nhs.uk/Id/ods-organization-code"
_ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_ROLE_SYSTEM = "urn:imaging-governance:role"


@dataclass(frozen=True, slots=True)
class AgreementReference:
    """The signed clause on which a token rests."""

    id: str
    version: str
    clause: str


@dataclass(frozen=True, slots=True)
class StudyAuthorization:
    """What may be done with one study and why."""

    study_uid: str
    actions: tuple[Action, ...]
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class AccessGrant:
    """Everything that goes into an access token; raises ValueError when it breaks rule 1 of this module.

    ``actor`` is the client that acts for the subject (RFC 8693 section 4.1), ``confirmation`` the thumbprint of the
    key the token is bound to (RFC 9449 section 6.1), ``seconds`` the wanted lifetime, cut to rule 2. A ``jti`` given
    beforehand lets the intent be recorded before the token exists. ``named_by`` says in whose names a person's
    pseudonym is one, ``subject_issuer`` which identity provider vouched for them: the token dies with it, and with
    their account.
    """

    subject: str
    subject_type: SubjectType
    client_id: str
    audience: str
    scopes: frozenset[str]
    seconds: int
    subject_issuer: str | None = None
    ods: str | None = None
    role: Role | None = None
    actor: str | None = None
    study: StudyAuthorization | None = None
    agreement: AgreementReference | None = None
    decision_id: str | None = None
    confirmation: str | None = None
    jti: str | None = None
    named_by: str | None = None

    def __post_init__(self) -> None:
        if self.study is not None and (self.agreement is None or not self.decision_id or not self.study.actions):
            raise ValueError("a token that opens a study names its actions, its decision and its agreement")
        if self.seconds < 1:
            raise ValueError("a token lives one second at least")

    @property
    def lifetime(self) -> int:
        """Give the lifetime in seconds, cut to what rule 2 allows."""
        return min(self.seconds, API_SECONDS if self.study is None else STUDY_SECONDS)


class MintedToken(NamedTuple):
    """A signed token, its id, and how many seconds it lives."""

    token: str
    jti: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """An answer of the token endpoint (RFC 6749 section 5.1, RFC 8693 section 2.2.1)."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str
    issued_token_type: str | None = None

    def as_dict(self) -> dict[str, object]:
        """Give the JSON members; ``issued_token_type`` only after an exchange."""
        members: dict[str, object] = {
            "access_token": self.access_token,
            "token_type": self.token_type,
            "expires_in": self.expires_in,
            "scope": self.scope,
        }
        if self.issued_token_type is not None:
            members["issued_token_type"] = self.issued_token_type
        return members


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """An access token of ours, verified. ``claims`` is the whole payload, for introspection, ``kid`` its key's id."""

    subject: str
    subject_type: SubjectType
    client_id: str
    audience: str
    scopes: frozenset[str]
    jti: str
    issued_at: int
    expires_at: int
    ods: str | None
    role: str | None
    actor: str | None
    study: StudyAuthorization | None
    agreement: AgreementReference | None
    decision_id: str | None
    confirmation: str | None
    claims: Mapping[str, Any]
    named_by: str | None = None
    subject_issuer: str | None = None
    kid: str = ""


def claims_of(grant: AccessGrant, issuer: str, jti: str, issued_at: int) -> dict[str, Any]:
    """Build the claims of a token; ``issued_at`` is seconds since 1970."""
    made: dict[str, Any] = {
        "iss": issuer,
        "sub": grant.subject,
        "aud": grant.audience,
        "client_id": grant.client_id,
        "iat": issued_at,
        "exp": issued_at + grant.lifetime,
        "jti": jti,
        "scope": " ".join(sorted(grant.scopes)),
        "subject_type": grant.subject_type.value,
        "subject_issuer": grant.subject_issuer,
        "ods": grant.ods,
        "role": grant.role.value if grant.role else None,
        "act": {"sub": grant.actor} if grant.actor else None,
        "decision_id": grant.decision_id,
        "named_by": grant.named_by,
        "cnf": {"jkt": grant.confirmation} if grant.confirmation else None,
    }
    if grant.agreement is not None:
        reference = grant.agreement
        made["agreement"] = {"id": reference.id, "version": reference.version, "clause": reference.clause}
    if grant.study is not None:
        made["authorization_details"] = [_details(grant.study)]
        made["extensions"] = {"ihe_iua": _iua(grant, grant.study)}
    return {name: value for name, value in made.items() if value is not None}


@lru_cache(maxsize=64)
def table(issuer: str, audience: str | None) -> ClaimTable:
    """Give the claim table of our access tokens; any one audience when none is named."""
    one: Check = text if audience is None else only_audience({audience})
    return ClaimTable(
        kind="access_token",
        required_verified={
            "iss": equals(issuer, TokenFault.ISSUER),
            "aud": one,
            "exp": expires(within=API_SECONDS),
            "iat": issued(max_age=API_SECONDS),
            "sub": text,
            "client_id": text,
            "jti": text,
            "subject_type": _subject_type,
        },
        required_unverified=frozenset({"scope"}),
        optional={
            "nbf": begun,
            "subject_issuer": text,
            "ods": text,
            "role": text,
            "act": object_value,
            "cnf": object_value,
            "agreement": object_value,
            "authorization_details": array_value,
            "decision_id": text,
            "named_by": text,
        },
        unchecked=frozenset({"extensions"}),
    )


def read(claims: Mapping[str, Any], kid: str = "") -> AccessClaims:
    """Read claims, verified by a key, into their type; raises TokenRefused when one has not the shape we make."""
    try:
        return AccessClaims(
            subject=claims["sub"],
            subject_type=SubjectType(claims["subject_type"]),
            client_id=claims["client_id"],
            audience=claims["aud"],
            scopes=frozenset(claims["scope"].split()),
            jti=claims["jti"],
            issued_at=int(claims["iat"]),
            expires_at=int(claims["exp"]),
            ods=claims.get("ods"),
            role=claims.get("role"),
            actor=claims["act"]["sub"] if "act" in claims else None,
            study=_study(claims["authorization_details"]) if "authorization_details" in claims else None,
            agreement=AgreementReference(**claims["agreement"]) if "agreement" in claims else None,
            decision_id=claims.get("decision_id"),
            confirmation=claims["cnf"]["jkt"] if "cnf" in claims else None,
            claims=claims,
            named_by=claims.get("named_by"),
            subject_issuer=claims.get("subject_issuer"),
            kid=kid,
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise TokenRefused(TokenFault.CLAIM, "A claim of the token has not the shape it needs.") from None


def _study(details: list[Mapping[str, Any]]) -> StudyAuthorization:
    (only,) = details
    if only["type"] != STUDY_TYPE:
        raise ValueError("an authorization of another type")
    actions = tuple(Action(action) for action in only["actions"])
    return StudyAuthorization(study_uid(only["study_uid"]), actions, Purpose(only["purpose"]))


def _details(study: StudyAuthorization) -> dict[str, object]:
    return {
        "type": STUDY_TYPE,
        "actions": [action.value for action in study.actions],
        "study_uid": study.study_uid,
        "purpose": study.purpose.value,
    }


def _iua(grant: AccessGrant, study: StudyAuthorization) -> dict[str, object]:
    """Give the ITI-71 JWT extension (IHE IUA section 3.71.4.2.2.1.1)."""
    extension: dict[str, object] = {"purpose_of_use": [{"system": _ACT_REASON, "code": study.purpose.value}]}
    if grant.ods:
        extension["subject_organization_id"] = f"{_ODS_SYSTEM}|{grant.ods}"
    if grant.role:
        extension["subject_role"] = {"system": _ROLE_SYSTEM, "code": grant.role.value}
    return extension


def _subject_type(value: object, _now: int) -> TokenFault | None:
    return None if value in set(SubjectType) else TokenFault.CLAIM
