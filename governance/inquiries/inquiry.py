"""What an inquiry is, and what may become of it (pure)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from governance.errors import Conflict, Fault, InvalidInput

MAXIMUM_LOOKS = 200  # looks that one inquiry is about; the newest
MAXIMUM_WORDS = 2_000  # characters of an answer
MAXIMUM_REASON = 4_000  # characters of an officer's reason
MAXIMUM_WHY = 500  # characters of the sentence that says why somebody is asked
AROUND = timedelta(days=1)  # a confirmed answer covers the days that were asked about, and this much on either side


class Asked(StrEnum):
    """Who is asked."""

    MANAGER = "manager"
    PERSON = "person"


class AnswerCode(StrEnum):
    """What somebody answers."""

    ASKED_BY_COLLEAGUE = "asked_by_colleague"
    BY_MISTAKE = "by_mistake"
    OTHER = "other"
    SHOULD_NOT_HAVE = "should_not_have"
    TEACHING_OR_AUDIT = "teaching_or_audit"
    TREATING = "treating"

    @property
    def needs_words(self) -> bool:
        """Say whether the code says nothing by itself: which colleague, what else."""
        return self in {AnswerCode.ASKED_BY_COLLEAGUE, AnswerCode.OTHER}


class InquiryState(StrEnum):
    """Where an inquiry stands."""

    ANSWERED = "answered"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"
    OPEN = "open"
    REJECTED = "rejected"


class MessageState(StrEnum):
    """Where a message stands: ``dropped`` when the answer was there before it was sent."""

    DROPPED = "dropped"
    GIVEN_UP = "given_up"
    SENT = "sent"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take.

    Args:
        lifetime: from asking to the end, answered or not.
        remind_after: from asking, or the last reminder, to the next.
        reminders: how many at most.
    """

    lifetime: timedelta = timedelta(days=14)
    remind_after: timedelta = timedelta(days=3)
    reminders: int = 2


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who proved who they are: a pseudonym ``s-…``, and in whose names it is one (a trust, an issuer)."""

    subject: str
    named_by: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, by whom, when; the words are sealed for ``owner``, None when there were none."""

    code: AnswerCode
    by: Asked
    owner: str
    at: datetime
    sealed: str | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """What an officer made of an answer; ``index`` is that of a confirmation in the log: it is known from there on."""

    by: str
    at: datetime
    reason: str
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message of an inquiry, to whom by what channel, and what became of it."""

    id: str
    inquiry: int
    kind: str  # ask or reminder
    channel: str
    to: str  # person, manager or mailbox
    state: MessageState
    attempts: int
    due_at: datetime
    settled_at: datetime | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One question to somebody about their looks at one patient.

    Args:
        number: the order in which they were opened.
        reference: names it to people: 128 random bits.
        person: who looked, and for which trust (``ods``).
        patient: pseudonym ``p-…``.
        looks: log indexes.
        first_at, last_at: event time of the first and the last look.
        asked: who was asked.
        manager: who may answer in the person's place; None while no manager was asked.
        case: the alert it was asked from, if any.
        why: a sentence without any identifier.
        asked_by: pseudonym or client id; None when the service asked by itself.
        remind_at: when the next reminder is due; None when there will be none.
    """

    number: int
    reference: str
    person: Identity
    ods: str
    patient: str
    looks: tuple[int, ...]
    first_at: datetime
    last_at: datetime
    asked: Asked
    manager: Identity | None
    case: str | None
    why: str
    asked_by: str | None
    opened_at: datetime
    expires_at: datetime
    remind_at: datetime | None
    reminders: int
    state: InquiryState
    answer: Answer | None = None
    ruling: Ruling | None = None

    def open_to(self, who: Identity, now: datetime) -> Asked | None:
        """Say in which part somebody may open it now: as the person, as their manager, or not at all."""
        if now >= self.expires_at:
            return None
        if self.asked is Asked.PERSON and who == self.person:
            return Asked.PERSON
        return Asked.MANAGER if who == self.manager else None

    def standing(self, now: datetime) -> InquiryState:
        """Give the state as it is now: what was not answered in time is over, whether it was closed already or not."""
        over = self.state is InquiryState.OPEN and now >= self.expires_at
        return InquiryState.EXPIRED if over else self.state

    @property
    def covers(self) -> tuple[datetime, datetime]:
        """Give the instants from and until which a confirmation explains: whole days around those that were asked."""
        return _midnight(self.first_at.date()) - AROUND, _midnight(self.last_at.date()) + timedelta(days=1) + AROUND


@dataclass(frozen=True, slots=True)
class Confirmed:
    """An answer that an officer accepted: what it explains, and since which log index that is known.

    It explains looks of ``person`` at ``patient`` in ``[since, until)``.
    """

    reference: str
    person: Identity
    patient: str
    since: datetime
    until: datetime
    known_since: int

    def explains(self, at: datetime, index: int) -> bool:
        """Say whether it explains a look at an event time, as was known at a log index."""
        return self.since <= at < self.until and self.known_since < index


@dataclass(frozen=True, slots=True)
class LookSeen:
    """One look as it is shown to who is asked: what the person themselves saw of it, and no patient."""

    index: int
    at: datetime
    what: str
    modality: str | None
    body_part: str | None
    study_date: date | None
    custodian: str | None


def answered(inquiry: Inquiry, answer: Answer) -> Inquiry:
    """Answer an inquiry; raises Conflict for the second time."""
    if inquiry.state is not InquiryState.OPEN:
        raise Conflict("inquiry.answered", "This question was answered already.")
    return replace(inquiry, state=InquiryState.ANSWERED, answer=answer, remind_at=None)


def ruled(inquiry: Inquiry, ruling: Ruling, *, accepted: bool) -> Inquiry:
    """Confirm or reject an answer; raises Conflict when there is none, or it was done."""
    if inquiry.state is not InquiryState.ANSWERED:
        raise Conflict("inquiry.not_answered", "Only an answer that nobody has ruled on can be confirmed or rejected.")
    state = InquiryState.CONFIRMED if accepted else InquiryState.REJECTED
    return replace(inquiry, state=state, ruling=ruling)


def words_of(code: AnswerCode, text: str) -> str | None:
    """Take the words of an answer, trimmed; raises InvalidInput when the code needs some, or they are too long."""
    words = text.strip()
    if len(words) > MAXIMUM_WORDS:
        raise InvalidInput([Fault("/words", f"say it in at most {MAXIMUM_WORDS} characters")])
    if code.needs_words and not words:
        asked = "say who asked you" if code is AnswerCode.ASKED_BY_COLLEAGUE else "say what it was"
        raise InvalidInput([Fault("/words", asked)])
    return words or None


def text_of(text: str, path: str, most: int) -> str:
    """Take text that must be there, trimmed; raises InvalidInput when it is not, or longer than ``most``."""
    trimmed = text.strip()
    if not trimmed or len(trimmed) > most:
        raise InvalidInput([Fault(path, f"say it in 1 to {most} characters")])
    return trimmed


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
