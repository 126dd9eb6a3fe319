"""What detectors remember between events: keyed JSON values with a due time, in event time.

1. A value belongs to a rule and a key (a patient, a decision, a subject and a day). Only changed values are written.
2. A value with a due time is handed back to its rule, and forgotten, when the watermark reaches it: this is both how
   a deferred check fires and how memory stays bounded.
3. An event that arrives after the watermark has passed it, from an archive that was cut off say, waits anew: its value
   is due once the watermark reaches the present high water. So a spool sent days late is counted as one, not event by
   event.
4. The watermark is the greatest event time seen, less the allowed lateness. An event of the future cannot push it: a
   source's clock counts for at most ``SKEW`` beyond the time the log recorded the event.
5. Everything here survives a trip through JSON unchanged, so a restart between two events changes nothing. Times are
   whole microseconds since 1970.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from governance.audit.event import RecordedEvent
from governance.storage import to_microseconds

LATENESS = timedelta(minutes=15)  # how far out of order events may arrive before a deferred check stops waiting
SKEW = timedelta(minutes=5)  # how far a source's clock may run ahead of the log's
MICROSECOND = timedelta(microseconds=1)

Value = dict[str, Any]
Address = tuple[str, str]  # rule id, key


@dataclass(slots=True)
class Remembered:
    """One remembered value; ``due`` in microseconds, None to keep it for good."""

    value: Value
    due: int | None


class RuleMemory:
    """The memory of every rule, the watermark, and what changed since it was last written."""

    def __init__(self, lateness: timedelta = LATENESS, high_water: int | None = None) -> None:
        self._lateness = lateness // MICROSECOND
        self._values: dict[Address, Remembered] = {}
        self._due: list[tuple[int, str, str]] = []
        self._changed: set[Address] = set()
        self.high_water = high_water

    @property
    def watermark(self) -> int | None:
        """Give the time up to which every event is taken to have arrived; None before the first."""
        return None if self.high_water is None else self.high_water - self._lateness

    def see(self, event: RecordedEvent) -> None:
        """Let an event move the watermark."""
        seen = to_microseconds(min(event.time, event.recorded_at + SKEW))
        self.high_water = seen if self.high_water is None else max(self.high_water, seen)

    def of(self, rule_id: str) -> RuleState:
        """Give the memory of one rule."""
        return RuleState(self, rule_id)

    def restore(self, rule_id: str, key: str, value: Value, due: int | None) -> None:
        """Put back a value as it was written."""
        self._values[rule_id, key] = Remembered(value, due)
        self._schedule(rule_id, key, due)

    def take_due(self) -> Iterator[tuple[str, str, Value, int]]:
        """Hand back what the watermark has reached, in order of due time, rule and key; it is forgotten as it goes."""
        watermark = self.watermark
        while watermark is not None and self._due and self._due[0][0] <= watermark:
            due, rule_id, key = heapq.heappop(self._due)
            found = self._values.get((rule_id, key))
            if found is not None and found.due == due:
                self.forget(rule_id, key)
                yield rule_id, key, found.value, due

    def changes(self) -> list[tuple[str, str, Remembered | None]]:
        """Give what changed since the last call, None for what was forgotten, and start counting anew."""
        changed = sorted(self._changed)
        self._changed.clear()
        return [(rule_id, key, self._values.get((rule_id, key))) for rule_id, key in changed]

    def items(self) -> Iterable[tuple[Address, Remembered]]:
        """Give everything remembered, by rule and key."""
        return sorted(self._values.items())

    def find(self, rule_id: str, key: str) -> Value | None:
        """Give a remembered value."""
        found = self._values.get((rule_id, key))
        return None if found is None else found.value

    def keep(self, rule_id: str, key: str, value: Value, due: int | None) -> None:
        """Remember a value (rule 3)."""
        if due is not None and self.high_water is not None and due <= self.high_water - self._lateness:
            due = self.high_water
        before = self._values.get((rule_id, key))
        self._values[rule_id, key] = Remembered(value, due)
        self._changed.add((rule_id, key))
        if before is None or before.due != due:
            self._schedule(rule_id, key, due)

    def forget(self, rule_id: str, key: str) -> None:
        """Forget a value."""
        if self._values.pop((rule_id, key), None) is not None:
            self._changed.add((rule_id, key))

    def _schedule(self, rule_id: str, key: str, due: int | None) -> None:
        if due is not None:
            heapq.heappush(self._due, (due, rule_id, key))


class RuleState:
    """What one rule may do with its own part of the memory."""

    __slots__ = ("_memory", "_rule_id")

    def __init__(self, memory: RuleMemory, rule_id: str) -> None:
        self._memory = memory
        self._rule_id = rule_id

    @property
    def now(self) -> int:
        """Give the greatest event time seen so far, in microseconds; 0 before the first."""
        return self._memory.high_water or 0

    def get(self, key: str) -> Value | None:
        """Give the value of a key; a change to it must be :meth:`put`."""
        return self._memory.find(self._rule_id, key)

    def put(self, key: str, value: Value, due: int | None) -> None:
        """Remember a value until the watermark reaches ``due`` (microseconds), or for good."""
        self._memory.keep(self._rule_id, key, value, due)

    def drop(self, key: str) -> None:
        """Forget a value."""
        self._memory.forget(self._rule_id, key)
