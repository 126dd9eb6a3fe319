"""Tables of the inquiries' room: the inquiry, and the outbox of its messages."""

from datetime import datetime

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from governance.storage import json_column, utc_column


class InquiryRow(SQLModel, table=True):
    """One inquiry; ``open_key`` is there while it waits for an answer, so that there is one open of its kind."""

    __tablename__ = "inquiry"
    __table_args__ = (
        Index("ix_inquiry_pair", "subject", "patient"),
        Index("ix_inquiry_manager", "manager"),
        Index("ix_inquiry_state", "state", "remind_at"),
    )

    number: int | None = Field(default=None, primary_key=True)
    reference: str = Field(unique=True, max_length=32)
    open_key: str | None = Field(default=None, unique=True)
    subject: str
    named_by: str
    ods: str
    patient: str
    looks: list[int] = Field(sa_column=json_column())
    first_at: datetime = Field(sa_column=utc_column())
    last_at: datetime = Field(sa_column=utc_column())
    asked: str = Field(max_length=16)
    manager: str | None = None
    manager_named_by: str | None = None
    case_id: str | None = Field(default=None, max_length=32, index=True)
    why: str = Field(max_length=500)
    asked_by: str | None = Field(default=None, max_length=128)
    opened_at: datetime = Field(sa_column=utc_column())
    expires_at: datetime = Field(sa_column=utc_column())
    remind_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    reminders: int = 0
    state: str = Field(max_length=16)
    answer: str | None = Field(default=None, max_length=32)
    answered_by: str | None = Field(default=None, max_length=16)
    answered_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    words_owner: str | None = None
    words: str | None = None  # sealed
    ruled_by: str | None = Field(default=None, max_length=128)
    ruled_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    ruling_reason: str | None = Field(default=None, max_length=4000)
    known_since: int | None = Field(default=None, sa_type=BigInteger)


class InquiryMessageRow(SQLModel, table=True):
    """One message to send; ``id`` stays the same however often it is tried. No address is kept."""

    __tablename__ = "inquiry_message"
    __table_args__ = (Index("ix_inquiry_message_due", "state", "due_at"),)

    id: str = Field(primary_key=True, max_length=64)
    inquiry_number: int = Field(foreign_key="inquiry.number", index=True)
    kind: str = Field(max_length=16)
    channel: str = Field(max_length=16)
    recipient: str = Field(max_length=16)
    state: str = Field(max_length=16)
    attempts: int = 0
    due_at: datetime = Field(sa_column=utc_column())
    claimed_until: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    settled_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    outcome: str | None = Field(default=None, max_length=32)
