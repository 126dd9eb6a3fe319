"""Request and response bodies of agreements and of signatories' keys."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from governance.agreements import Algorithm, Change, PartyKey, Record, Signature, plain_english, summary
from governance.vocabulary import AgreementStatus, PartyRole

Ods = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{3,10}$")]
Version = Annotated[int, Field(ge=1, le=9999)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ListQuery(_Request):
    """Which agreements to list; ``cursor`` is ``next`` of the page before."""

    status: AgreementStatus | None = None
    ods: Ods | None = None
    cursor: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}\.[0-9]{1,4}$")] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class VersionQuery(_Request):
    """Which version; the one that speaks for the agreement now when none is named."""

    version: Version | None = None


class KeyQuery(_Request):
    """Whose keys; everybody's when nobody is named."""

    ods: Ods | None = None


class SignRequest(_Request):
    """A signature (base64url, 64 bytes) by a registered key over ``canonical_text`` of the version."""

    version: Version
    key_id: Annotated[str, StringConstraints(max_length=64)]
    signature: Annotated[str, StringConstraints(max_length=128)]


class ActivateRequest(_Request):
    """The version to bring into force."""

    version: Version
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None


class EndRequest(_Request):
    """The version to suspend or terminate, and why; the reason must name no patient."""

    version: Version
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class KeyRequest(_Request):
    """A signatory's public key in PEM (Ed25519 or P-256)."""

    ods: Ods
    name: str
    role: str
    public_key: Annotated[str, StringConstraints(max_length=4000)]


class PartyView(BaseModel):
    """A party and its role."""

    ods: str
    role: PartyRole


class SignatureView(BaseModel):
    """A signature; ``counts`` says whether it verifies now under a key that is not revoked."""

    ods: str
    name: str
    role: str
    key_id: str
    algorithm: Algorithm
    signature: str
    signed_at: datetime
    counts: bool


class AgreementLine(BaseModel):
    """A version in a list; ``in_force`` is active and signed by every party."""

    id: str
    version: int
    title: str
    status: AgreementStatus
    status_reason: str | None
    status_changed_at: datetime
    in_force: bool
    effective_from: date
    effective_to: date
    review_date: date
    parties: list[PartyView]
    missing_signatures: list[str]
    superseded_by: int | None
    text_hash: str
    summary: str


class AgreementView(AgreementLine):
    """A version whole: the document, the text to sign, its signatures, and what it says in plain English."""

    loaded_at: datetime
    document: dict[str, Any]
    canonical_text: str
    plain_english: str
    signatures: list[SignatureView]


class AgreementPage(BaseModel):
    """A page of agreements; ``next`` is the cursor of the following one, null at the end."""

    agreements: list[AgreementLine]
    next: str | None


class VersionList(BaseModel):
    """Every version of an agreement, oldest first."""

    versions: list[AgreementLine]


class ChangeView(BaseModel):
    """One step in the life of a version."""

    sequence: int
    version: int | None
    transition: str
    status: AgreementStatus | None
    reason: str | None
    at: datetime


class ChangeList(BaseModel):
    """The history of an agreement, oldest first; who took a step is in the audit log."""

    changes: list[ChangeView]


class KeyView(BaseModel):
    """A registered key."""

    key_id: str
    ods: str
    name: str
    role: str
    algorithm: Algorithm
    public_key: str
    registered_at: datetime
    revoked_at: datetime | None


class KeyList(BaseModel):
    """Registered keys, oldest first."""

    keys: list[KeyView]


def line_of(record: Record) -> AgreementLine:
    """Show a version in a list."""
    return AgreementLine(**_line(record))


def view_of(record: Record, document: dict[str, Any]) -> AgreementView:
    """Show a version whole."""
    return AgreementView(
        **_line(record),
        loaded_at=record.loaded_at,
        document=document,
        canonical_text=record.text,
        plain_english=plain_english(record.agreement),
        signatures=[_signature(signature, record) for signature in record.signatures],
    )


def change_of(change: Change) -> ChangeView:
    """Show a step."""
    return ChangeView(
        sequence=change.sequence,
        version=change.version,
        transition=change.transition,
        status=change.status,
        reason=change.reason,
        at=change.at,
    )


def key_of(key: PartyKey) -> KeyView:
    """Show a key."""
    return KeyView(
        key_id=key.key_id,
        ods=key.ods,
        name=key.name,
        role=key.role,
        algorithm=key.algorithm,
        public_key=key.public_key,
        registered_at=key.registered_at,
        revoked_at=key.revoked_at,
    )


def _line(record: Record) -> dict[str, Any]:
    agreement = record.agreement
    return {
        "id": agreement.id,
        "version": agreement.version,
        "title": agreement.title,
        "status": record.status,
        "status_reason": record.status_reason,
        "status_changed_at": record.status_changed_at,
        "in_force": record.in_force,
        "effective_from": agreement.effective.from_,
        "effective_to": agreement.effective.to,
        "review_date": agreement.review_date,
        "parties": [PartyView(ods=party.ods, role=party.role) for party in agreement.parties],
        "missing_signatures": list(record.missing),
        "superseded_by": record.superseded_by,
        "text_hash": record.text_hash,
        "summary": summary(agreement),
    }


def _signature(signature: Signature, record: Record) -> SignatureView:
    return SignatureView(
        ods=signature.ods,
        name=signature.name,
        role=signature.role,
        key_id=signature.key_id,
        algorithm=signature.algorithm,
        signature=signature.signature,
        signed_at=signature.signed_at,
        counts=signature.ods in record.valid,
    )
