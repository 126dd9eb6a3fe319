"""Tables of explanations: each look with its reason, what the log taught, what projects have seen, counts of a day."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from governance.storage import utc_column


class LookRow(SQLModel, table=True):
    """One access, export or print by its index in the log, and its reason; people, patients, studies by pseudonym."""

    __tablename__ = "look"
    __table_args__ = (
        Index("ix_look_subject", "subject", "time"),
        Index("ix_look_patient", "patient", "time"),
        Index("ix_look_study", "study", "time"),
    )

    event_index: int = Field(primary_key=True, sa_type=BigInteger)
    time: datetime = Field(sa_column=utc_column())
    subject: str | None = None
    ods: str | None = None
    role: str | None = None
    patient: str | None = None
    study: str | None = None
    decision: str | None = None
    kind: str = Field(max_length=16)
    edge: str | None = None
    source: str | None = None
    feed: str | None = None
    team: bool
    age_seconds: int | None = Field(default=None, sa_type=BigInteger)
    strength: float
    counted: bool
    revised_at_index: int | None = Field(default=None, sa_type=BigInteger)


class LessonRow(SQLModel, table=True):
    """What one event of the log taught: a person's reason to look at a patient, or a study."""

    __tablename__ = "look_lesson"
    __table_args__ = (Index("ix_look_lesson_about", "about", "subject"), Index("ix_look_lesson_at", "at"))

    event_index: int = Field(primary_key=True, sa_type=BigInteger)
    kind: str = Field(max_length=16)
    subject: str
    named_by: str | None = None
    about: str
    at: datetime = Field(sa_column=utc_column())
    source: str


class ProjectRow(SQLModel, table=True):
    """How many distinct studies a project's edge has explained."""

    __tablename__ = "look_project"

    edge: str = Field(primary_key=True)
    studies: int = Field(sa_type=BigInteger)


class ProjectStudyRow(SQLModel, table=True):
    """One study that a project's edge has explained."""

    __tablename__ = "look_project_study"

    edge: str = Field(primary_key=True)
    study: str = Field(primary_key=True)


class LookCountRow(SQLModel, table=True):
    """How many looks of one day (UTC, of event time) had one kind of reason; no person and no patient in it."""

    __tablename__ = "look_count"

    day: date = Field(primary_key=True)
    ods: str = Field(primary_key=True)
    role: str = Field(primary_key=True, max_length=32)
    kind: str = Field(primary_key=True, max_length=16)
    explained: bool = Field(primary_key=True)
    feed: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    looks: int = Field(sa_type=BigInteger)
