"""From a score to the chance of such a day among clean ones: ranks where there are enough, a tail model beyond.

1. The days of all roles are pooled: one role alone is too small for a chance of one in ten thousand. Before that, each
   role's scores are moved so that its upper end lies where the region's does, as far as the role has days enough.
2. The last ``KEPT`` days count, less those that became alerts: an incident must not make the next one look usual.
3. Beyond the ``TAIL`` greatest scores each bit halves the chance: scores are sums of logarithms of likelihood ratios,
   of which a ratio of r comes up with a clean day in one of r at most (Markov). It is an extrapolation, and is called
   so; alerts that are left out of the days cannot make it steeper.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

KEPT = 30  # days
ASSUMED = 2.0  # times the chance that a score has by the assumptions alone: a person looks at several patients
STEP = 0.25  # bits, to which scores are rounded in the memory
TAIL = 0.03  # share of the greatest scores beyond which the chance is halved by each bit
ENOUGH = 1_000  # days of people below which the model is learning
_UPPER = 0.99  # where the upper ends of roles are compared
_TRUSTED = 400.0  # days of people at which a role's own upper end counts for half

Counts = Mapping[str, Mapping[str, int]]  # role -> rounded score in steps -> days of people


@dataclass(frozen=True, slots=True)
class Calibration:
    """What clean days look like.

    Args:
        scores: standardised scores of clean days, in order.
        shifts: what is taken from the scores of a role.
    """

    scores: tuple[float, ...]
    shifts: Mapping[str, float]

    @property
    def learning(self) -> bool:
        """Say whether there are too few days to rely on."""
        return len(self.scores) < ENOUGH

    @property
    def unseen(self) -> int:
        """Give how many days of people, never seen, are counted as tested beside those that were."""
        return max(ENOUGH - len(self.scores), 0)

    def standard(self, role: str, score: float) -> float:
        """Give a score as it counts beside those of other roles."""
        return score - self.shifts.get(role, 0.0)

    def chance(self, role: str, score: float) -> float:
        """Give the chance of a clean day with at least such a score: above 0, at most 1."""
        total = len(self.scores)
        if self.learning:
            return min(ASSUMED * math.exp2(-score), 1.0)
        value = self.standard(role, score)
        threshold = self.scores[min(int(total * (1 - TAIL)), total - 1)]
        if value <= threshold:
            return min((total - bisect_left(self.scores, value) + 1) / (total + 1), 1.0)
        return max(TAIL * math.exp2(threshold - value), 1e-12)


def calibrate(days: Iterable[Counts]) -> Calibration:
    """Make the calibration of clean days."""
    by_role: dict[str, list[float]] = {}
    for counts in days:
        for role, bins in counts.items():
            for step, count in bins.items():
                by_role.setdefault(role, []).extend([int(step) * STEP] * count)
    everybody = sorted(score for scores in by_role.values() for score in scores)
    if not everybody:
        return Calibration((), {})
    upper = _quantile(everybody)
    shifts = {}
    for role, scores in by_role.items():
        weight = len(scores) / (len(scores) + _TRUSTED)
        shifts[role] = round(weight * (_quantile(sorted(scores)) - upper), 3)
    pooled = sorted(score - shifts[role] for role, scores in by_role.items() for score in scores)
    return Calibration(tuple(pooled), shifts)


def _quantile(ordered: list[float]) -> float:
    return ordered[min(int(len(ordered) * _UPPER), len(ordered) - 1)]
