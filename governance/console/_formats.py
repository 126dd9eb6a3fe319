"""How instants, numbers and identifiers are shown: as the NHS content style guide says, in UK time.

The log keeps UTC; a reader in a hospital thinks in the time on the wall, so every instant is shown in Europe/London.
"""

from datetime import date, datetime, timedelta

from governance.clock import LONDON

_SHORT = 8  # characters of a pseudonym's body that tell two apart on one page
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def on_date(value: date) -> str:
    """Write a date: ``24 November 2026``. An instant is taken in UK time."""
    if isinstance(value, datetime):
        value = value.astimezone(LONDON).date()
    return f"{value.day} {value:%B} {value.year}"


def at_time(value: datetime) -> str:
    """Write a time of day: ``3:15pm``, ``9am``, ``midnight``, ``midday``."""
    local = value.astimezone(LONDON)
    if local.minute == 0 and local.hour in (0, 12):
        return "midday" if local.hour else "midnight"
    minutes = f":{local.minute:02d}" if local.minute else ""
    return f"{local.hour % 12 or 12}{minutes}{'am' if local.hour < 12 else 'pm'}"


def on_date_at(value: datetime) -> str:
    """Write an instant: ``24 November 2026, 3:15pm``."""
    return f"{on_date(value)}, {at_time(value)}"


def time_ago(value: datetime, now: datetime) -> str:
    """Write how long ago an instant was, in the largest unit that is not nought."""
    passed = max(now - value, timedelta())
    for length, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        count = int(passed.total_seconds() // length)
        if count:
            return f"{counted(count, unit)} ago"
    return "less than a minute ago"


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """Write a count with its noun: ``1 alert``, ``1,204 alerts``."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def size(count: int) -> str:
    """Write a number of bytes in decimal units: ``4.2 MB``."""
    value = float(count)
    for unit in _UNITS:
        if value < 1000 or unit == _UNITS[-1]:
            return f"{value:,.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError("the last unit always fits")


def short_id(pseudonym: str) -> str:
    """Shorten a pseudonym for a table: ``p-k3v9x2ma…``; anything else, such as a service's name, stays as it is."""
    kind, dash, body = pseudonym.partition("-")
    if dash and len(kind) == 1 and len(body) > _SHORT:
        return f"{kind}-{body[:_SHORT]}…"
    return pseudonym


def nhs_number(digits: str) -> str:
    """Write an NHS number as people read it: ``999 123 4567``."""
    return f"{digits[:3]} {digits[3:6]} {digits[6:]}" if len(digits) == 10 and digits.isdigit() else digits
