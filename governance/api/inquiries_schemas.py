"""Shapes of the endpoints for questions to people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from governance.inquiries import AnswerCode, Asked, Inquiry, InquiryState, Message, MessageState
from governance.inquiries.inquiry import MAXIMUM_REASON, MAXIMUM_WHY


class AskRequest(BaseModel):
    """Whom to ask, and the sentence that they read; it names nobody."""

    model_config = ConfigDict(extra="forbid")

    asked: Asked = Asked.PERSON
    why: Annotated[str, Field(min_length=1, max_length=MAXIMUM_WHY)]


class Ruling(BaseModel):
    """Why an answer is accepted or not."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=MAXIMUM_REASON, description="free text; stays here")]


class MessageView(BaseModel):
    """One message: to whom by what channel, and what became of it. Addresses are kept nowhere."""

    id: str
    kind: str = Field(description="ask or reminder")
    channel: str = Field(description="mail or webhook")
    to: str = Field(description="person, manager or mailbox")
    state: MessageState
    attempts: int
    outcome: str | None
    settled_at: datetime | None


class AnswerView(BaseModel):
    """An answer; ``words`` are null when there are none, they may not be seen, or who gave them was erased."""

    code: AnswerCode
    by: Asked
    at: datetime
    words: str | None


class RulingView(BaseModel):
    """What an officer made of an answer; ``index`` is the log entry from which a confirmation counts."""

    by: str
    at: datetime
    reason: str
    index: int | None


class InquiryView(BaseModel):
    """A question to somebody about their looks at one patient; people and patients are pseudonyms."""

    reference: str
    state: InquiryState
    subject: str
    ods: str
    patient: str
    looks: list[int]
    asked: Asked
    alert: str | None
    why: str
    asked_by: str | None
    opened_at: datetime
    expires_at: datetime
    reminders: int
    messages: list[MessageView]
    answer: AnswerView | None
    ruling: RulingView | None


class InquiriesPage(BaseModel):
    """The questions of one alert, oldest first."""

    inquiries: list[InquiryView]


def view_of(inquiry: Inquiry, messages: Sequence[Message], words: str | None) -> InquiryView:
    """Give a question as the API shows it."""
    answer, ruling = inquiry.answer, inquiry.ruling
    return InquiryView(
        reference=inquiry.reference,
        state=inquiry.state,
        subject=inquiry.person.subject,
        ods=inquiry.ods,
        patient=inquiry.patient,
        looks=list(inquiry.looks),
        asked=inquiry.asked,
        alert=inquiry.case,
        why=inquiry.why,
        asked_by=inquiry.asked_by,
        opened_at=inquiry.opened_at,
        expires_at=inquiry.expires_at,
        reminders=inquiry.reminders,
        messages=[_message(message) for message in messages],
        answer=None if answer is None else AnswerView(code=answer.code, by=answer.by, at=answer.at, words=words),
        ruling=None
        if ruling is None
        else RulingView(by=ruling.by, at=ruling.at, reason=ruling.reason, index=ruling.index),
    )


def _message(message: Message) -> MessageView:
    return MessageView(
        id=message.id,
        kind=message.kind,
        channel=message.channel,
        to=message.to,
        state=message.state,
        attempts=message.attempts,
        outcome=message.outcome,
        settled_at=message.settled_at,
    )
