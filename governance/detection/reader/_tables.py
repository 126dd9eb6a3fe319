"""Tables of the detection room: how far it has read and who reads, and what the detectors remember."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from governance.storage import json_column, utc_column


class DetectionCursorRow(SQLModel, table=True):
    """One reader of the log: the next index it will read, the greatest event time it saw, and who holds it."""

    __tablename__ = "detection_cursor"

    name: str = Field(primary_key=True, max_length=32)
    next_index: int = Field(default=0, sa_type=BigInteger)
    high_water: int | None = Field(default=None, sa_type=BigInteger)
    holder: str | None = Field(default=None, max_length=128)
    held_until: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))


class DetectionStateRow(SQLModel, table=True):
    """One remembered value of one detector; ``due`` in microseconds of event time, the region's or ``stream``'s."""

    __tablename__ = "detection_state"
    __table_args__ = (Index("ix_detection_state_due", "due"),)

    rule_id: str = Field(primary_key=True, max_length=64)
    key: str = Field(primary_key=True)
    due: int | None = Field(default=None, sa_type=BigInteger)
    stream: str | None = None
    value: dict[str, Any] = Field(sa_column=json_column())


class DetectionEntryRow(SQLModel, table=True):
    """One entry of a list that a detector remembers; ``at`` in microseconds of event time."""

    __tablename__ = "detection_entry"
    __table_args__ = (Index("ix_detection_entry_at", "rule_id", "key", "at"),)

    rule_id: str = Field(primary_key=True, max_length=64)
    key: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    at: int = Field(sa_type=BigInteger)
    value: dict[str, Any] = Field(sa_column=json_column())
