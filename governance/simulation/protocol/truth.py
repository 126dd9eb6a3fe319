"""What only the generator knows: the incidents, how often each confounder happened, and the rates of the background."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from governance.simulation.protocol.times import written

EventKey = tuple[str, str]  # source, id


@dataclass(slots=True, eq=False)
class Incident:
    """One wrong act or row of acts, by one person or service or, in a burst, by several."""

    id: str
    scenario: str
    trusts: tuple[str, ...]
    users: set[str] = field(default_factory=set)
    services: set[str] = field(default_factory=set)
    patients: set[str] = field(default_factory=set)
    events: list[EventKey] = field(default_factory=list)
    begin: int = 0
    end: int = 0
    evasion: str | None = None
    rightful: set[str] = field(default_factory=set)  # who looked at the same patients and might

    def note(self, key: EventKey, at: int) -> None:
        """Take note of one of its own events."""
        self.begin = min(self.begin or at, at)
        self.end = max(self.end, at)
        self.events.append(key)

    def row(self) -> dict[str, Any]:
        """Give it as JSON."""
        return {
            "id": self.id,
            "scenario": self.scenario,
            "trusts": sorted(self.trusts),
            "users": sorted(self.users),
            "services": sorted(self.services),
            "patients": sorted(self.patients),
            "events": [{"source": source, "id": event} for source, event in self.events],
            "begin": written(self.begin),
            "end": written(self.end),
            "evasion": self.evasion,
            "rightful": sorted(self.rightful),
        }


class Tally:
    """Counts the background: looks, and the ties and reasons between who looked and who was looked at."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.confounders: Counter[str] = Counter()

    def rates(self) -> dict[str, float]:
        """Give the rates that the protocol holds the background to: per 10,000 looks of people, and shares in %."""
        looks = max(1, self.counts["looks"])
        per = {name: 1e4 * self.counts[name] / looks for name in ("co_worker", "vip", "family", "neighbour")}
        shares = {name: 100 * self.counts[name] / looks for name in ("other_site", "explained")}
        return {name: round(value, 3) for name, value in (per | shares).items()}


# What the protocol wants of the background: the least and the most (Boxwala 2011, table 3; Fabbri and LeFevre).
BANDS: dict[str, tuple[float, float]] = {
    "co_worker": (0.45, 1.8),
    "vip": (0.7, 2.8),
    "family": (4.4, 17.6),
    "neighbour": (27.5, 110.0),
    "other_site": (5.0, 20.0),
    "explained": (91.0, 97.0),
}
