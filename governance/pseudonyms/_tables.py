"""The tables of this room: a wrapped data key for each owner of identifying fields, and the keys' check values."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from governance.storage import utc_column


class OwnerKey(SQLModel, table=True):
    """A data key wrapped by the key-encryption key; ``wrapped`` is null once destroyed."""

    __tablename__ = "owner_key"

    owner: str = Field(primary_key=True)
    wrapped: bytes | None = Field(default=None)
    destroyed_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))


class KeyCheck(SQLModel, table=True):
    """The check value of the key that a setting gave when this database was first used."""

    __tablename__ = "key_check"

    setting: str = Field(primary_key=True)
    value: bytes
