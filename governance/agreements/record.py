"""What belongs to an agreement's text: keys, signatures, status, history, and who acts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from governance.agreements.model import Agreement
from governance.errors import NotFound
from governance.vocabulary import AgreementStatus


class Algorithm(StrEnum):
    """Signature algorithms a party key may have (RFC 9864 and RFC 7518 names)."""

    ED25519 = "Ed25519"
    ES256 = "ES256"


@dataclass(frozen=True, slots=True)
class PartyKey:
    """A signatory's registered public key: ``name`` and ``role`` say who holds it, ``public_key`` is PEM."""

    key_id: str
    ods: str
    name: str
    role: str
    algorithm: Algorithm
    public_key: str
    registered_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """A party's signature (base64url) over the canonical text of one version."""

    ods: str
    name: str
    role: str
    key_id: str
    algorithm: Algorithm
    signature: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """One version on file: its text, its signatures and its state.

    ``valid`` names the parties whose signature verifies now under a key that is not revoked; ``superseded_by`` is the
    version that took its place.
    """

    agreement: Agreement
    text: str
    text_hash: str
    status: AgreementStatus
    status_reason: str | None
    status_changed_at: datetime
    loaded_at: datetime
    superseded_by: int | None
    signatures: tuple[Signature, ...]
    valid: frozenset[str]

    @property
    def missing(self) -> tuple[str, ...]:
        """Give the parties whose valid signature is still wanted, sorted."""
        return tuple(sorted(self.agreement.signatories - self.valid))

    @property
    def in_force(self) -> bool:
        """Say whether the policy may permit anything under it: active, and every party's signature verifies."""
        return self.status is AgreementStatus.ACTIVE and not self.missing


@dataclass(frozen=True, slots=True)
class Line:
    """An agreement in one line: the title and the status of the version that speaks for it now."""

    title: str
    status: AgreementStatus


@dataclass(frozen=True, slots=True)
class Change:
    """One step in the life of a version; ``sequence`` orders all changes of the region."""

    sequence: int
    agreement: str | None
    version: int | None
    transition: str
    status: AgreementStatus | None
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes an agreement; ``ods`` None acts for the whole network (its office, or an operator on the host)."""

    id: str
    kind: Literal["service", "person"]
    ods: str | None


def speaks(version: int, status: AgreementStatus, superseded_by: int | None) -> tuple[bool, bool, bool, int]:
    """Rank the versions of one agreement: the one that speaks for it now comes highest."""
    return superseded_by is None, status is AgreementStatus.ACTIVE, status is AgreementStatus.SUSPENDED, version


def chosen(versions: Iterable[Record], version: int | None = None) -> Record:
    """Give the version with a number; without a number the one that speaks for the agreement now. Raises NotFound."""
    found = [one for one in versions if version in {None, one.agreement.version}]
    if not found:
        raise NotFound("agreement.unknown", "There is no such agreement or version.")
    return max(found, key=lambda one: speaks(one.agreement.version, one.status, one.superseded_by))
