"""What a message says: a reference, a link and an end, in plain English. No name, no patient, no trust."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from governance.clock import LONDON
from governance.inquiries.inquiry import Asked, Inquiry, Message
from governance.inquiries.recipients import MAILBOX, Told

REMINDER = "reminder"
ASK = "ask"


@dataclass(frozen=True, slots=True)
class Letter:
    """One message as a channel sends it.

    Args:
        id: the same however often it is sent.
        event: what happened, for programs: ``inquiry.asked`` or ``inquiry.reminded``.
        reference: of the inquiry.
        link: where it is answered.
        answer_by: the end.
        subject, text: the same for people.
        address: where a mail goes; None for a channel without addresses.
    """

    id: str
    event: str
    reference: str
    link: str
    answer_by: datetime
    subject: str
    text: str
    address: str | None = field(default=None, repr=False)


def letter(message: Message, inquiry: Inquiry, base_url: str, told: Told | None) -> Letter:
    """Write a message of an inquiry.

    Args:
        message: which one.
        inquiry: what it asks.
        base_url: the service's public address.
        told: who gets it; None for a channel without addresses.
    """
    link = f"{base_url}/console/asked/{inquiry.reference}"
    to = message.to if told is None else told.to
    subject, first = _opening(to, reminder=message.kind == REMINDER)
    by = inquiry.expires_at.astimezone(LONDON)
    return Letter(
        id=message.id,
        event="inquiry.reminded" if message.kind == REMINDER else "inquiry.asked",
        reference=inquiry.reference,
        link=link,
        answer_by=inquiry.expires_at,
        subject=subject,
        text=_TEXT.format(first=first, link=link, reference=inquiry.reference, by=f"{by.day} {by:%B %Y}"),
        address=None if told is None else told.address,
    )


def _opening(to: str, *, reminder: bool) -> tuple[str, str]:
    """Give the subject and the first paragraph."""
    if to == MAILBOX:
        return "A question for a member of your staff", _TO_MAILBOX
    if to == Asked.MANAGER.value:
        return "A question about somebody in your team", _MANAGER_REMINDED if reminder else _TO_MANAGER
    if reminder:
        return "Reminder: a question about images you opened", _REMINDED
    return "A question about images you opened", _TO_PERSON


_TO_PERSON = "We would like to ask you about images that were opened in your name."
_REMINDED = """\
A few days ago we asked you about images that were opened in your name. Your answer is not here yet."""
_TO_MANAGER = "We would like to ask you about images that a member of your team opened."
_MANAGER_REMINDED = """\
A member of your team was asked about images that they opened, and has not answered yet. Please answer for them, or ask
them to."""
_TO_MAILBOX = """\
There is a question about images that a member of your staff opened, and no address of theirs is on file here. Please
look up in the console whom it is for, and hand this message on."""
_TEXT = """\
{first}

Nobody has decided anything. Most questions like this have a good answer that is not on record yet.

Please sign in with your usual trust account and answer by {by}:

{link}

Reference: {reference}

This message holds no details on purpose, and its link opens only for the person who was asked. Please do not reply
with anything about a patient. If you did not expect this message, ask your trust's privacy team about the reference.
"""
