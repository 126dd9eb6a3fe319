"""B4 and B5: chance, and plain counting."""

from collections import defaultdict
from typing import Any

from governance.simulation.evaluation.baselines.ranking import Group
from governance.simulation.evaluation.data import Data
from governance.simulation.protocol.times import DAY

_WEEK = 7 * DAY


def counted(data: Data) -> dict[Any, Group]:
    """Give the looks without a reason of each week of a user."""
    groups: dict[Any, Group] = defaultdict(Group)
    looks = data.looks
    for row in data.measured:
        if not looks.explained[row]:
            groups[looks.user[row], looks.at[row] // _WEEK].add(1.0, looks.incident[row])
    return groups


def audit(groups: dict[Any, Group], count: int) -> float:
    """Give how many incidents a random audit of so many groups finds on average, exactly."""
    total = len(groups)
    spread: dict[int, int] = defaultdict(int)
    for group in groups.values():
        for number in group.incidents:
            spread[number] += 1
    if count >= total:
        return float(len(spread))
    return sum(1 - _missed(total, held, count) for held in spread.values())


def _missed(total: int, held: int, drawn: int) -> float:
    """Give the chance that none of ``held`` among ``total`` is in ``drawn`` (hypergeometric)."""
    chance = 1.0
    for number in range(held):
        chance *= max(0.0, total - drawn - number) / (total - number)
    return chance
