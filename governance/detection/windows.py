"""Sliding windows of event time over what a rule remembers of one key, in slots, so that lateness costs nothing.

1. A slot is as wide as the window. Whatever window holds an event lies in its slot and the two beside it, so an event
   of last week is judged among those of last week, whatever has come since: nothing is pruned by anybody's clock.
2. A slot is forgotten as a whole once no window can reach it any more. What comes after that begins it anew.
3. A row is a list of plain values that begins with its time (microseconds) and its index in the log. Rows are kept in
   that order, so what is found does not depend on the order of arrival.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from governance.audit.event import RecordedEvent
from governance.detection.reader.state import MICROSECOND, RuleState, Value
from governance.storage import to_microseconds

Row = list[Any]
AT, INDEX = 0, 1  # places in a row

MINUTE = timedelta(minutes=1) // MICROSECOND
HOUR = timedelta(hours=1) // MICROSECOND
DAY = timedelta(days=1) // MICROSECOND


def moment(event: RecordedEvent) -> int:
    """Give when an event happened, in microseconds since 1970."""
    return to_microseconds(event.time)


def short(pseudonym: str) -> str:
    """Give the end of a pseudonym, enough to tell thousands apart: 60 bits."""
    return pseudonym[-12:]


@dataclass(frozen=True, slots=True)
class Slots:
    """What is remembered of a kind of key, in slots of ``width`` microseconds."""

    name: str
    width: int

    def address(self, key: str, at: int) -> str:
        """Give the key of the slot that holds an instant."""
        return f"{self.name}:{key}|{at // self.width}"

    def of(self, address: str) -> str | None:
        """Give the key of a slot's address; None when it is not one of these."""
        name, _, rest = address.partition(":")
        return rest.rpartition("|")[0] if name == self.name else None

    def at(self, state: RuleState, key: str, at: int) -> Value | None:
        """Give the slot that holds an instant."""
        return state.get(self.address(key, at))

    def near(self, state: RuleState, key: str, at: int) -> list[Value]:
        """Give the slots that a window around an instant can reach, in order of time."""
        found = (state.get(self.address(key, at + step * self.width)) for step in (-1, 0, 1))
        return [value for value in found if value is not None]

    def put(self, state: RuleState, key: str, at: int, value: Value) -> None:
        """Remember a slot until no window can reach it."""
        state.put(self.address(key, at), value, (at // self.width + 2) * self.width)


def add(rows: list[Row], row: Row, most: int) -> bool:
    """Put a row in its place; False when there are ``most`` already."""
    if len(rows) >= most:
        return False
    insort(rows, row, key=_place)
    return True


def keep(value: Value, name: str, item: Any, most: int) -> bool:
    """Put something at the end of a list of a value; False when there are ``most`` already."""
    held: list[Any] = value[name]
    if len(held) >= most:
        return False
    held.append(item)
    return True


def within(values: Sequence[Value], name: str, at: int, width: int) -> list[Row]:
    """Give the rows of slots at most ``width`` before or after an instant, in order."""
    return [row for value in values for row in value[name] if abs(row[AT] - at) <= width]


def fullest(rows: Sequence[Row], at: int, width: int, what: Callable[[Row], Any]) -> list[Row]:
    """Give the rows of the window of ``width`` that holds an instant and the most distinct things, the first of them.

    Args:
        rows: in order of time.
        at: the instant, microseconds.
        width: of the window, microseconds.
        what: says what a row counts for.
    """
    best, most = (0, 0), 0
    for start, end, distinct in _windows(rows, width, what):
        if rows[start][AT] <= at <= rows[start][AT] + width and distinct > most:
            best, most = (start, end), distinct
    return list(rows[best[0] : best[1]])


def _windows(rows: Sequence[Row], width: int, what: Callable[[Row], Any]) -> Iterator[tuple[int, int, int]]:
    """Give each window that begins with a row: from, up to, and how many distinct things are in it."""
    end, held = 0, Counter[Any]()
    for start, first in enumerate(rows):
        while end < len(rows) and rows[end][AT] <= first[AT] + width:
            held[what(rows[end])] += 1
            end += 1
        yield start, end, len(held)
        held[what(first)] -= 1
        if not held[what(first)]:
            del held[what(first)]


def _place(row: Row) -> tuple[int, int]:
    return row[AT], row[INDEX]
