"""How far the log has got, a source at a time: high waters, learnt lags and rhythms, and the region's watermark.

1. Everything here is learnt from the log alone, so a second reading learns the same. The *front* is the greatest event
   time seen; it is the log's own time. A source's clock counts for at most ``SKEW`` beyond the time the log recorded
   the event, so none can push it. Months of history loaded in an hour are judged as they would have been live.
2. A source's *lag* is how far behind the front its events come, its *disorder* how far behind its own high water, its
   *rhythm* how long it is silent between them: decayed high quantiles, one observation in five minutes at most, so that
   one spool of many thousand events teaches next to nothing.
3. The *region's watermark* is the least watermark (high water less disorder) of the sources that are alive. One that is
   silent for longer than its rhythm, or so far behind that it sends history, does not hold it back. It never goes back.
4. Events behind the region's watermark make a *late stream*: of a source that sends history, or of the backlog that a
   source sends beside its live events. What they touch is judged by that stream's own high water, until it has
   caught up or nothing came for ``ENDED``.
5. The watermark is looked at once a minute of the front, so many sources cost little.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from governance.audit.event import RecordedEvent
from governance.detection.reader.delays import MINUTE, Delays, delays_of, within
from governance.detection.reader.keeping.kept import Value
from governance.storage import to_microseconds

MICROSECOND = timedelta(microseconds=1)
LATENESS = timedelta(minutes=15)  # the least that a source is taken to be late or out of order
SKEW = timedelta(minutes=5)  # how far a source's clock may run ahead of the log's

_SLOT = 5 * MINUTE  # of the front: the worst delay in one is one observation
HOUR = 60 * MINUTE
MOST_LAG = 6 * HOUR  # a lag beyond is an outage, and not learnt
HOLD = 2 * HOUR  # the longest that a source holds the region's watermark back
ENDED = HOUR  # of the front, without an event, after which a late stream is over
SOURCES = 4_000  # clocks kept; those heard of longest ago go first
_FORGOTTEN = 40 * 24 * HOUR
UNKNOWN_RHYTHM = 30 * MINUTE  # the longest that a source holds it back whose rhythm is not known yet
BACKLOG = "\x1f"  # before a source's id, no part of any: what it sends from the past beside its live events
_REGION = "\x1f*"
_FEED = "\x1f#"  # before the name of a feed


@dataclass(slots=True)
class Clock:
    """What is known of one source, or of a feed: times in microseconds of event time.

    ``high`` is its greatest event time, ``heard`` the front when it was last heard of, ``ods`` whose it is, ``silent``
    the instant since when it is silent, once that was told.
    """

    high: int
    heard: int
    ods: str = ""
    lags: Delays = field(default_factory=Delays)
    disorders: Delays = field(default_factory=Delays)
    gaps: Delays = field(default_factory=Delays)
    worst: list[int] = field(default_factory=lambda: [0, 0, 0])  # slot, and the worst lag and disorder in it
    silent: int | None = None
    state: Value = field(default_factory=dict)

    @property
    def lag(self) -> int:
        """Give how far behind the front its events come, at most, as a rule."""
        return within(self.lags.quantile(950) or 0, LATENESS // MICROSECOND, MOST_LAG)

    @property
    def watermark(self) -> int:
        """Give the time up to which its events are taken to have come."""
        return self.high - within(self.disorders.quantile(950) or 0, LATENESS // MICROSECOND, HOLD)

    @property
    def rhythm(self) -> int | None:
        """Give how long it is silent at most, as a rule; None before it was heard of often enough."""
        return self.gaps.quantile(995) if self.gaps.total >= 4 else None

    @property
    def patience(self) -> int:
        """Give how long it may be silent and still hold the region's watermark back."""
        rhythm = self.rhythm
        return UNKNOWN_RHYTHM if rhythm is None else within(rhythm * 3 // 2, LATENESS // MICROSECOND, HOLD)

    def hear(self, front: int) -> int:
        """Take note that it was heard of; gives how long it had been silent."""
        gap = max(front - self.heard, 0)
        if front // _SLOT != self.heard // _SLOT:
            usual = self.rhythm
            outage = self.silent is not None and usual is not None
            self.gaps.add(min(gap, (usual or 0) * 5 // 4) if outage else gap)  # one outage makes no rhythm
        self.heard = max(front, self.heard)
        return gap

    def learn(self, front: int, lag: int, disorder: int) -> None:
        """Take note of how late an event came."""
        slot = front // _SLOT
        if slot != self.worst[0]:
            if self.worst[1] <= MOST_LAG:
                self.lags.add(self.worst[1])
            if self.worst[2] <= MOST_LAG:
                self.disorders.add(self.worst[2])
            self.worst = [slot, 0, 0]
        self.worst = [slot, max(self.worst[1], lag), max(self.worst[2], disorder)]

    def to_value(self) -> Value:
        """Give it as JSON."""
        return {
            "high": self.high,
            "heard": self.heard,
            "ods": self.ods,
            "lags": self.lags.to_value(),
            "disorders": self.disorders.to_value(),
            "gaps": self.gaps.to_value(),
            "worst": list(self.worst),
            "silent": self.silent,
            "state": dict(self.state),
        }


def clock_of(value: Value) -> Clock:
    """Give the clock of a JSON object that :meth:`Clock.to_value` made."""
    return Clock(
        value["high"],
        value["heard"],
        value["ods"],
        delays_of(value, "lags"),
        delays_of(value, "disorders"),
        delays_of(value, "gaps"),
        list(value["worst"]),
        value["silent"],
        dict(value["state"]),
    )


class Clocks:
    """The clocks of all sources and what follows from them.

    Args:
        lateness: the least that events may be out of order before a deferred check stops waiting.
    """

    def __init__(self, lateness: timedelta = LATENESS) -> None:
        self._lateness = lateness // MICROSECOND
        self._sources: dict[str, Clock] = {}
        self._late: dict[str, Clock] = {}
        self._feeds: dict[str, Clock] = {}
        self._looked = -1  # the minute of the front that the watermark was last looked at in
        self._changed: set[str] = set()
        self.minute = False  # whether the event seen last began a minute of the front
        self.front: int | None = None
        self.watermark: int | None = None

    def hear_feed(self, name: str, ods: str) -> None:
        """Take note that a feed came."""
        front = self.front or 0
        clock = self._feeds.get(name)
        if clock is None:
            clock = self._feeds[name] = Clock(front, front, ods)
        clock.hear(front)
        clock.high = front
        self._changed.add(_FEED + name)

    def see(self, event: RecordedEvent) -> str | None:
        """Let an event move the clocks; gives the late stream it belongs to, None when it came in time."""
        at = to_microseconds(min(event.time, event.recorded_at + SKEW))
        front = self.front = at if self.front is None else max(self.front, at)
        name = event.source.id
        clock = self._sources.get(name)
        if clock is None:
            clock = self._sources[name] = Clock(at, front, event.source.ods)
        clock.hear(front)
        clock.learn(front, front - at, max(clock.high - at, 0))
        clock.high = max(clock.high, at)
        self._changed.add(name)
        stream = self._stream(name, clock, at, front)
        self.minute = self._look()
        return stream

    def due_stream(self, name: str, due: int) -> bool:
        """Say whether a late stream has passed a time, has caught up, or is over."""
        clock = self._late.get(name)
        return clock is None or due <= clock.high - self._lateness

    def active(self, name: str) -> bool:
        """Say whether a late stream still comes in."""
        return name in self._late

    def high(self, name: str | None) -> int:
        """Give the high water of a late stream, or the front; 0 before the first event."""
        clock = None if name is None else self._late.get(name)
        return (self.front or 0) if clock is None else clock.high

    @property
    def settled(self) -> int:
        """Give the time before which nothing is awaited any more, late streams included; 0 before the first event."""
        found = [clock.high - self._lateness for clock in self._late.values()]
        held: list[int] = [clock.state["oldest"] for clock in self._feeds.values() if "oldest" in clock.state]
        return min([self.watermark or 0, *found, *held])

    def source(self, name: str) -> Clock | None:
        """Give the clock of a source."""
        return self._sources.get(name)

    def sources(self) -> Iterable[tuple[str, Clock]]:
        """Give all sources' clocks by name."""
        return sorted(self._sources.items())

    def feeds(self) -> Iterable[tuple[str, Clock]]:
        """Give all feeds' clocks by name."""
        return sorted(self._feeds.items())

    def feed(self, name: str) -> Clock | None:
        """Give the clock of a feed."""
        return self._feeds.get(name)

    def changed(self, name: str, *, feed: bool) -> None:
        """Say that a clock was changed from outside."""
        self._changed.add(_FEED + name if feed else name)

    def changes(self) -> dict[str, Value | None]:
        """Give what changed since the last call, as JSON by name; None for what was forgotten."""
        found: dict[str, Value | None] = {}
        for name in sorted(self._changed):
            feed = self._feeds.get(name.removeprefix(_FEED)) if name.startswith(_FEED) else None
            clock = feed or self._sources.get(name) or self._late.get(name)
            found[name] = None if clock is None else clock.to_value() | {"late": name in self._late}
        if self._changed:
            found[_REGION] = {"front": self.front, "watermark": self.watermark, "looked": self._looked}
        self._changed.clear()
        return found

    def restore(self, rows: Iterable[tuple[str, Value]]) -> None:
        """Put back what :meth:`changes` gave."""
        for name, value in rows:
            if name == _REGION:
                self.front, self.watermark, self._looked = value["front"], value["watermark"], value["looked"]
            elif name.startswith(_FEED):
                self._feeds[name.removeprefix(_FEED)] = clock_of(value)
            elif value["late"]:
                self._late[name] = clock_of(value)
                if not name.startswith(BACKLOG):
                    self._sources[name] = self._late[name]
            else:
                self._sources[name] = clock_of(value)

    def _stream(self, name: str, clock: Clock, at: int, front: int) -> str | None:
        """Give the late stream of an event, and let it move that."""
        if self.watermark is None or at >= self.watermark:
            return None
        if at >= clock.watermark:  # in its source's own order: the source itself is late
            self._late[name] = clock
            return name
        name = BACKLOG + name
        late = self._late.get(name)
        if late is None:
            late = self._late[name] = Clock(at, front, clock.ods)
        late.high, late.heard = max(late.high, at), front
        self._changed.add(name)
        return name

    def _look(self) -> bool:
        """Move the region's watermark (rules 3 and 5) and end the late streams that are over; once a minute."""
        front = self.front or 0
        if front // MINUTE == self._looked:
            return False
        self._looked = front // MINUTE
        least = front - self._lateness
        for clock in self._sources.values():
            if front - clock.heard <= clock.patience and front - clock.high <= HOLD:
                least = min(least, clock.watermark)
        self.watermark = least if self.watermark is None else max(self.watermark, least)
        for name, clock in list(self._late.items()):
            if clock.high >= self.watermark or front - clock.heard > ENDED:
                del self._late[name]
                self._changed.add(name)
        self._forget(front)
        return True

    def _forget(self, front: int) -> None:
        """Drop the clocks of sources not heard of for long, and of the most silent ones when there are too many."""
        if len(self._sources) <= SOURCES and all(front - one.heard <= _FORGOTTEN for one in self._sources.values()):
            return
        silent = sorted((clock.heard, name) for name, clock in self._sources.items() if name not in self._late)
        many = max(len(silent) - SOURCES, 0)
        for place, (heard, name) in enumerate(silent):
            if place >= many and front - heard <= _FORGOTTEN:
                break
            del self._sources[name]
            self._changed.add(name)
