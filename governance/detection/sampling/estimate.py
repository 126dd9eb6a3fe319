"""What verdicts on a random sample say about everything it was drawn from (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

_Z = 1.959963984540054  # of the normal distribution: 95 % lie within


@dataclass(frozen=True, slots=True)
class MissRate:
    """How many of the judged looks were wrong, and between which shares that of all lies (95 %, Wilson 1927)."""

    judged: int
    wrong: int
    low: float
    high: float

    @property
    def share(self) -> float | None:
        """Give the share of the judged; None when nothing was judged."""
        return self.wrong / self.judged if self.judged else None


def miss_rate(wrong: int, judged: int) -> MissRate:
    """Estimate from verdicts; without any the interval is everything. Raises ValueError for more wrong than judged."""
    if not 0 <= wrong <= judged:
        raise ValueError("as many are wrong as were judged, at most")
    if not judged:
        return MissRate(0, 0, 0.0, 1.0)
    share, square = wrong / judged, _Z * _Z
    middle = share + square / (2 * judged)
    width = _Z * sqrt(share * (1 - share) / judged + square / (4 * judged * judged))
    scale = 1 + square / judged
    low = 0.0 if wrong == 0 else max(0.0, (middle - width) / scale)
    high = 1.0 if wrong == judged else min(1.0, (middle + width) / scale)
    return MissRate(judged, wrong, round(low, 9), round(high, 9))
