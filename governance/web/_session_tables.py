"""The session table: one row a browser that is signed in, or about to be."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from governance.storage import json_column, utc_column


class SessionRow(SQLModel, table=True):
    """A browser session. ``token_hash`` is the SHA-256 of the cookie; the cookie itself is never stored."""

    __tablename__ = "web_session"

    token_hash: str = Field(primary_key=True, max_length=64)
    handle: str = Field(unique=True, max_length=64)
    created_at: datetime = Field(sa_column=utc_column())
    seen_at: datetime = Field(sa_column=utc_column())
    expires_at: datetime = Field(sa_column=utc_column(index=True))
    issuer: str | None = Field(default=None, max_length=255)
    subject: str | None = Field(default=None, max_length=255, index=True)
    person: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    data: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
