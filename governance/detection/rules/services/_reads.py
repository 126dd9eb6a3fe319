"""What services read, counted in sliding days: sorted times, so that a count costs a search and not a walk."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable

from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.reader.state import RuleState, Value
from governance.detection.windows import DAY, Slots
from governance.vocabulary import SubjectType

READS = Slots("reads", DAY)
MOST = 5_000  # times and names of one slot that are kept; what is more is counted


def service_of(event: RecordedEvent) -> str | None:
    """Give the AI service that read images by an event; None when it is none, or nothing was seen."""
    subject = event.subject
    if subject is None or subject.type is not SubjectType.AI_SERVICE or not acts.is_look(event):
        return None
    return subject.id


def note(value: Value, name: str, at: int) -> None:
    """Put an instant among the sorted times of a slot."""
    if len(value[name]) < MOST:
        insort(value[name], at)
    else:
        value["more"] = value.get("more", 0) + 1


def within_day(values: Iterable[Value], name: str, at: int) -> int:
    """Count the times of slots in the day that ends with an instant; beyond what is kept, all count."""
    return sum(
        bisect_right(value[name], at) - bisect_left(value[name], at - DAY + 1) + value.get("more", 0)
        for value in values
    )


def before(state: RuleState, service: str, at: int) -> list[Value]:
    """Give the slots of a service that the day before an instant lies in, but for the one that holds it."""
    value = READS.at(state, service, at - DAY)
    return [] if value is None else [value]
