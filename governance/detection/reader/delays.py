"""How long something usually takes: a decayed distribution of delays in whole numbers, the same on every machine.

Delays are counted in buckets whose edges grow by the fourth root of two, from a minute to a month. Once ``MOST``
observations are counted, all counts are halved: what was seen lately weighs more, and nothing grows.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

MOST = 512  # observations counted before all of them are halved
MINUTE = 60_000_000  # microseconds
_QUARTERS = (60_000_000, 71_352_000, 84_853_000, 100_907_000)  # a minute times 2^(0/4), 2^(1/4), 2^(2/4), 2^(3/4)
EDGES = tuple(quarter << octave for octave in range(16) for quarter in _QUARTERS)  # up to 38 days


class Delays:
    """A decayed distribution of delays in microseconds."""

    __slots__ = ("_counts", "_found", "total")

    def __init__(self, counts: list[list[int]] | None = None) -> None:
        self._counts: dict[int, int] = {each[0]: each[1] for each in counts or ()}
        self.total = sum(self._counts.values())
        self._found: dict[int, int | None] = {}  # quantiles of the counts as they are

    def add(self, delay: int) -> None:
        """Count a delay; one below a minute counts as a minute, one beyond the last edge as that."""
        self._found = {}
        bucket = min(bisect_left(EDGES, delay), len(EDGES) - 1)
        self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self.total += 1
        if self.total >= MOST:
            self._counts = {bucket: count // 2 for bucket, count in self._counts.items() if count > 1}
            self.total = sum(self._counts.values())

    def quantile(self, thousandths: int) -> int | None:
        """Give the delay that so many in a thousand do not exceed, rounded up to an edge; None before the first."""
        if thousandths not in self._found:
            self._found[thousandths] = self._quantile(thousandths)
        return self._found[thousandths]

    def _quantile(self, thousandths: int) -> int | None:
        wanted, seen = self.total * thousandths, 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            if seen * 1000 >= wanted:
                return EDGES[bucket]
        return None

    def to_value(self) -> list[list[int]]:
        """Give it as JSON, for :class:`Delays` to take back."""
        return [[bucket, self._counts[bucket]] for bucket in sorted(self._counts)]


def within(value: int, floor: int, ceiling: int) -> int:
    """Give a value held between a floor and a ceiling."""
    return min(max(value, floor), ceiling)


def delays_of(value: dict[str, Any], name: str) -> Delays:
    """Give the distribution that a JSON object holds under a name."""
    return Delays(value.get(name))
