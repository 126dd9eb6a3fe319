"""Tables of the random audit: what was drawn and found, the days that were drawn, and the rates trusts chose."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from governance.storage import utc_column


class SampleRow(SQLModel, table=True):
    """One drawn look, and what somebody found."""

    __tablename__ = "sample_look"
    __table_args__ = (Index("ix_sample_look_ods", "ods", "verdict"),)

    event_index: int = Field(primary_key=True, sa_type=BigInteger)
    ods: str
    day: date
    subject: str = Field(index=True)
    patient: str | None = None
    study: str | None = None
    looked_at: datetime = Field(sa_column=utc_column())
    verdict: str | None = Field(default=None, max_length=16)
    reason: str | None = Field(default=None, max_length=4000)
    judged_by: str | None = Field(default=None, max_length=128)
    judged_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))


class SampleDayRow(SQLModel, table=True):
    """One day of one trust: how many looks there were to draw from, how many were drawn, and at which rate."""

    __tablename__ = "sample_day"

    ods: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    looked: int
    drawn: int
    rate: float


class SampleRateRow(SQLModel, table=True):
    """The rate a trust chose, known since a log index."""

    __tablename__ = "sample_rate"

    ods: str = Field(primary_key=True)
    known_since: int = Field(primary_key=True, sa_type=BigInteger)
    rate: float
