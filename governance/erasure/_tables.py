"""The one table of this room: legal holds, those that were ended too."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from governance.storage import utc_column


class LegalHoldRow(SQLModel, table=True):
    """A hold on a person (a pseudonym) or on a case (an alert); ``ended_at`` is null while it holds."""

    __tablename__ = "legal_hold"

    id: str = Field(primary_key=True)
    person: str | None = Field(default=None, index=True)
    case: str | None = Field(default=None, index=True)
    reason: str
    ods: str | None = Field(default=None, index=True)
    set_by: str
    set_at: datetime = Field(sa_column=utc_column())
    ended_by: str | None = Field(default=None)
    ended_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    end_reason: str | None = Field(default=None)
