"""The table of edges: what each trust's own OPA last said of itself."""

from datetime import datetime

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
