"""What looks of people with no business there are like: the one table of assumptions, and the caps.

The shares are those of looks *without a reason that were wrong*, put together from published case series and audits
(detection of co-workers, relatives, neighbours and people in the news; see ``docs/detection.md``): they are not learnt
from alerts, and a trust's verdicts move them slowly at most. What everybody's looks are like is learnt from the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

NEUTRAL = frozenset({("pair", "home"), ("hours", "usual")})  # never speak for a wrong
TIES = ("household", "coworker", "surname", "postcode", "flag")
CONTEXT = ("care", "pair", "age", "hours")


@dataclass(frozen=True, slots=True)
class Assumption:
    """One trait: how often each value is seen with wrong looks, and with all looks before anything is learnt.

    Args:
        wrong: share of wrong looks with each value.
        usual: share of all looks with each value, as a region is taken to be on its first day.
        cap: bits that the trait may add at most.
        whole: whether all looks teach what is usual, or those without a reason alone.
        floor: bits that the trait may take away at most; what others did may, what the person did may not.
    """

    wrong: Mapping[str, float]
    usual: Mapping[str, float]
    cap: float
    whole: bool
    floor: float = 0.0


def _assume(
    cap: float,
    whole: bool,
    shares: Mapping[str, tuple[float, float]] | None = None,
    floor: float = 0.0,
    **named: tuple[float, float],
) -> Assumption:
    shares = {**(shares or {}), **named}
    wrong = {value: pair[0] for value, pair in shares.items()}
    usual = {value: pair[1] for value, pair in shares.items()}
    return Assumption(MappingProxyType(wrong), MappingProxyType(usual), cap, whole, floor)


ASSUMPTIONS: Mapping[str, Assumption] = MappingProxyType(
    {
        "household": _assume(14.0, True, same=(0.15, 2e-4), no=(0.85, 0.9998)),
        "coworker": _assume(
            12.0,
            True,
            team=(0.10, 1e-4),
            department=(0.10, 1e-4),
            trust=(0.06, 5e-4),
            elsewhere=(0.01, 1e-3),
            no=(0.73, 0.998),
        ),
        "surname": _assume(
            11.0,
            True,
            rare=(0.09, 1e-4),
            uncommon=(0.06, 2e-4),
            frequent=(0.03, 6e-4),
            common=(0.01, 6e-4),
            no=(0.81, 0.9985),
        ),
        "postcode": _assume(5.0, True, same=(0.10, 5e-3), no=(0.90, 0.995)),
        "flag": _assume(10.0, True, watched=(0.08, 2e-4), dead=(0.02, 5e-4), no=(0.90, 0.9993)),
        "care": _assume(
            3.0, False, floor=-2.0, team=(0.04, 0.5), trust=(0.22, 0.3), elsewhere=(0.20, 0.1), nobody=(0.54, 0.1)
        ),
        "pair": _assume(4.0, False, home=(0.70, 0.88), usual=(0.05, 0.10), new=(0.25, 0.02)),
        "age": _assume(1.5, False, floor=-1.0, days=(0.25, 0.60), month=(0.30, 0.25), older=(0.45, 0.15)),
        "hours": _assume(1.5, False, usual=(0.80, 0.95), odd=(0.20, 0.05)),
        "slot": _assume(0.0, True, {str(slot): (0.125, 0.125) for slot in range(8)}),
    }
)
