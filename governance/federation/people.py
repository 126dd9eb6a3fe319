"""The people of the network: staff as trusts report them, and the accounts of the console."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date

from governance.vocabulary import Role


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A member of staff, by pseudonym ``s-…``.

    ``role`` is a role code; one outside the vocabulary is kept, and no agreement covers it. ``patient_key`` is the
    pseudonym ``p-…`` of the patient this person is. The other keys are keyed hashes made at the source trust,
    ``surname_share`` the share of people with that surname, 0 to 1. ``manager`` is the pseudonym ``s-…`` of who they
    answer to at their trust. Training counts through ``training_valid_to``, employment through ``leaves_on``.
    ``issuer`` is the national issuer that names them, empty when their trust's own does: a person is (issuer, subject),
    and one trust's ``jsmith`` is not another's. ``in_force`` is said by their standing (standing.py), never by a feed.
    ``contact`` is the mail address that a line of the feed brings: None when it says nothing of one, empty when there
    is none any more; nothing that is on file has it (contacts.py).
    """

    id: str
    ods: str
    role: str
    department: str | None = None
    manager: str | None = None
    site: str | None = None
    team_ids: tuple[str, ...] = ()
    patient_key: str | None = None
    household_key: str | None = None
    surname_key: str | None = None
    surname_share: float | None = None
    postcode_key: str | None = None
    training_valid_to: date | None = None
    leaves_on: date | None = None
    issuer: str = ""
    in_force: bool = field(default=True, compare=False)
    contact: str | None = field(default=None, compare=False, repr=False)

    @property
    def named_by(self) -> str:
        """Give in whose names ``id`` is one: the trust's ODS code, or a national issuer."""
        return self.issuer or self.ods

    def training_valid(self, on: date) -> bool | None:
        """Say whether training is in date on a day; None when nobody said."""
        return None if self.training_valid_to is None else on <= self.training_valid_to

    def employed(self, on: date) -> bool:
        """Say whether the person has not left by a day."""
        return self.leaves_on is None or on <= self.leaves_on


def chosen(namesakes: Iterable[StaffMember], ods: str | None, named_by: str | None = None) -> StaffMember | None:
    """Choose a member of staff among those of one pseudonym; None when it could be several people.

    Args:
        namesakes: the members of staff.
        ods: the trust they are to be staff of; None for the only person of that pseudonym, whatever their trust.
        named_by: in whose names they are called so; None for the trust's own before a national issuer.
    """
    found = sorted(
        (one for one in namesakes if ods in {None, one.ods} and named_by in {None, one.named_by}),
        key=lambda one: (one.issuer, one.ods),
    )
    if ods is None and len({one.named_by for one in found}) > 1:
        return None
    return found[0] if found and (found[0].issuer == "" or len({one.issuer for one in found}) == 1) else None


def recorded(namesakes: Collection[StaffMember], ods: str | None) -> StaffMember | None:
    """Choose the member of staff that a record means by pseudonym and trust.

    Who is named by a national issuer is the same person at whichever trust they act.
    """
    national = [one for one in namesakes if one.issuer]
    return chosen(namesakes, ods) or chosen(national, None)


@dataclass(frozen=True, slots=True)
class Called:
    """Somebody on file of some pseudonym: in whose names, of which trust, and the last day, None while none is known.

    Who is called so in one trust's names, or by one national issuer, is one person at however many places.
    """

    named_by: str
    ods: str
    until: date | None

    def there(self, on: date) -> bool:
        """Say whether they have not gone by a day."""
        return self.until is None or on <= self.until


@dataclass(frozen=True, slots=True)
class Person:
    """A console account: who signs in, at which identity provider, for which organisation, in which roles.

    ``subject`` is the pseudonym ``s-…`` of the identity provider's subject.
    """

    issuer: str
    subject: str
    ods: str
    roles: frozenset[Role]
