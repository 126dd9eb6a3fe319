"""The draw itself (pure): which looks a keyed hash picks."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

_BYTES = 8  # of the hash that are compared: steps of a rate far finer than any that is chosen


@dataclass(frozen=True, slots=True)
class Candidate:
    """An unexplained look, as it may be drawn: its log index, when, who for which trust, whom, and which study."""

    index: int
    at: datetime
    subject: str
    ods: str
    patient: str | None = None
    study: str | None = None


def draw(looks: Iterable[Candidate], key: bytes, rate: float) -> list[Candidate]:
    """Draw from looks, by index.

    Each is drawn or not by its index alone, so other looks, their order and their number change nothing, and whatever
    is drawn at a rate is drawn at every higher one too.

    Args:
        looks: any number of them.
        key: 32 bytes or more that nobody else knows.
        rate: the share to draw, 0 to 1.
    """
    below = int(rate * (1 << 8 * _BYTES))
    return sorted((look for look in looks if _number(key, look.index) < below), key=lambda look: look.index)


def _number(key: bytes, index: int) -> int:
    return int.from_bytes(hmac.digest(key, index.to_bytes(_BYTES), "sha256")[:_BYTES])
