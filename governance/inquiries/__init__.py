"""Inquiries: asking people, the same night, why they opened what nobody knows a reason for.

Rules of this room:

1. An inquiry is about one person's looks at one patient, and there is one open at a time. It asks the person, or their
   manager in their place; a reminder goes to the manager, who may answer from then on.
2. A message holds a reference and a link, and nothing else: no name, no patient, no trust. Its address is opened when
   it is sent and kept nowhere else.
3. Delivery is at least once: a message is sent again when nobody knows whether it was. Each carries an id that stays
   the same, so that whoever gets it twice can tell. What is claimed by one process is sent by no other meanwhile.
4. Whoever was asked answers once, within 14 days, signed in; anybody else finds nothing there. Nobody is asked, and
   nobody answers, about their own record.
5. An officer confirms or rejects an answer, never one of their own. Confirmed, it explains this person's looks at this
   patient around those days and nothing else. It is no relationship: decisions are made below this room and cannot
   see it, so that no answer ever opens anything.
6. Every step is in the audit log, in the same transaction. The words of an answer are sealed for who gave them.

Example: ``inquiries.open_in(session, subject=who, patient=whom, looks=[41], why="No reason is on record.")``.
"""

from governance.inquiries.asking import Inquiries
from governance.inquiries.inquiry import (
    AnswerCode,
    Asked,
    Confirmed,
    Identity,
    Inquiry,
    InquiryState,
    LookSeen,
    Message,
    MessageState,
    Pace,
)
from governance.inquiries.letters import Letter
from governance.inquiries.outbox import Channel, NotDelivered, Outbox
from governance.inquiries.recipients import Recipients, Told
from governance.inquiries.tending import Tending

__all__ = [
    "AnswerCode",
    "Asked",
    "Channel",
    "Confirmed",
    "Identity",
    "Inquiries",
    "Inquiry",
    "InquiryState",
    "Letter",
    "LookSeen",
    "Message",
    "MessageState",
    "NotDelivered",
    "Outbox",
    "Pace",
    "Recipients",
    "Tending",
    "Told",
]
