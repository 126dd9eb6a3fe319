"""How surprising a count is among peers: a negative binomial tail with shrinkage, in bits. Always finite.

A count of a day or an hour varies more between people than a Poisson count would; the negative binomial has one more
parameter for that. Fitted by moments, shrunk towards a prior worth ``PSEUDO`` observations, so that a role never seen
before has a sane expectation from its first day on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

PSEUDO = 3.0  # observations that the prior is worth
MAXIMUM_BITS = 300.0
_SMALLEST_SHAPE = 0.2
_LARGEST_SHAPE = 50.0
_PRECISION = 1e-12


@dataclass(frozen=True, slots=True)
class Moments:
    """Decayed sums over observations of a count: how many, their sum, the sum of their squares."""

    n: float = 0.0
    total: float = 0.0
    squares: float = 0.0

    def add(self, count: float) -> Moments:
        """Give the moments with one more observation."""
        return Moments(self.n + 1, self.total + count, self.squares + count * count)

    def decay(self, factor: float) -> Moments:
        """Give the moments with the past worth ``factor`` (0 to 1) of what it was."""
        return Moments(self.n * factor, self.total * factor, self.squares * factor)


@dataclass(frozen=True, slots=True)
class Expectation:
    """A fitted negative binomial: its mean and its shape (small: people differ a lot)."""

    mean: float
    shape: float


def fit(moments: Moments, prior_mean: float) -> Expectation:
    """Fit by moments, shrunk towards a prior of mean ``prior_mean`` (above 0) and variance ``mean + mean**2``."""
    weight = moments.n + PSEUDO
    mean = (moments.total + PSEUDO * prior_mean) / weight
    square = (moments.squares + PSEUDO * (prior_mean + 2 * prior_mean * prior_mean)) / weight
    excess = square - mean * mean - mean
    shape = _LARGEST_SHAPE if excess <= 0 else mean * mean / excess
    return Expectation(mean, min(max(shape, _SMALLEST_SHAPE), _LARGEST_SHAPE))


def surprise(count: int, expected: Expectation) -> float:
    """Give ``-log2 P(X >= count)``, between 0 and ``MAXIMUM_BITS``."""
    if count <= 0:
        return 0.0
    shape, mean = expected.shape, expected.mean
    chance = mean / (mean + shape)
    log_first = (
        math.lgamma(count + shape)
        - math.lgamma(shape)
        - math.lgamma(count + 1)
        + shape * math.log1p(-chance)
        + count * math.log(chance)
    )
    ratio_sum, term, k = 1.0, 1.0, count
    while term > _PRECISION * ratio_sum and k < count + 100_000:
        term *= chance * (k + shape) / (k + 1)
        ratio_sum += term
        k += 1
    bits = -(log_first + math.log(ratio_sum)) / math.log(2)
    return min(max(bits, 0.0), MAXIMUM_BITS)


def share_surprise(count: int, of: int, share: float) -> float:
    """Give ``-log2 P(X >= count)`` of tries that each succeed with ``share``: 0 to ``MAXIMUM_BITS``."""
    if count <= 0:
        return 0.0
    likely = min(max(share, 1e-6), 1 - 1e-6)
    terms = [
        math.lgamma(of + 1)
        - math.lgamma(k + 1)
        - math.lgamma(of - k + 1)
        + k * math.log(likely)
        + (of - k) * math.log1p(-likely)
        for k in range(count, of + 1)
    ]
    if not terms:
        return MAXIMUM_BITS
    top = max(terms)
    bits = -(top + math.log(sum(math.exp(term - top) for term in terms))) / math.log(2)
    return min(max(bits, 0.0), MAXIMUM_BITS)
