"""Who is asked, and where they are written to: the person, their manager, or their trust's privacy mailbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from sqlmodel import Session

from governance.federation import Contacts, FederationDirectory, StaffMember, chosen, recorded
from governance.inquiries.inquiry import Asked, Identity, Inquiry

ManagerOf: TypeAlias = Callable[[StaffMember], str | None]
MAILBOX = "mailbox"  # the privacy team of the trust, who hand the message on


@dataclass(frozen=True, slots=True)
class Told:
    """Who is written to (``person``, ``manager`` or ``mailbox``), and at which address."""

    to: str
    address: str


class Recipients:
    """Finds people and their addresses.

    Every method takes the caller's session first.

    Args:
        federation: knows the staff.
        contacts: opens their addresses.
        manager_of: gives the pseudonym of a member of staff's manager, if it is on file.
        mailboxes: the privacy mailbox of each trust that has one, by ODS code.
    """

    def __init__(
        self,
        federation: FederationDirectory,
        contacts: Contacts,
        manager_of: ManagerOf,
        mailboxes: Mapping[str, str],
    ) -> None:
        self._federation = federation
        self._contacts = contacts
        self._manager_of = manager_of
        self._mailboxes = mailboxes

    def member(self, session: Session, subject: str, ods: str | None) -> StaffMember | None:
        """Find the member of staff that a record means."""
        return recorded(self._federation.namesakes(session, subject), ods)

    def manager(self, session: Session, member: StaffMember) -> StaffMember | None:
        """Find the manager of a member of staff: somebody of the same trust, and nobody else's record."""
        name = self._manager_of(member)
        if name is None or name == member.id:
            return None
        return chosen(self._federation.namesakes(session, name), member.ods)

    def is_patient(self, session: Session, who: Identity, patient: str) -> bool:
        """Say whether somebody is the patient, by any of their places on file."""
        places = self._federation.namesakes(session, who.subject)
        return any(one.patient_key == patient and one.named_by == who.named_by for one in places)

    def told(self, session: Session, inquiry: Inquiry, to: str) -> Told | None:
        """Give where a message goes: the person's or manager's address, the privacy mailbox without one, or nowhere."""
        member = None if to == MAILBOX else self._of(session, inquiry, to)
        address = None if member is None else self._contacts.of(session, member)
        if address is not None:
            return Told(to, address)
        mailbox = self._mailboxes.get(inquiry.ods)
        return None if mailbox is None else Told(MAILBOX, mailbox)

    def _of(self, session: Session, inquiry: Inquiry, to: str) -> StaffMember | None:
        who = inquiry.manager if to == Asked.MANAGER.value else inquiry.person
        if who is None:
            return None
        found = self._federation.namesakes(session, who.subject)
        return chosen(found, inquiry.ods, who.named_by) or chosen(found, None, who.named_by)
