"""What is usual for people in a role who take images out: decayed, capped, shared by all rules on volume."""

from __future__ import annotations

from dataclasses import dataclass

from governance.detection.state import RuleState, Value
from governance.detection.tail import Moments, fit

HALF_LIFE = 30  # days after which a day counts half in a baseline
GIGABYTE = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Limit:
    """When a measure is too much: at least ``floor``, and ``factor`` times the expected; ``prior`` without peers."""

    floor: int
    factor: float
    prior: float
    words: str


HOUR = Limit(15, 4.0, 2.0, "an hour")
DAY = Limit(30, 4.0, 3.0, "a day")
BYTES = Limit(20 * GIGABYTE, 10.0, 0.5 * GIGABYTE, "a day")


@dataclass(frozen=True, slots=True)
class Baseline:
    """What days of one role look like; ``day`` is the last one that was folded in."""

    days: Moments
    hours: Moments
    bytes: Moments
    day: int

    def aged(self, today: int) -> Baseline:
        """Let the days gone since weigh less."""
        gone = max(today - self.day, 0) if self.day else 0
        factor = 0.5 ** (gone / HALF_LIFE)
        return Baseline(
            self.days.decay(factor), self.hours.decay(factor), self.bytes.decay(factor), max(today, self.day)
        )

    def add(self, studies: int, busiest: int, total: int) -> Baseline:
        """Fold a day in, capped: one enormous day must not make the next one look usual."""
        return Baseline(
            self.days.add(_capped(studies, self.days, DAY)),
            self.hours.add(_capped(busiest, self.hours, HOUR)),
            self.bytes.add(_capped(total, self.bytes, BYTES)),
            self.day,
        )

    def to_value(self) -> Value:
        """Give it as JSON."""
        parts = {"days": self.days, "hours": self.hours, "bytes": self.bytes}
        return {"day": self.day} | {name: [m.n, m.total, m.squares] for name, m in parts.items()}


def baseline_of(state: RuleState, name: str) -> Baseline:
    """Give a remembered baseline; an empty one for a role never seen."""
    value = state.get(name)
    if value is None:
        return Baseline(Moments(), Moments(), Moments(), 0)
    return Baseline(Moments(*value["days"]), Moments(*value["hours"]), Moments(*value["bytes"]), value["day"])


def _capped(count: int, seen: Moments, limit: Limit) -> float:
    return min(float(count), limit.factor * fit(seen, limit.prior).mean)
