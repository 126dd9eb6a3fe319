"""A list in a rule's memory: entries with names and times, each a row of its own, read when they are asked for.

1. Adding, finding and removing an entry cost the same whatever the length. How many there are is kept beside them.
2. Reading asks for a span of time and a limit: no rule reads a list whole for each event.
3. A list is forgotten, silently, when the watermark passes the time that its last entry was kept for. A rule that wants
   to be called then puts a value beside it.

Example: ``seen = state.list(patient); if seen.get(who) is None: seen.put(who, at, {}, keep=window)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from governance.detection.reader.keeping.kept import Entry, Value

if TYPE_CHECKING:
    from governance.detection.reader.state import RuleMemory

LIST = "\x1f"  # before the key of a list's own record, no part of any key
ALWAYS = 1 << 62  # a time after every other
_STEP = 1_000  # entries removed at a time


class StateList:
    """One list; made by :meth:`~governance.detection.reader.state.RuleState.list`."""

    __slots__ = ("_key", "_memory", "_rule_id")

    def __init__(self, memory: RuleMemory, rule_id: str, key: str) -> None:
        self._memory = memory
        self._rule_id = rule_id
        self._key = key

    def __len__(self) -> int:
        """Give how many entries there are."""
        record = self._record()
        return 0 if record is None else int(record["n"])

    def get(self, name: str) -> Entry | None:
        """Give the entry of a name."""
        return None if self._record() is None else self._memory.entry(self._rule_id, self._key, name)

    def put(self, name: str, at: int, value: Value, *, keep: int) -> None:
        """Add an entry, or replace the one of that name.

        Args:
            name: what it is found by.
            at: its time, in microseconds.
            value: what it holds.
            keep: how long after that the list is kept at least, in microseconds.
        """
        record = self._record() or {"n": 0, "low": at, "until": 0}
        fresh = self.get(name) is None
        record = {
            "n": record["n"] + fresh,
            "low": min(record["low"], at),
            "until": max(record["until"], at + keep),
        }
        self._memory.keep(self._rule_id, LIST + self._key, record, record["until"])
        self._memory.keep_entry(self._rule_id, self._key, name, Entry(name, at, value))

    def remove(self, name: str) -> None:
        """Remove the entry of a name, if there is one."""
        record = self._record()
        if record is None or self.get(name) is None:
            return
        self._memory.keep_entry(self._rule_id, self._key, name, None)
        if record["n"] > 1:
            self._memory.keep(self._rule_id, LIST + self._key, record | {"n": record["n"] - 1}, record["until"])
        else:
            self.clear()

    def between(self, since: int, until: int, limit: int, *, newest_first: bool = False) -> list[Entry]:
        """Give the entries from one time to another (both included), by time and name, ``limit`` at most."""
        if self._record() is None:
            return []
        return self._memory.entries(self._rule_id, self._key, since, until, limit, newest_first=newest_first)

    def oldest(self, limit: int) -> list[Entry]:
        """Give the oldest entries."""
        return self.between(0, ALWAYS, limit)

    def newest(self, limit: int) -> list[Entry]:
        """Give the newest entries, newest first."""
        return self.between(0, ALWAYS, limit, newest_first=True)

    def prune(self, before: int) -> int:
        """Remove the entries older than a time; gives how many there were. Cheap when there are none."""
        gone = 0
        while (record := self._record()) is not None and record["low"] < before:
            old = self.between(0, before - 1, _STEP)
            for entry in old:
                self.remove(entry.name)
            gone += len(old)
            if len(old) < _STEP and (record := self._record()) is not None:
                first = self.oldest(1)
                low = first[0].at if first else before
                self._memory.keep(self._rule_id, LIST + self._key, record | {"low": max(low, before)}, record["until"])
        return gone

    def clear(self) -> None:
        """Remove every entry."""
        self._memory.forget(self._rule_id, LIST + self._key)
        self._memory.clear(self._rule_id, self._key)

    def _record(self) -> Value | None:
        return self._memory.find(self._rule_id, LIST + self._key)
