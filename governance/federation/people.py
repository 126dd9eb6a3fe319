"""The people of the network: staff as trusts report them, and the accounts of the console."""

from dataclasses import dataclass
from datetime import date

from governance.vocabulary import Role


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A member of staff, by pseudonym ``s-…``.

    ``role`` is a role code; one outside the vocabulary is kept, and no agreement covers it. ``patient_key`` is the
    pseudonym ``p-…`` of the patient this person is. The other keys are keyed hashes made at the source trust,
    ``surname_share`` the share of people with that surname, 0 to 1. Training counts through ``training_valid_to``,
    employment through ``leaves_on``.
    """

    id: str
    ods: str
    role: str
    department: str | None = None
    site: str | None = None
    team_ids: tuple[str, ...] = ()
    patient_key: str | None = None
    household_key: str | None = None
    surname_key: str | None = None
    surname_share: float | None = None
    postcode_key: str | None = None
    training_valid_to: date | None = None
    leaves_on: date | None = None

    def training_valid(self, on: date) -> bool | None:
        """Say whether training is in date on a day; None when nobody said."""
        return None if self.training_valid_to is None else on <= self.training_valid_to

    def employed(self, on: date) -> bool:
        """Say whether the person has not left by a day."""
        return self.leaves_on is None or on <= self.leaves_on


@dataclass(frozen=True, slots=True)
class Person:
    """A console account: who signs in, at which identity provider, for which organisation, in which roles.

    ``subject`` is the pseudonym ``s-…`` of the identity provider's subject.
    """

    issuer: str
    subject: str
    ods: str
    roles: frozenset[Role]
