"""How many alerts: the share that a trust accepts to be for nothing, and a hard cap (Benjamini and Hochberg 1995).

1. The chances of the last ``WINDOW`` days are tested together: a night alone holds too few, and would give each quiet
   night its own false alert.
2. A day is decided once, with the days before it, and stays decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

SHARE = 0.35  # of the alerts that may be for nothing, where a trust has not chosen
CAP = 5  # alerts of a trust's night, whatever the share allows
WINDOW = 28  # days tested together
SMALL = 0.02  # chances above it are counted, not kept: no share reaches them


def threshold(small: Iterable[float], tested: int, share: float) -> float:
    """Give the greatest chance that is an alert; 0 when none is.

    Args:
        small: the chances up to ``SMALL`` among those tested.
        tested: how many days of people were tested.
        share: of the alerts that may be for nothing, above 0, below 1.
    """
    found = 0.0
    for rank, chance in enumerate(sorted(small), 1):
        if chance <= share * rank / max(tested, 1):
            found = chance
    return found


def capped(chances: Sequence[tuple[float, int]], cap: int = CAP) -> list[int]:
    """Give the places of the least likely: of ``(chance, place)`` pairs ``cap`` at most."""
    return sorted(place for _, place in sorted(chances)[:cap])
