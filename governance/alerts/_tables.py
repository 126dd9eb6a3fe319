"""Tables of the alerts room: the alert, its findings, what it rests on, verdicts, history, and the order of changes."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from governance.storage import json_column, utc_column


class AlertRow(SQLModel, table=True):
    """One alert; everything it has many of lives in the other tables.

    ``told`` is, by signal, what was told of it last; ``steps`` numbers what was recorded of it after its opening;
    ``newest_event`` is the highest log index it ever rested on.
    """

    __tablename__ = "alert"
    __table_args__ = (Index("ix_alert_group_ordinal", "group_key", "ordinal", unique=True),)

    number: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True, max_length=32)
    kind: str = Field(default="alert", max_length=16, index=True)
    group_key: str
    ordinal: int
    family: str = Field(max_length=64)
    opened_at: datetime = Field(sa_column=utc_column())
    latest_at: datetime = Field(sa_column=utc_column())
    severity: str = Field(max_length=16, index=True)
    state: str = Field(max_length=16, index=True)
    ending: str | None = Field(default=None, max_length=16)
    assignee: str | None = Field(default=None, max_length=128)
    verdict: str | None = Field(default=None, max_length=16)
    reason: str | None = Field(default=None, max_length=4000)
    subject: str | None = Field(default=None, index=True)
    patient: str | None = Field(default=None, index=True)
    grouped_under: str | None = Field(default=None, max_length=32)
    joined_to: str | None = Field(default=None, max_length=32)
    evidence: list[dict[str, Any]] = Field(default_factory=list, sa_column=json_column())
    told: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    picture: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    steps: int = 0
    events_total: int = 0
    events_listed: int = 0
    decisions_total: int = 0
    tokens_total: int = 0
    subjects_total: int = 0
    newest_event: int = Field(default=-1, sa_type=BigInteger)
    review_drawn: bool | None = None
    review_due: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))


class AlertFindingRow(SQLModel, table=True):
    """One finding of an alert, as it is now; ``standing`` until all of it was taken back."""

    __tablename__ = "alert_finding"
    __table_args__ = (Index("ix_alert_finding_weight", "alert_number", "standing", "rank", "weight"),)

    alert_number: int = Field(primary_key=True, foreign_key="alert.number")
    key: str = Field(primary_key=True, index=True)
    rule: str = Field(max_length=64)
    severity: str = Field(max_length=16)
    rank: int
    weight: float
    standing: bool
    evidence: list[dict[str, Any]] = Field(sa_column=json_column())
    picture: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    events: list[int] = Field(sa_column=json_column())
    total: int
    gone: list[int] = Field(sa_column=json_column())
    revised_at: int | None = Field(default=None, sa_type=BigInteger)


class AlertEventRow(SQLModel, table=True):
    """A log entry that an alert rests on; of many, the first ``MAXIMUM_SHOWN``."""

    __tablename__ = "alert_event"

    alert_number: int = Field(primary_key=True, foreign_key="alert.number")
    event_index: int = Field(primary_key=True, index=True, sa_type=BigInteger)


class AlertLinkRow(SQLModel, table=True):
    """Something an alert names: ``kind`` is agreement, decision, rule, subject, token or trust.

    Decisions and tokens are the first ``MAXIMUM_SHOWN``. Every subject is kept, for none of them may see the alert;
    those past that number are not ``shown``.
    """

    __tablename__ = "alert_link"
    __table_args__ = (Index("ix_alert_link_value", "kind", "value"),)

    alert_number: int = Field(primary_key=True, foreign_key="alert.number")
    kind: str = Field(primary_key=True, max_length=16)
    value: str = Field(primary_key=True)
    shown: bool = True


class AlertVerdictRow(SQLModel, table=True):
    """A trust whose verdict is wanted in a capacity, and the verdict once it is given."""

    __tablename__ = "alert_verdict"

    alert_number: int = Field(primary_key=True, foreign_key="alert.number")
    ods: str = Field(primary_key=True, max_length=16)
    capacity: str = Field(primary_key=True, max_length=16)
    verdict: str | None = Field(default=None, max_length=16)
    reason: str | None = Field(default=None, max_length=4000)
    at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    by: str | None = Field(default=None, max_length=128)


class AlertHistoryRow(SQLModel, table=True):
    """One step of an alert's history: an act of a person, or what happened by itself."""

    __tablename__ = "alert_history"

    number: int | None = Field(default=None, primary_key=True)
    alert_number: int = Field(foreign_key="alert.number", index=True)
    at: datetime = Field(sa_column=utc_column())
    actor: str = Field(max_length=128)
    ods: str | None = Field(default=None, max_length=16)
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
