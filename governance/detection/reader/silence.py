"""Sources and feeds that are silent or late: one notice an outage, and looks that are held while a feed is silent.

1. A source or a feed is silent when nothing of it comes for half as long again as it was ever silent before, as a rule.
   That is learnt (``clocks.py``); nobody is silent who was not heard of often enough to have a rhythm.
2. One notice an outage, however long: told when it is noticed, and again, under the same key, when it is over.
3. While the feed of relationships of a trust is silent, a look there that nothing explains says nothing: the reason may
   be on its way. Such a look is held. Once the feed came again and ``SETTLE`` has passed, it is explained anew.
4. What is held is bounded: an outage of more than ``HELD_FOR``, or of more than ``HELD_MOST`` looks, is given up by
   name. Looks are then judged by what is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection.reader.clocks import HOLD, HOUR, Clock
from governance.detection.reader.delays import MINUTE, within
from governance.detection.reader.keeping.lists import StateList
from governance.detection.reader.state import RuleMemory
from governance.storage import from_microseconds, to_microseconds
from governance.vocabulary import SYSTEM, AlertKind, EventKind, Severity

CONTEXT_DEGRADED = "context_degraded"
SOURCE_SILENT = "source_silent"
READER = "reader"  # the rule under whose name the reader's own memory is kept

EXPLAINING = "edges"  # the feed whose silence makes looks wait
SETTLE = 10 * MINUTE  # of the front, after a feed came again, until what was held is explained anew
HELD_FOR = 72 * HOUR
HELD_MOST = 50_000
ANYBODY = "*"  # whose feed it is when it names no trust
_HEARD_OFTEN = {False: 20, True: 4}  # silences known, of a source and of a feed, before it has a rhythm
_FLOOR = {False: 2 * HOUR, True: HOUR}
_CEILING = 5 * 24 * HOUR
_KEPT = 120 * 24 * HOUR


def feed_of(event: RecordedEvent) -> tuple[str, str] | None:
    """Give the feed that an event of ours tells of: its kind, and whose it is."""
    name = event.detail.get("feed")
    if event.kind is not EventKind.CONFIG or event.source.id != SYSTEM or not isinstance(name, str):
        return None
    return name, (event.subject.ods if event.subject else None) or ANYBODY


class Silences:
    """Watches the clocks of a memory, and holds looks."""

    def hear(self, event: RecordedEvent, memory: RuleMemory) -> None:
        """Take note of a feed."""
        found = feed_of(event)
        if found is None:
            return
        name = f"{found[0]}/{found[1]}"
        memory.clocks.hear_feed(name, found[1])
        clock = memory.clocks.feed(name)
        if clock is not None and clock.silent is not None:
            clock.state.setdefault("back", memory.clocks.front or 0)

    def look(self, event: RecordedEvent, memory: RuleMemory) -> Iterator[Finding]:
        """Look at every clock, and tell what began or is over; what is held is dealt with first."""
        front = memory.clocks.front or 0
        for name, clock in memory.clocks.sources():
            if name != SYSTEM:
                yield from self._source(name, clock, front, event, memory)
        for name, clock in memory.clocks.feeds():
            yield from self._feed(name, clock, front, event, memory)

    def silent_feed(self, trusts: Iterable[str], memory: RuleMemory) -> str | None:
        """Give the feed whose silence makes looks at these trusts wait; None when there is none."""
        for ods in (*trusts, ANYBODY):
            name = f"{EXPLAINING}/{ods}"
            clock = memory.clocks.feed(name)
            if clock is not None and clock.silent is not None and "given_up" not in clock.state:
                return name
        return None

    def hold(self, event: RecordedEvent, feed: str, memory: RuleMemory) -> None:
        """Hold a look until a feed has come again."""
        at = to_microseconds(event.time)
        held = self.held(feed, memory)
        held.put(f"{event.index:016}", at, {}, keep=_KEPT)
        clock = memory.clocks.feed(feed)
        if clock is not None:
            clock.state["held"] = clock.state.get("held", 0) + 1
            clock.state["oldest"] = min(clock.state.get("oldest", at), at)
            if len(held) >= HELD_MOST:
                clock.state["given_up"] = "too many"
            memory.clocks.changed(feed, feed=True)

    def held(self, feed: str, memory: RuleMemory) -> StateList:
        """Give the looks that are held for a feed: their names are indexes of the log."""
        return memory.of(READER).list(f"held:{feed}")

    def releasing(self, memory: RuleMemory) -> str | None:
        """Give the feed whose held looks are to be explained anew now; None when there is none."""
        front = memory.clocks.front or 0
        for name, clock in memory.clocks.feeds():
            if clock.silent is None or "oldest" not in clock.state:
                continue
            if "given_up" in clock.state or front - clock.state.get("back", front) >= SETTLE:
                return name
        return None

    def released(self, feed: str, memory: RuleMemory) -> None:
        """Say that nothing is held for a feed any more."""
        clock = memory.clocks.feed(feed)
        if clock is not None:
            clock.state.pop("oldest", None)
            memory.clocks.changed(feed, feed=True)

    def _source(
        self, name: str, clock: Clock, front: int, event: RecordedEvent, memory: RuleMemory
    ) -> Iterator[Finding]:
        behind = front - clock.high
        if clock.silent is None:
            usual = _usual(clock, feed=False)
            if usual is None or behind <= usual:
                return
            clock.silent = clock.high
            late = clock.heard > clock.high + HOLD
            evidence = _evidence("source_late" if late else "source_silent", _source_words(late, behind, usual), behind)
        elif behind <= HOLD:
            since, clock.silent = clock.silent, None
            memory.clocks.changed(name, feed=False)
            sentence = f"The source came back and has caught up; it was silent or late for {_span(clock.high - since)}."
            yield _notice(SOURCE_SILENT, name, clock, since, event, _evidence("source_back", sentence, front - since))
            return
        else:
            return
        memory.clocks.changed(name, feed=False)
        yield _notice(SOURCE_SILENT, name, clock, clock.silent, event, evidence)

    def _feed(self, name: str, clock: Clock, front: int, event: RecordedEvent, memory: RuleMemory) -> Iterator[Finding]:
        kind = name.partition("/")[0]
        if clock.silent is None:
            usual = _usual(clock, feed=True)
            if usual is None or front - clock.heard <= usual:
                return
            clock.silent = clock.heard
            clock.state = {}
            sentence = _feed_words(kind, front - clock.heard, usual)
            evidence = _evidence("feed_silent", sentence, front - clock.heard)
        elif "back" in clock.state and front - clock.state["back"] >= SETTLE and "oldest" not in clock.state:
            evidence = _over(kind, clock)
            since, clock.silent, clock.state = clock.silent, None, {}
            memory.clocks.changed(name, feed=True)
            yield _notice(CONTEXT_DEGRADED, name, clock, since, event, evidence)
            return
        elif "given_up" not in clock.state and "back" not in clock.state and front - clock.silent > HELD_FOR:
            clock.state["given_up"] = "too long"
            sentence = (
                f"The feed of {kind} has been silent for more than {_span(HELD_FOR)}: looks are judged without it "
                "from here on."
            )
            evidence = _evidence("context_given_up", sentence, front - clock.silent)
        else:
            return
        memory.clocks.changed(name, feed=True)
        yield _notice(CONTEXT_DEGRADED, name, clock, clock.silent, event, evidence)


def _usual(clock: Clock, *, feed: bool) -> int | None:
    """Give how long a silence is still usual; None for one that has no rhythm."""
    rhythm = clock.rhythm
    if rhythm is None or clock.gaps.total < _HEARD_OFTEN[feed]:
        return None
    return within(rhythm * 3 // 2, _FLOOR[feed], _CEILING)


def _over(kind: str, clock: Clock) -> Evidence:
    span = _span(clock.state["back"] - (clock.silent or 0))
    count = clock.state.get("held", 0)
    looks = {0: "no look was held", 1: "one look was held"}.get(count, f"{count} looks were held")
    given_up = " It had been given up before that." if "given_up" in clock.state else ""
    sentence = f"The feed of {kind} came again after {span}; {looks} meanwhile and then explained anew.{given_up}"
    return Evidence("feed_back", count, None, 0, None, sentence)


def _source_words(late: bool, behind: int, usual: int) -> str:
    if late:
        return f"The source sends what is {_span(behind)} old; it is usually {_span(usual)} behind at most."
    return f"The source has sent nothing for {_span(behind)}; {_span(usual)} without a word is the most that is usual."


def _feed_words(kind: str, silent: int, usual: int) -> str:
    held = " Looks that nothing explains are held until it comes." if kind == EXPLAINING else ""
    return (
        f"The feed of {kind} has brought nothing for {_span(silent)}; {_span(usual)} is the most that is usual.{held}"
    )


def _span(length: int) -> str:
    """Give a length of time in words."""
    minutes = max(length // MINUTE, 1)
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= 2 * size or size == 1:
            count = minutes // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return ""


def _evidence(signal: str, sentence: str, observed: int) -> Evidence:
    return Evidence(signal, round(observed / HOUR, 2), None, 0, None, sentence)


def _notice(family: str, name: str, clock: Clock, since: int, event: RecordedEvent, evidence: Evidence) -> Finding:
    began: datetime = from_microseconds(since)
    trusts = () if clock.ods in {"", ANYBODY} else (clock.ods,)
    return Finding(
        rule_id=family,
        family=family,
        severity=Severity.LOW,
        subject=None,
        about=name,
        occurred_at=began,
        evidence=(evidence,),
        events=(event.index,),
        trusts=trusts,
        kind=AlertKind.NOTICE,
        key=f"{family}|{name}|{since}",
        found_at=event.index,
    )
