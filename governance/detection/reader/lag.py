"""Whether detection moves: how long it has stood where it is while the log has more to read.

Each process judges by what it sees itself and by its own steady clock, so a clock that is wrong somewhere, the very
thing that may have stopped detection, hides nothing.
"""

from collections.abc import Callable
from enum import StrEnum
from time import monotonic

STUCK_AFTER = 120.0  # seconds without a move, with entries to read, after which somebody should look


class Pace(StrEnum):
    """How detection comes along."""

    CURRENT = "current"
    BEHIND = "behind"
    STUCK = "stuck"


class LagWatch:
    """Remembers since when detection has stood where it is. What is seen counts: look every minute or oftener.

    Args:
        steady: gives seconds of a clock that is never set.
    """

    def __init__(self, steady: Callable[[], float] = monotonic) -> None:
        self._steady = steady
        self._seen: tuple[int, float] | None = None

    def stalled(self, position: int, size: int) -> float:
        """Give the seconds that detection was seen at a position, with entries to read; 0 when it has none.

        Args:
            position: the first index it has not read.
            size: how many entries the log has.
        """
        now, seen = self._steady(), self._seen
        if position >= size:
            self._seen = None
            return 0.0
        if seen is None or seen[0] != position:
            self._seen = seen = position, now
        return now - seen[1]

    def pace(self, position: int, size: int) -> Pace:
        """Say how detection comes along."""
        if position >= size:
            self._seen = None
            return Pace.CURRENT
        return Pace.STUCK if self.stalled(position, size) > STUCK_AFTER else Pace.BEHIND
