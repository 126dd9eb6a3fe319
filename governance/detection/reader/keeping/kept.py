"""What detectors' memory is made of, and what keeps it between batches: the port, and a keeper in this process.

1. A *value* is one JSON object under a rule and a key. It is written whole, so it must stay small.
2. An *entry* is one JSON object of a list under a rule and a key, with a name of its own and a time. Each is a row:
   adding to a list of many thousand costs what adding to an empty one does.
3. A keeper gives what was kept and takes changes, nothing else. The database's is ``keeper.py``.
"""

from __future__ import annotations

import json
from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

Value = dict[str, Any]
Address = tuple[str, str]  # rule id, key


@dataclass(slots=True)
class Remembered:
    """One remembered value.

    Args:
        due: when it is handed back and forgotten, in microseconds; None to keep it for good.
        stream: the late stream whose time it waits for; None for the region's.
    """

    value: Value
    due: int | None
    stream: str | None = None


class Entry(NamedTuple):
    """One entry of a list: its name there, its time in microseconds, and what it holds."""

    name: str
    at: int
    value: Value


class Due(NamedTuple):
    """A value that will be handed back: when, whose, and the late stream it waits for."""

    due: int
    rule_id: str
    key: str
    stream: str | None


@dataclass(slots=True)
class Changes:
    """What changed in memory: values, entries by list; None for what was forgotten.

    Lists in ``cleared`` lose all their entries first.
    """

    values: dict[Address, Remembered | None] = field(default_factory=dict)
    cleared: set[Address] = field(default_factory=set)
    entries: dict[Address, dict[str, Entry | None]] = field(default_factory=dict)


class Keeper(Protocol):
    """Gives what was kept before."""

    def value(self, rule_id: str, key: str) -> Remembered | None:
        """Give a value."""
        ...

    def values(self, rule_id: str) -> Iterable[tuple[str, Value]]:
        """Give every value of a rule, by key: for what is known to be few."""
        ...

    def due(self, after: int | None, until: int) -> Iterable[Due]:
        """Give the values that are due after one time (None for any) and not after another."""
        ...

    def entry(self, rule_id: str, key: str, name: str) -> Entry | None:
        """Give one entry of a list."""
        ...

    def entries(self, rule_id: str, key: str, since: int, until: int, limit: int, *, newest_first: bool) -> list[Entry]:
        """Give the entries from one time to another (included), by time and name, ``limit`` at most."""
        ...


@dataclass(slots=True)
class _List:
    by_name: dict[str, tuple[int, str]] = field(default_factory=dict)
    order: list[tuple[int, str]] = field(default_factory=list)


class ProcessKeeper:
    """Keeps in this process: for replays and worked examples. Everything makes the trip through JSON."""

    def __init__(self) -> None:
        self._values: dict[Address, tuple[str, int | None, str | None]] = {}
        self._lists: dict[Address, _List] = {}
        self._order: list[tuple[int, str, str]] = []  # what is due, in order

    def value(self, rule_id: str, key: str) -> Remembered | None:
        """Give a value."""
        found = self._values.get((rule_id, key))
        return None if found is None else Remembered(json.loads(found[0]), found[1], found[2])

    def values(self, rule_id: str) -> Iterable[tuple[str, Value]]:
        """Give every value of a rule, by key."""
        return [(key, json.loads(kept[0])) for (rule, key), kept in sorted(self._values.items()) if rule == rule_id]

    def due(self, after: int | None, until: int) -> Iterable[Due]:
        """Give the values that are due in a span."""
        start = 0 if after is None else bisect_left(self._order, (after + 1, "", ""))
        end = bisect_left(self._order, (until + 1, "", ""))
        return [Due(*item, self._values[item[1:]][2]) for item in self._order[start:end]]

    def entry(self, rule_id: str, key: str, name: str) -> Entry | None:
        """Give one entry of a list."""
        kept = self._lists.get((rule_id, key))
        found = None if kept is None else kept.by_name.get(name)
        return None if found is None else Entry(name, found[0], json.loads(found[1]))

    def entries(self, rule_id: str, key: str, since: int, until: int, limit: int, *, newest_first: bool) -> list[Entry]:
        """Give the entries of a span."""
        kept = self._lists.get((rule_id, key))
        if kept is None:
            return []
        low, high = bisect_left(kept.order, (since, "")), bisect_left(kept.order, (until + 1, ""))
        chosen = kept.order[max(low, high - limit) : high][::-1] if newest_first else kept.order[low:high][:limit]
        return [Entry(name, at, json.loads(kept.by_name[name][1])) for at, name in chosen]

    def take(self, changes: Changes) -> None:
        """Take in what changed."""
        for address, item in changes.values.items():
            before = self._values.pop(address, None)
            if before is not None and before[1] is not None:
                del self._order[bisect_left(self._order, (before[1], *address))]
            if item is not None:
                self._values[address] = (json.dumps(item.value), item.due, item.stream)
                if item.due is not None:
                    insort(self._order, (item.due, *address))
        for address in changes.cleared:
            self._lists.pop(address, None)
        for address, entries in changes.entries.items():
            kept = self._lists.setdefault(address, _List())
            for name, entry in entries.items():
                self._take_entry(kept, name, entry)
            if not kept.by_name:
                del self._lists[address]

    def rows(self) -> Mapping[str, int]:
        """Give how much is kept: values, and entries of lists."""
        return {"values": len(self._values), "entries": sum(len(kept.by_name) for kept in self._lists.values())}

    def _take_entry(self, kept: _List, name: str, entry: Entry | None) -> None:
        before = kept.by_name.pop(name, None)
        if before is not None:
            del kept.order[bisect_left(kept.order, (before[0], name))]
        if entry is not None:
            kept.by_name[name] = (entry.at, json.dumps(entry.value))
            insort(kept.order, (entry.at, name))
