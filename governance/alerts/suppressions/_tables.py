"""Tables of suppressions: what is held back and why, and each finding that was."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from governance.storage import json_column, utc_column


class SuppressionRow(SQLModel, table=True):
    """A suppression or a known relation; ``ods`` is whose it is, None the region's; ``trust`` is part of its scope."""

    __tablename__ = "alert_suppression"

    id: str = Field(primary_key=True, max_length=64)
    kind: str = Field(max_length=16)
    ods: str | None = Field(default=None, max_length=16, index=True)
    rule: str | None = Field(default=None, max_length=64)
    signal: str | None = Field(default=None, max_length=64)
    subject: str | None = Field(default=None, index=True)
    team: str | None = None
    patient: str | None = Field(default=None, index=True)
    trust: str | None = Field(default=None, max_length=16)
    reason: str = Field(max_length=2000)
    owner: str = Field(max_length=128)
    set_at: datetime = Field(sa_column=utc_column())
    expires_at: datetime = Field(sa_column=utc_column())
    needs_approval: bool
    approved_by: str | None = Field(default=None, max_length=128)
    approved_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    ended_by: str | None = Field(default=None, max_length=128)
    ended_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    end_reason: str | None = Field(default=None, max_length=2000)
    hits: int = 0
    last_hit_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))


class WithheldRow(SQLModel, table=True):
    """One finding that a suppression held back, however often it was found; ``occurred_at`` is event time."""

    __tablename__ = "alert_withheld"

    suppression: str = Field(primary_key=True, foreign_key="alert_suppression.id", max_length=64)
    key: str = Field(primary_key=True)
    rule: str = Field(max_length=64)
    severity: str = Field(max_length=16)
    occurred_at: datetime = Field(sa_column=utc_column())
    events: list[int] = Field(sa_column=json_column())
    sentence: str
