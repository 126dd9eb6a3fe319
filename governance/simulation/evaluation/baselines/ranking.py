"""Groups of looks with a score, and what is left of them at a number of alerts."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Group:
    """What would be one alert: how strong it is, and the numbers of the incidents it holds events of."""

    score: float = 0.0
    incidents: set[int] = field(default_factory=set)

    def add(self, score: float, incident: int) -> None:
        """Add a look."""
        self.score += score
        if incident >= 0:
            self.incidents.add(incident)


def cut(groups: Iterable[tuple[Any, Group]], count: int) -> dict[str, int]:
    """Give what the strongest so many find; of equals the first by key are taken."""
    ranked = sorted(groups, key=lambda one: (-round(one[1].score, 9), str(one[0])))[:count]
    return uncut(ranked)


def uncut(groups: Iterable[tuple[Any, Group]]) -> dict[str, int]:
    """Give what all of them find: alerts, those that hold an incident's event, incidents found."""
    all_of_them = [group for _, group in groups]
    found = {number for group in all_of_them for number in group.incidents}
    right = sum(bool(group.incidents) for group in all_of_them)
    return {"alerts": len(all_of_them), "true": right, "found": len(found)}
