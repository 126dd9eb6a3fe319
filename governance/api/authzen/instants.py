"""Instants as they are written on the wire (RFC 3339), in whole seconds of UTC."""

from datetime import UTC, datetime


def rfc3339(at: datetime) -> str:
    """Write an aware instant, rounded down to its second."""
    return at.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def rfc3339_of_epoch(seconds: int) -> str:
    """Write the instant that many seconds after 1970."""
    return rfc3339(datetime.fromtimestamp(seconds, UTC))
