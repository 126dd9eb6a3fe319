"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UtcMicroseconds(TypeDecorator[datetime]):
    """An instant, kept as whole microseconds since 1970 in UTC: sorts, compares and indexes alike on every database.

    A naive datetime is refused with ValueError rather than guessed.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Turn an aware datetime into microseconds."""
        return None if value is None else to_microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Turn microseconds into an aware datetime."""
        return None if value is None else from_microseconds(value)


def to_microseconds(value: datetime) -> int:
    """Give whole microseconds since 1970 UTC of an aware instant; raises ValueError for a naive one."""
    if value.tzinfo is None:
        raise ValueError("an instant needs a timezone")
    delta = value - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_microseconds(value: int) -> datetime:
    """Give the instant that many microseconds after 1970 UTC."""
    return datetime.fromtimestamp(value // 1_000_000, UTC).replace(microsecond=value % 1_000_000)


def utc_column(*, nullable: bool = False, index: bool = False, primary_key: bool = False) -> Column[datetime]:
    """Make a column for an instant."""
    return Column(UtcMicroseconds(), nullable=nullable, index=index, primary_key=primary_key)


def json_column(*, nullable: bool = False) -> Column[Any]:
    """Make a column for a JSON value."""
    return Column(JSON(), nullable=nullable)
