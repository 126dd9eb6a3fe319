"""Intervals of shares and of ratios, and what else of statistics is needed: all of it in closed form."""

import math
from dataclasses import dataclass

_Z = 1.959964  # of 95 %


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with Wilson's 95 % interval."""

    hits: int
    total: int

    @property
    def value(self) -> float | None:
        """Give the share; None of nothing."""
        return self.hits / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float]:
        """Give Wilson's interval (Wilson 1927); all of it when there is nothing."""
        if not self.total:
            return 0.0, 1.0
        p, n = self.hits / self.total, self.total
        middle = (p + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
        half = _Z / (1 + _Z * _Z / n) * math.sqrt(p * (1 - p) / n + _Z * _Z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)

    def __add__(self, other: "Share") -> "Share":
        return Share(self.hits + other.hits, self.total + other.total)

    def __str__(self) -> str:
        if self.value is None:
            return "-"
        low, high = self.interval
        return f"{self.value:.2f} ({low:.2f}-{high:.2f}) {self.hits}/{self.total}"


def ratio(count: int, exposure: float, all_count: int, all_exposure: float) -> tuple[float, float, float] | None:
    """Give a group's rate over everybody's, with the 95 % interval of a Poisson count by Byar's approximation.

    None where everybody has none.
    """
    if not all_count or not exposure:
        return None
    expected = all_count * exposure / all_exposure
    low = count * (1 - 1 / (9 * count) - _Z / (3 * math.sqrt(count))) ** 3 if count else 0.0
    more = count + 1
    high = more * (1 - 1 / (9 * more) + _Z / (3 * math.sqrt(more))) ** 3
    return count / expected, max(0.0, low) / expected, high / expected


def quantile(values: list[float], share: float) -> float | None:
    """Give the value below which a share of the values lies (the nearest one); None of none."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
