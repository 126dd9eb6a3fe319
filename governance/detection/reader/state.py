"""What detectors remember between events: keyed JSON values with a due time, and lists of entries, in event time.

1. A value belongs to a rule and a key (a patient, a decision, a subject and a day). Only changed values are written,
   each whole: what grows without bound is a list (``keeping/lists.py``), whose entries are rows of their own.
2. A value with a due time is handed back to its rule, and forgotten, when the watermark reaches it: this is both how
   a deferred check fires and how memory stays bounded.
3. Time goes by the key's own sources (``clocks.py``). What came in time waits for the region's watermark; what a late
   stream touched waits for that stream's own time as well, so a spool ten days old is judged as if it had come in time.
   One that arrives after even that has passed waits anew: until the watermark reaches the present.
4. ``now`` is the time of the sources of what is judged: a late stream's high water, else the greatest event time seen.
   ``settled`` is the time before which nothing is awaited from anybody: what is older than that may be forgotten.
5. Everything here survives a trip through JSON unchanged, so a restart between two events changes nothing. Times are
   whole microseconds since 1970.
6. Values and entries are read when they are asked for, and ``HELD`` of those used last are held.
"""

from __future__ import annotations

import heapq
from datetime import timedelta

from governance.audit.event import RecordedEvent
from governance.detection.reader.clocks import LATENESS, MICROSECOND, SKEW, Clocks
from governance.detection.reader.keeping.kept import (
    Address,
    Changes,
    Due,
    Entry,
    Keeper,
    ProcessKeeper,
    Remembered,
    Value,
)
from governance.detection.reader.keeping.lists import LIST, StateList
from governance.lru import LruCache

__all__ = ["LATENESS", "MICROSECOND", "SKEW", "Remembered", "RuleMemory", "RuleState", "Value"]

CLOCKS = "reader.clocks"  # the rule under whose name the clocks are kept
HELD = 50_000  # values held in this process, and a sixteenth of that many lists; twice as many at most
_UNKNOWN = Remembered({}, None)  # nobody asked yet
LONGEST = 512  # entries held of one list


class RuleMemory:
    """The memory of every rule, the clocks, and what changed since it was last written.

    Args:
        lateness: the least that events may be out of order before a deferred check stops waiting.
        keeper: gives what was kept before; by default one in this process, which keeps what :meth:`settle` gives it.
        held: values, and entries, held beside those that changed.
    """

    def __init__(self, lateness: timedelta = LATENESS, *, keeper: Keeper | None = None, held: int = HELD) -> None:
        self.clocks = Clocks(lateness)
        self.keeper: Keeper = ProcessKeeper() if keeper is None else keeper
        self._clean: LruCache[Address, Remembered | None] = LruCache(held)
        self._clean_lists: LruCache[Address, dict[str, Entry | None]] = LruCache(max(held // 16, 1))
        self._changes = Changes()
        self._due: dict[str | None, list[tuple[int, str, str]]] = {None: []}
        self._loaded: int | None = None  # the values due until then are in the queue
        self._stream: str | None = None
        self._now: int | None = None
        self.clocks.restore(self.keeper.values(CLOCKS))

    def see(self, event: RecordedEvent) -> None:
        """Let an event move the clocks, and judge by the time of its source from here on."""
        self.judge_by(self.clocks.see(event))

    def judge_by(self, stream: str | None, now: int | None = None) -> None:
        """Judge by the time of a late stream, or of the region; ``now`` sets the time by hand."""
        self._stream, self._now = stream, now

    @property
    def stream(self) -> str | None:
        """Give the late stream that is judged by."""
        return self._stream

    @property
    def now(self) -> int:
        """Give the time of the sources of what is judged, in microseconds; 0 before the first event."""
        return self.clocks.high(self._stream) if self._now is None else self._now

    def of(self, rule_id: str) -> RuleState:
        """Give the memory of one rule."""
        return RuleState(self, rule_id)

    def load(self, until: int) -> None:
        """Queue what is due until a time; what is read next must not move the front beyond it."""
        if self._loaded is None or until > self._loaded:
            for item in self.keeper.due(self._loaded, until):
                self._queue(item)
            self._loaded = until

    def next_due(self) -> tuple[str, str, Value, int] | None:
        """Hand back the next value whose time has come, in order of due time, rule and key, and forget it."""
        while (queue := self._next_queue()) is not None:
            stream, (due, rule_id, key) = queue[0], heapq.heappop(self._due[queue[0]])
            found = self._found((rule_id, key))
            if found is None or found.due != due or found.stream != stream:
                continue
            self.forget(rule_id, key)
            if key.startswith(LIST):
                self.clear(rule_id, key.removeprefix(LIST))
                continue
            self.judge_by(stream if stream is not None and self.clocks.active(stream) else None)
            return rule_id, key, found.value, due
        return None

    def changes(self) -> Changes:
        """Give what changed since the last call, and start counting anew."""
        for name, value in self.clocks.changes().items():
            self._changes.values[CLOCKS, name] = None if value is None else Remembered(value, None)
        changes, self._changes = self._changes, Changes()
        for address, item in changes.values.items():
            self._clean.put(address, item)
        for place, entries in changes.entries.items():
            self._known_entries(place).update(entries)
        return changes

    def settle(self) -> None:
        """Let a keeper in this process take what changed; any other is written by whoever opened it."""
        if isinstance(self.keeper, ProcessKeeper):
            self.keeper.take(self.changes())

    def find(self, rule_id: str, key: str) -> Value | None:
        """Give a remembered value."""
        found = self._found((rule_id, key))
        return None if found is None else found.value

    def due_of(self, rule_id: str, key: str) -> int | None:
        """Give when a remembered value is due."""
        found = self._found((rule_id, key))
        return None if found is None else found.due

    def keep(self, rule_id: str, key: str, value: Value, due: int | None) -> None:
        """Remember a value (rule 3)."""
        address = rule_id, key
        before = self._found(address)
        stream = self._stream
        if stream is None and before is not None and before.stream is not None and self.clocks.active(before.stream):
            stream = before.stream
        if due is not None:
            due = self._waiting(due, stream)
        self._changes.values[address] = Remembered(value, due, stream)
        fresh = before is None or (before.due, before.stream) != (due, stream)
        if due is not None and fresh and self._loaded is not None and due <= self._loaded:
            self._queue(Due(due, rule_id, key, stream))

    def forget(self, rule_id: str, key: str) -> None:
        """Forget a value."""
        if self._found((rule_id, key)) is not None:
            self._changes.values[rule_id, key] = None

    def entry(self, rule_id: str, key: str, name: str) -> Entry | None:
        """Give an entry of a list."""
        changed = self._changes.entries.get((rule_id, key), {})
        if name in changed:
            return changed[name]
        if (rule_id, key) in self._changes.cleared:
            return None
        known = self._known_entries((rule_id, key))
        if name not in known:
            known[name] = self.keeper.entry(rule_id, key, name)
        return known[name]

    def entries(
        self, rule_id: str, key: str, since: int, until: int, limit: int, *, newest_first: bool = False
    ) -> list[Entry]:
        """Give entries of a list by time and name, ``limit`` at most."""
        changed = self._changes.entries.get((rule_id, key), {})
        kept: list[Entry] = []
        if (rule_id, key) not in self._changes.cleared:
            more = limit + len(changed)
            kept = self.keeper.entries(rule_id, key, since, until, more, newest_first=newest_first)
        if not changed:
            return kept[:limit]
        both = [entry for entry in kept if entry.name not in changed]
        both += [entry for entry in changed.values() if entry is not None and since <= entry.at <= until]
        both.sort(key=lambda entry: (entry.at, entry.name), reverse=newest_first)
        return both[:limit]

    def keep_entry(self, rule_id: str, key: str, name: str, entry: Entry | None) -> None:
        """Remember an entry of a list, or forget it."""
        self._changes.entries.setdefault((rule_id, key), {})[name] = entry

    def clear(self, rule_id: str, key: str) -> None:
        """Forget every entry of a list."""
        self._changes.cleared.add((rule_id, key))
        self._changes.entries.pop((rule_id, key), None)
        self._clean_lists.put((rule_id, key), {})

    def _known_entries(self, address: Address) -> dict[str, Entry | None]:
        """Give the entries of a list that are held; a long list begins anew."""
        known = self._clean_lists.get(address)
        if known is None or len(known) >= LONGEST:
            known = {}
            self._clean_lists.put(address, known)
        return known

    def _found(self, address: Address) -> Remembered | None:
        if address in self._changes.values:
            return self._changes.values[address]
        found = self._clean.get(address, _UNKNOWN)
        if found is _UNKNOWN:
            found = self.keeper.value(*address)
            self._clean.put(address, found)
        return found

    def _waiting(self, due: int, stream: str | None) -> int:
        """Give when a value can be due at the earliest, so that it waits at least once (rule 3)."""
        clocks = self.clocks
        if stream is not None:
            return max(due, clocks.high(stream)) if clocks.due_stream(stream, due) else due
        over = clocks.watermark is not None and due <= clocks.watermark
        return max(due, clocks.front or 0) if over else due

    def _queue(self, item: Due) -> None:
        heapq.heappush(self._due.setdefault(item.stream, []), item[:3])

    def _next_queue(self) -> tuple[str | None] | None:
        """Give the stream whose queue begins with what comes first of all whose time has come; None without any."""
        watermark, best, first = self.clocks.watermark, None, None
        if watermark is None:
            return None
        for stream, queue in list(self._due.items()):
            if not queue:
                if stream is not None:
                    del self._due[stream]
                continue
            due = queue[0][0]
            if due > watermark or (stream is not None and not self.clocks.due_stream(stream, due)):
                continue
            if first is None or queue[0] < first:
                best, first = (stream,), queue[0]
        return best


class RuleState:
    """What one rule may do with its own part of the memory."""

    __slots__ = ("_memory", "_rule_id")

    def __init__(self, memory: RuleMemory, rule_id: str) -> None:
        self._memory = memory
        self._rule_id = rule_id

    @property
    def now(self) -> int:
        """Give the time of the sources of what is judged, in microseconds; 0 before the first event."""
        return self._memory.now

    @property
    def settled(self) -> int:
        """Give the time before which nothing is awaited any more, from anybody: what is older may be forgotten."""
        return self._memory.clocks.settled

    def lag(self, source: str) -> int:
        """Give how late a source's events come as a rule, in microseconds: learnt, a quarter of an hour at least."""
        clock = self._memory.clocks.source(source)
        return LATENESS // MICROSECOND if clock is None else clock.lag

    def get(self, key: str) -> Value | None:
        """Give the value of a key; a change to it must be :meth:`put`."""
        return self._memory.find(self._rule_id, key)

    def put(self, key: str, value: Value, due: int | None) -> None:
        """Remember a value until the watermark reaches ``due`` (microseconds), or for good. It is written whole."""
        self._memory.keep(self._rule_id, key, value, due)

    def drop(self, key: str) -> None:
        """Forget a value."""
        self._memory.forget(self._rule_id, key)

    def list(self, key: str) -> StateList:
        """Give the list of a key: for what may grow large. Its keys are apart from those of values."""
        return StateList(self._memory, self._rule_id, key)
