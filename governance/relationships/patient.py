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
    """What one trust says of a patient, by pseudonym ``p-…``; ``ods`` None says it for the region.

    The keys are keyed hashes made at the source trust; ``surname_share`` is the share of people with that surname, 0
    to 1. ``staff`` is the pseudonym ``s-…`` of the member of staff the patient is. ``opt_out`` is the national data
    opt-out as it was checked at ``opt_out_checked_at``; both are None when nobody checked. The opt-out is no trust's:
    there is one for the patient, whoever brings it.
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
    ods: str | None = None

    @property
    def says_something(self) -> bool:
        """Say whether there is anything in it beside an opt-out."""
        ties = (self.household_key, self.surname_key, self.surname_share, self.postcode_key, self.staff)
        return bool(self.flags) or self.deceased_on is not None or any(tie is not None for tie in ties)


@dataclass(frozen=True, slots=True)
class KnownPatient:
    """What is known of a patient: what each trust says, side by side, and the opt-out.

    One trust's word never hides another's: a mark or a tie that any of them reports is there. ``opt_out`` and
    ``opt_out_checked_at`` are None when nobody checked or the check is too old.
    """

    patient: str
    said: tuple[PatientContext, ...]
    opt_out: bool | None = None
    opt_out_checked_at: datetime | None = None

    @property
    def staff(self) -> frozenset[str]:
        """Give the pseudonyms of the members of staff the patient is."""
        return frozenset(one.staff for one in self.said if one.staff is not None)

    @property
    def flags(self) -> frozenset[PatientFlag]:
        """Give the marks that anybody set."""
        return frozenset(flag for one in self.said for flag in one.flags)

    @property
    def household_keys(self) -> frozenset[str]:
        """Give the households the patient is said to live in."""
        return frozenset(one.household_key for one in self.said if one.household_key is not None)

    @property
    def deceased_on(self) -> date | None:
        """Give the earliest day of death that anybody reports."""
        return min((one.deceased_on for one in self.said if one.deceased_on is not None), default=None)
