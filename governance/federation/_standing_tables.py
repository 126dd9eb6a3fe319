"""The table of what was suspended, deleted or bounded; who has no row is in force."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from governance.storage import utc_column


class StandingRow(SQLModel, table=True):
    """Where a registration stands."""

    __tablename__ = "federation_standing"

    name: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    suspended_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    deleted_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    not_before: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    generation: int = 0
    by_region: bool = Field(default=False)
