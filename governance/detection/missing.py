"""What a source's accesses lack: how long their decisions are late as a rule, and whether many lack one at once.

1. Patience is learnt from a source's own delays, one observation in five minutes; a delay beyond ``MOST_LEARNT`` is an
   outage and not learnt. There are two: how long until a source may be told of, and, longer, until a person is of whom
   an access names what has not come: most of what is late comes, and an accusation taken back is one too many.
2. Accesses are counted in slots of five minutes of their own time. A slot is settled once nothing of it waits any more,
   so what is concluded depends on when things happened, not on the order in which they were heard of.
3. A source is *dark* in a slot when, in some span up to it (``_SPANS``), at least ``MANY`` of its accesses, of
   ``PEOPLE`` persons, and a quarter of all of them lack a decision. One person who goes round the decision point again
   and again makes no source dark. Before the slot is settled those that wait count with them: that says what is told
   at once and what is not, and no more.
4. It is dark until no slot of a day was. What still has no decision then, while most of the others got theirs, is named
   one by one.
5. Everything counted is bounded; the lists are rows of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from governance.audit.event import RecordedEvent
from governance.detection.reader.delays import MINUTE, Delays, within
from governance.detection.reader.keeping.kept import Entry
from governance.detection.reader.state import LATENESS, MICROSECOND, RuleState, Value
from governance.detection.reader.waiting import from_value, to_value
from governance.storage import to_microseconds

HOUR = 60 * MINUTE
MANY = 5  # accesses that lack a decision at once before it is about their source
PEOPLE = 3
MOST = 360 * MINUTE  # the longest patience before a source is told of
LEAST_OF_PEOPLE, MOST_OF_PEOPLE = 72 * HOUR, 120 * HOUR  # patience before a person is
MOST_LEARNT = MOST_OF_PEOPLE
DARK, SLOT = "dark:", "slot:"  # before a source that lacks decisions, and before one of its slots that is not settled
LATE = "late:"  # before a slot whose people are not told of yet
SHOWN = 200  # log entries of a notice
_WIDTH = 5 * MINUTE
_SPANS = (3, 12, 72, 288)  # slots before one that count with it: a quarter of an hour to a day
_DAY = 24 * 60 * MINUTE
_REMEMBERED = MOST_OF_PEOPLE + 2 * _DAY  # how long an access stays among those of its source that lack one
_SLOTS = 2 * _DAY // _WIDTH  # kept
_TAKEN = 5_000  # accesses that one slot settles
_KEPT = 45 * _DAY
_SEEN, _MISSED, _WAITING, _WHO, _WHO_WAITS = range(5)


@dataclass(frozen=True, slots=True)
class Lacking:
    """An access without a decision: the finding that was told of it, if any, and whether it names one."""

    access: RecordedEvent
    told: str | None
    named: bool


def patience(state: RuleState, source: str) -> int:
    """Give how long to wait beyond the watermark for a decision of a source, in microseconds of event time."""
    usual = _usual(state, source, 950)
    return within(max(usual, state.lag(source)), LATENESS // MICROSECOND, MOST) - LATENESS // MICROSECOND


def patience_with_people(state: RuleState, source: str) -> int:
    """Give how long to wait for a decision of a source before a person is told of: longer than it ever takes."""
    return within(_usual(state, source, 995) * 5 // 4, LEAST_OF_PEOPLE, MOST_OF_PEOPLE)


def learn(state: RuleState, access: RecordedEvent) -> None:
    """Take note that what an access waited for has come just now."""
    late = max(state.now - to_microseconds(access.time), 0)
    if late > MOST_LEARNT:
        return
    key, slot = f"delay:{access.source.id}", state.now // _WIDTH
    value = state.get(key) or {"delays": [], "slot": slot, "worst": 0}
    if slot != value["slot"]:
        delays = Delays(value["delays"])
        delays.add(value["worst"])
        value = {"delays": delays.to_value(), "slot": slot, "worst": 0}
    state.put(key, value | {"worst": max(value["worst"], late)}, None)


def seen(state: RuleState, event: RecordedEvent) -> None:
    """Count an access of a source."""
    _count(state, event, _SEEN, 1)


def waits(state: RuleState, event: RecordedEvent) -> None:
    """Count an access that waits for its decision."""
    _count(state, event, _WAITING, 1)
    _watch(state, event)


def waits_no_longer(state: RuleState, event: RecordedEvent) -> None:
    """Count an access that waited for its decision."""
    _count(state, event, _WAITING, -1)


def lacks(state: RuleState, event: RecordedEvent) -> None:
    """Count an access that has no decision."""
    _count(state, event, _MISSED, 1)
    _watch(state, event)


def remember(state: RuleState, event: RecordedEvent, told: str | None, *, named: bool) -> None:
    """Remember an access that has no decision until its slot is settled, and longer.

    Args:
        state: the memory.
        event: the access.
        told: the key of the finding that was told of it at once; None when its source is to be settled first.
        named: whether it names a decision or a token.
    """
    value = {"access": to_value(event), "told": told, "named": named}
    state.list(f"lack:{event.source.id}").put(_name(event), to_microseconds(event.time), value, keep=_KEPT)


def alone(state: RuleState, event: RecordedEvent) -> bool:
    """Say whether an access that lacks a decision is one of few, as far as can be said before its slot is settled."""
    source, slot = event.source.id, to_microseconds(event.time) // _WIDTH
    return state.get(DARK + source) is None and _dark(state, source, slot, settled=False) is None


def settle(state: RuleState, key: str) -> tuple[list[Lacking], Value | None]:
    """Settle a slot; gives the accesses it concludes, and what their source lacks when it is dark."""
    source, _, number = key.removeprefix(SLOT).rpartition("|")
    slot = int(number)
    lacking = state.list(f"lack:{source}")
    span = _dark(state, source, slot, settled=True)
    begins, ends = (slot - (span or 0)) * _WIDTH, (slot + 1) * _WIDTH - 1
    entries = lacking.between(begins, ends, _TAKEN)
    found = _lacking(entries)
    lacking.prune(begins - _REMEMBERED)
    if span is None and _dark(state, source, slot, settled=False) is not None:
        again = state.now + 3 * _WIDTH  # the slots after it are about to tell
        state.put(key, {"due": again}, again)
        return [], None
    if span is None or not found:
        waiting = [each for each in found if each.told is None and each.named]
        if waiting:
            over = ends + patience_with_people(state, source)
            state.put(f"{LATE}{source}|{slot}", {"due": over}, over)
        return [each for each in found if each.told is None and not each.named], None
    dark = state.get(DARK + source) or {"since": entries[0].at, "count": 0, "back": 0, "told": 0, "events": []}
    lost_of = state.list(f"lost:{source}")
    for entry, each in zip(entries, found, strict=True):
        lacking.remove(entry.name)
        if each.named:
            lost_of.put(entry.name, entry.at, entry.value, keep=_KEPT)
    dark["count"] += len(found)
    dark["events"] = sorted({*dark["events"], *(each.access.index for each in found)})[:SHOWN]
    dark["last"] = to_value(found[-1].access)
    dark["seen"] = max(dark["count"], _seen(state, source, dark["since"] // _WIDTH, slot))
    state.put(DARK + source, dark, ends + _DAY)
    return found, dark


def given_up(state: RuleState, key: str) -> list[Lacking]:
    """Give the accesses of a slot whose decision has not come in all the time that is given to people."""
    source, _, number = key.removeprefix(LATE).rpartition("|")
    begins = int(number) * _WIDTH
    entries = state.list(f"lack:{source}").between(begins, begins + _WIDTH - 1, _TAKEN)
    return [each for each in _lacking(entries) if each.named and each.told is None]


def news(dark: Value) -> int | None:
    """Give how many accesses a dark source lacks decisions for, when that is news: the first, and each doubling."""
    if dark["count"] < 2 * dark["told"]:
        return None
    dark["told"] = dark["count"]
    return int(dark["count"])


def told_of(state: RuleState, access: RecordedEvent) -> str | None:
    """Give the key of the finding that was told of an access, and that stands."""
    entry = state.list(f"lack:{access.source.id}").get(_name(access))
    return None if entry is None else entry.value["told"]


def found_again(state: RuleState, access: RecordedEvent) -> None:
    """Take note that a decision came for an access that was given up."""
    source = access.source.id
    state.list(f"lack:{source}").remove(_name(access))
    lost_of = state.list(f"lost:{source}")
    dark = state.get(DARK + source)
    if dark is not None and lost_of.get(_name(access)) is not None:
        dark["back"] += 1
        state.put(DARK + source, dark, to_microseconds(from_value(dark["last"]).time) + _DAY)
    lost_of.remove(_name(access))
    _count(state, access, _MISSED, -1)


def lost(state: RuleState, source: str, of: int) -> list[Lacking]:
    """Give the accesses for which no decision ever came, if they are few of many, and forget all of them."""
    entries = state.list(f"lost:{source}")
    few = 4 * len(entries) < of and len(entries) <= SHOWN
    found = [Lacking(from_value(each.value["access"]), None, True) for each in entries.oldest(SHOWN)] if few else []
    entries.clear()
    return found


def _lacking(entries: Iterable[Entry]) -> list[Lacking]:
    """Read entries of the list of accesses that lack a decision."""
    return [Lacking(from_value(each.value["access"]), each.value["told"], each.value["named"]) for each in entries]


def _usual(state: RuleState, source: str, thousandths: int) -> int:
    """Give the delay that so many in a thousand decisions of a source do not exceed; 0 before any was late."""
    value = state.get(f"delay:{source}")
    return 0 if value is None else Delays(value["delays"]).quantile(thousandths) or 0


def _name(event: RecordedEvent) -> str:
    return f"{event.index:016}"


def _watch(state: RuleState, event: RecordedEvent) -> None:
    """See to it that the slot of an access is settled once nothing of it can wait any more."""
    slot = to_microseconds(event.time) // _WIDTH
    key = f"{SLOT}{event.source.id}|{slot}"
    due = (slot + 2) * _WIDTH + patience(state, event.source.id)
    value = state.get(key) or {"due": due}
    due = max(due, value["due"])
    state.put(key, {"due": due}, due)


def _count(state: RuleState, event: RecordedEvent, what: int, more: int) -> None:
    key, slot = f"count:{event.source.id}", str(to_microseconds(event.time) // _WIDTH)
    value: dict[str, Any] = state.get(key) or {"slots": {}}
    slots = value["slots"]
    counts = slots.setdefault(slot, [0, 0, 0, [], []])
    counts[what] = max(counts[what] + more, 0)
    who, whose = event.subject.id if event.subject else "", {_MISSED: _WHO, _WAITING: _WHO_WAITS}.get(what)
    if whose is not None and more > 0 and who not in counts[whose]:
        counts[whose] = sorted([*counts[whose], who])[:PEOPLE]
    if len(slots) > _SLOTS:
        for old in sorted(slots, key=int)[: len(slots) - _SLOTS // 2]:
            del slots[old]
    state.put(key, value, None)


def _dark(state: RuleState, source: str, slot: int, *, settled: bool) -> int | None:
    """Give the span, in slots, that makes a source dark up to a slot, if any; of one not settled with what waits."""
    slots = (state.get(f"count:{source}") or {"slots": {}})["slots"]
    if sum(counts[_MISSED] + counts[_WAITING] for counts in slots.values()) < MANY:
        return None
    for span in _SPANS:
        found = [slots[name] for each in range(slot - span, slot + 2 - settled) if (name := str(each)) in slots]
        reported = sum(counts[_SEEN] for counts in found)
        missed = sum(counts[_MISSED] + (0 if settled else counts[_WAITING]) for counts in found)
        people = {who for counts in found for who in (*counts[_WHO], *(() if settled else counts[_WHO_WAITS]))}
        if missed >= MANY and 4 * missed >= reported and len(people) >= PEOPLE:
            return span
    return None


def _seen(state: RuleState, source: str, first: int, last: int) -> int:
    """Count the accesses of some slots."""
    slots = (state.get(f"count:{source}") or {"slots": {}})["slots"]
    return sum(counts[_SEEN] for name, counts in slots.items() if first <= int(name) <= last)
