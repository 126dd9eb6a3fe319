"""The table of messages that could not be read, private to this room. Only ``_quarantine_store.py`` may use it.

The raw bytes are sealed: nobody knows whom an unread message is about. Their owner is the day they came in, so that
destroying a day's key disposes of all of it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, Text, text
from sqlmodel import Field, SQLModel

from governance.storage import UtcMicroseconds

_Whole = BigInteger().with_variant(Integer(), "sqlite")


class QuarantineRow(SQLModel, table=True):
    """One message that could not be read."""

    __tablename__ = "audit_quarantine"
    __table_args__ = (
        Index(
            "ix_audit_quarantine_waiting",
            "number",
            sqlite_where=text("resolved_at IS NULL"),
            postgresql_where=text("resolved_at IS NULL"),
        ),
    )

    number: int | None = Field(default=None, primary_key=True, sa_type=_Whole)
    received_at: datetime = Field(sa_type=UtcMicroseconds)
    carrier: str = Field(sa_type=Text)
    peer: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    size: int
    owner: str = Field(sa_type=Text)
    sealed: str = Field(sa_type=Text)
    attempts: int = 0
    resolved_at: datetime | None = Field(default=None, sa_type=UtcMicroseconds)
    first_index: int | None = Field(default=None, sa_type=_Whole)
