"""The tables of edges: what each trust's own OPA last reported of itself, and its alarms."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from governance.storage import utc_column


class EdgeStatusRow(SQLModel, table=True):
    """The last status of one edge; ``current_at`` is when it last reported the revision that was then the newest."""

    __tablename__ = "edge_status"

    client_id: str = Field(primary_key=True, max_length=128)
    received_at: datetime = Field(sa_column=utc_column())
    current_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    instance: str | None = Field(default=None, max_length=128)
    version: str | None = Field(default=None, max_length=128)
    revision: str | None = Field(default=None, max_length=128)
    code: str | None = Field(default=None, max_length=128)
    message: str | None = Field(default=None, max_length=512)
    first_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    revocations: str | None = Field(default=None, max_length=128)
    dropped: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    lost: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class EdgeAlarmRow(SQLModel, table=True):
    """A fault of an edge, until it is over and its alert says so.

    ``measure`` is how many decisions were lost, for a gap. ``entry`` is the log's index of the event it began with;
    ``told`` says whether its present state is in the alert.
    """

    __tablename__ = "edge_alarm"

    client_id: str = Field(primary_key=True, max_length=128)
    signal: str = Field(primary_key=True, max_length=32)
    ods: str = Field(max_length=16)
    since: datetime = Field(sa_column=utc_column())
    measure: int = 0
    entry: int = Field(sa_type=BigInteger)
    ended_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    told: bool = False
