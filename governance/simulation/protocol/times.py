"""Time in the generator: whole milliseconds since 1970, UTC, and how they are written."""

from datetime import UTC, date, datetime
from functools import lru_cache

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@lru_cache(maxsize=4_096)
def start_of(day: date) -> int:
    """Give the first millisecond of a day."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * SECOND)


@lru_cache(maxsize=4_096)
def _day_text(number: int) -> str:
    return datetime.fromtimestamp(number * DAY / SECOND, UTC).strftime("%Y-%m-%d")


def written(at: int) -> str:
    """Write an instant as RFC 3339."""
    number, rest = divmod(at, DAY)
    seconds, milliseconds = divmod(rest, SECOND)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_day_text(number)}T{hour:02d}:{minute:02d}:{second:02d}.{milliseconds:03d}Z"


def day_written(at: int) -> str:
    """Write the day of an instant."""
    return _day_text(at // DAY)


def read(text: str) -> int:
    """Read an instant."""
    return round(datetime.fromisoformat(text).timestamp() * SECOND)
