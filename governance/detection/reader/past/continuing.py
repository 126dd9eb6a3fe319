"""Accesses that go on with an earlier one: no look of their own; their counts and bytes belong to that one.

1. An access goes on with another of its own source, of the same person and the same patient or study, found by its id
   in the log, over at most ``STEPS`` links. What claims to go on with anything else is a look of its own.
2. One that comes before the one it goes on with waits for it, as long as its source's events are late as a rule. Then
   it is a look of its own. So does one whose predecessor waits.
"""

from __future__ import annotations

from governance.audit.event import RecordedEvent
from governance.detection.acts import LOOKS
from governance.detection.reader.past.port import Past
from governance.detection.reader.silence import READER
from governance.detection.reader.state import RuleMemory
from governance.storage import to_microseconds

WAITING = "continues:"  # before what a value of waiting accesses is kept under
STEPS = 50
MOST = 200  # accesses that wait for one other; more are looks of their own


def root_of(event: RecordedEvent, past: Past, before: int) -> RecordedEvent | str | None:
    """Give the look that an access goes on with, the id of what is not in the log yet, None for a look of its own."""
    current = event
    for _ in range(STEPS):
        wanted = current.continues
        if wanted is None:
            return current
        found = past.named(event.source.id, wanted, before)
        if found is None:
            return wanted
        if not _same(event, found):
            return None
        current = found
    return None


def wait(event: RecordedEvent, wanted: str, memory: RuleMemory) -> bool:
    """Let an access wait for the one it goes on with; False when too many wait already."""
    state, key = memory.of(READER), _key(event.source.id, wanted)
    value = state.get(key) or {"waiting": []}
    if len(value["waiting"]) >= MOST:
        return False
    value = {"waiting": [*value["waiting"], event.index]}
    state.put(key, value, to_microseconds(event.time) + state.lag(event.source.id))
    return True


def awaited(event: RecordedEvent, memory: RuleMemory) -> list[int]:
    """Give the accesses that waited for this one, which wait no longer."""
    state, key = memory.of(READER), _key(event.source.id, event.id)
    value = state.get(key)
    if value is None:
        return []
    state.drop(key)
    return list(value["waiting"])


def _key(source: str, wanted: str) -> str:
    return f"{WAITING}{len(source)}:{source}{wanted}"


def _same(event: RecordedEvent, other: RecordedEvent) -> bool:
    """Say whether two accesses are of one person and of the same images."""
    if (
        other.kind not in LOOKS
        or event.subject is None
        or other.subject is None
        or event.subject.id != other.subject.id
    ):
        return False
    one, two = event.resource, other.resource
    if one is None or two is None:
        return False
    return one.study == two.study if one.study and two.study else one.patient == two.patient
