"""What a source's accesses lack: how long their decisions are late as a rule, and whether many lack one at once.

1. Patience is learnt from a source's own delays, one observation in five minutes; a delay beyond ``MOST`` is an outage
   and not learnt.
2. A source is *dark* when, in some span up to an access (``_SPANS``), at least ``MANY`` of its accesses, of ``PEOPLE``
   persons, and a quarter of all of them lack a decision: those that were given up, and those that wait. One person who
   goes round the decision point again and again makes no source dark.
3. It is dark until nothing was missed for a day. What still has no decision then, while most of the others got theirs,
   is named one by one.
4. Everything is counted in slots of five minutes and bounded; the lists are rows of their own.
"""

from __future__ import annotations

from typing import Any

from governance.audit.event import RecordedEvent
from governance.detection.reader.delays import MINUTE, Delays, within
from governance.detection.reader.state import LATENESS, MICROSECOND, RuleState, Value
from governance.detection.reader.waiting import from_value, to_value
from governance.storage import to_microseconds

MANY = 5  # accesses that lack a decision at once before it is about their source
PEOPLE = 3
MOST = 360 * MINUTE  # the longest patience
DARK = "dark:"  # before a source that lacks decisions
SHOWN = 200  # log entries of a notice
_SLOT = 5 * MINUTE
_SPANS = (3, 12, 72, 288)  # slots before an access that count with it: a quarter of an hour to a day
_DAY = 24 * 60 * MINUTE
_SLOTS = 2 * _DAY // _SLOT  # kept
_LOST_MOST = 2_000
_SEEN, _MISSED, _WAITING, _WHO = range(4)


def patience(state: RuleState, source: str) -> int:
    """Give how long to wait beyond the watermark for a decision of a source, in microseconds of event time."""
    value = state.get(f"delay:{source}")
    usual = 0 if value is None else Delays(value["delays"]).quantile(950) or 0
    return within(max(usual, state.lag(source)), LATENESS // MICROSECOND, MOST) - LATENESS // MICROSECOND


def learn(state: RuleState, access: RecordedEvent) -> None:
    """Take note that what an access waited for has come just now."""
    late = max(state.now - to_microseconds(access.time), 0)
    if late > MOST:
        return
    key = f"delay:{access.source.id}"
    value = state.get(key) or {"delays": [], "slot": state.now // _SLOT, "worst": 0}
    slot = state.now // _SLOT
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


def waits_no_longer(state: RuleState, event: RecordedEvent) -> None:
    """Count an access that waited for its decision."""
    _count(state, event, _WAITING, -1)


def lacks(state: RuleState, event: RecordedEvent, *, named: bool) -> tuple[Value | None, bool]:
    """Count an access that has no decision; gives what its source lacks if it is dark, and whether that begins now."""
    _count(state, event, _MISSED, 1)
    source, at = event.source.id, to_microseconds(event.time)
    dark = state.get(DARK + source)
    begins = dark is None
    if dark is None:
        near = _dark(state, source, at // _SLOT)
        if near is None:
            return None, False
        dark = {"since": at, "seen": near[0], "count": near[1] - 1, "back": 0, "told": 0, "events": []}
    dark["count"] += 1
    dark["seen"] = max(dark["seen"], dark["count"])
    dark["last"] = to_value(event)
    if len(dark["events"]) < SHOWN:
        dark["events"] = sorted({*dark["events"], event.index})
    if named:
        lost_of = state.list(f"lost:{source}")
        if len(lost_of) < _LOST_MOST:
            lost_of.put(f"{event.index:016}", at, to_value(event), keep=3 * _DAY)
    state.put(DARK + source, dark, max(dark.get("until", 0), at + _DAY))
    return dark, begins


def news(dark: Value) -> int | None:
    """Give how many accesses a dark source lacks decisions for, when that is news: the first, and each doubling."""
    if dark["count"] < 2 * dark["told"]:
        return None
    dark["told"] = dark["count"]
    return int(dark["count"])


def found_again(state: RuleState, access: RecordedEvent) -> None:
    """Take note that a decision came for an access that was given up."""
    source = access.source.id
    state.list(f"lost:{source}").remove(f"{access.index:016}")
    dark = state.get(DARK + source)
    if dark is not None:
        dark["back"] += 1
        state.put(DARK + source, dark, to_microseconds(from_value(dark["last"]).time) + _DAY)


def lost(state: RuleState, source: str) -> list[RecordedEvent]:
    """Give the accesses of a source for which no decision ever came, ``SHOWN`` at most, and forget them."""
    entries = state.list(f"lost:{source}")
    found = [from_value(entry.value) for entry in entries.oldest(SHOWN)]
    entries.clear()
    return found


def few(some: int, of: int) -> bool:
    """Say whether some are few of many: the exceptions, and not the state of the source."""
    return 4 * some < of and some < SHOWN


def single(state: RuleState, event: RecordedEvent, key: str) -> None:
    """Remember a finding about one access of a source, which may turn out to be one of many."""
    at = to_microseconds(event.time)
    singles_of = state.list(f"single:{event.source.id}")
    singles_of.prune(at - _DAY)
    singles_of.put(f"{event.index:016}", at, {"key": key}, keep=_DAY)


def singles(state: RuleState, source: str) -> list[tuple[str, int]]:
    """Give the findings of the last day about single accesses of a source, and forget them."""
    singles_of = state.list(f"single:{source}")
    found = [(entry.value["key"], int(entry.name)) for entry in singles_of.newest(SHOWN)]
    singles_of.clear()
    return sorted(found, key=lambda item: item[1])


def _count(state: RuleState, event: RecordedEvent, what: int, more: int) -> None:
    key, slot = f"count:{event.source.id}", str(to_microseconds(event.time) // _SLOT)
    value: dict[str, Any] = state.get(key) or {"slots": {}}
    slots = value["slots"]
    counts = slots.setdefault(slot, [0, 0, 0, []])
    counts[what] = max(counts[what] + more, 0)
    who = event.subject.id if event.subject else ""
    if what != _SEEN and more > 0 and len(counts[_WHO]) < PEOPLE and who not in counts[_WHO]:
        counts[_WHO].append(who)
    if len(slots) > _SLOTS:
        for old in sorted(slots, key=int)[: len(slots) - _SLOTS // 2]:
            del slots[old]
    state.put(key, value, None)


def _dark(state: RuleState, source: str, slot: int) -> tuple[int, int] | None:
    """Give how many accesses a source reported, and how many were given up, in the span that makes it dark, if any."""
    slots = (state.get(f"count:{source}") or {"slots": {}})["slots"]
    for span in _SPANS:
        found = [slots[name] for each in range(slot - span, slot + 2) if (name := str(each)) in slots]
        reported, missed, waiting = (sum(counts[what] for counts in found) for what in (_SEEN, _MISSED, _WAITING))
        people = {who for counts in found for who in counts[_WHO]}
        if missed + waiting >= MANY and 4 * (missed + waiting) >= reported and len(people) >= PEOPLE:
            return reported, missed
    return None
