"""Tables of the alerts room: the alert, what it rests on, who did what, and the order of changes for the stream."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from governance.storage import json_column, utc_column


class AlertRow(SQLModel, table=True):
    """One alert; everything it has many of lives in the other tables."""

    __tablename__ = "alert"
    __table_args__ = (Index("ix_alert_group_ordinal", "group_key", "ordinal", unique=True),)

    number: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True, max_length=32)
    group_key: str
    ordinal: int
    family: str = Field(max_length=64)
    opened_at: datetime = Field(sa_column=utc_column())
    latest_at: datetime = Field(sa_column=utc_column())
    severity: str = Field(max_length=16, index=True)
    state: str = Field(max_length=16, index=True)
    assignee: str | None = Field(default=None, max_length=128)
    verdict: str | None = Field(default=None, max_length=16)
    reason: str | None = Field(default=None, max_length=4000)
    subject: str | None = Field(default=None, index=True)
    patient: str | None = Field(default=None, index=True)
    grouped_under: str | None = Field(default=None, max_length=32)
    evidence: list[dict[str, Any]] = Field(default_factory=list, sa_column=json_column())


class AlertEventRow(SQLModel, table=True):
    """A log entry that an alert rests on."""

    __tablename__ = "alert_event"

    alert_number: int = Field(primary_key=True, foreign_key="alert.number")
    event_index: int = Field(primary_key=True, index=True, sa_type=BigInteger)


class AlertLinkRow(SQLModel, table=True):
    """Something an alert names: ``kind`` is agreement, decision, rule, subject, token or trust."""

    __tablename__ = "alert_link"
    __table_args__ = (Index("ix_alert_link_value", "kind", "value"),)

    alert_number: int = Field(primary_key=True, foreign_key="alert.number")
    kind: str = Field(primary_key=True, max_length=16)
    value: str = Field(primary_key=True)


class AlertHistoryRow(SQLModel, table=True):
    """One act of a person on an alert."""

    __tablename__ = "alert_history"

    number: int | None = Field(default=None, primary_key=True)
    alert_number: int = Field(foreign_key="alert.number", index=True)
    at: datetime = Field(sa_column=utc_column())
    actor: str = Field(max_length=128)
    change: str = Field(max_length=16)
    comment: str | None = Field(default=None, max_length=4000)
    assignee: str | None = Field(default=None, max_length=128)
    verdict: str | None = Field(default=None, max_length=16)


class AlertNoticeRow(SQLModel, table=True):
    """One change of one alert, in commit order: the ids of the event stream."""

    __tablename__ = "alert_notice"

    sequence: int = Field(primary_key=True, sa_type=BigInteger)
    alert_number: int = Field(foreign_key="alert.number", index=True)
    change: str = Field(max_length=16)


class AlertSequenceRow(SQLModel, table=True):
    """The last notice number. Its row lock makes the order of numbers the order of commits on every database."""

    __tablename__ = "alert_sequence"

    name: str = Field(primary_key=True, max_length=16)
    value: int = Field(sa_type=BigInteger)
