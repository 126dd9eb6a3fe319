"""What is known of a patient that bears on access: ties as keyed hashes, flags, and the national data opt-out."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class PatientFlag(StrEnum):
    """A marking of a patient; the flag is itself sensitive."""

    DECEASED = "deceased"
    INCIDENT = "incident"
    VIP = "vip"


@dataclass(frozen=True, slots=True)
class PatientContext:
    """A patient, by pseudonym ``p-…``.

    The keys are keyed hashes made at the source trust; ``surname_share`` is the share of people with that surname, 0
    to 1. ``staff`` is the pseudonym ``s-…`` of the member of staff the patient is. ``opt_out`` is the national data
    opt-out as it was checked at ``opt_out_checked_at``; both are None when nobody checked or the check is too old.
    """

    patient: str
    household_key: str | None = None
    surname_key: str | None = None
    surname_share: float | None = None
    postcode_key: str | None = None
    staff: str | None = None
    flags: frozenset[PatientFlag] = frozenset()
    deceased_on: date | None = None
    opt_out: bool | None = None
    opt_out_checked_at: datetime | None = None
