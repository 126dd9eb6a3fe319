"""What became known late: earlier looks are explained anew, and rules hear of those whose explanation changed.

1. The rows of an entry are held against the newest looks each could explain, of the last ``SINCE`` of event time and no
   older than what the row reaches back to: a few statements for all of them, and each look is explained once.
2. A decision that a look named before the log had it is awaited, and found by its id when it comes: what its claim
   explains is explained then.
3. Explained anew means: by what was known right after the entry that taught it, never by what came later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from governance.audit.event import RecordedEvent
from governance.detection.acts import patient_of, study_of
from governance.detection.explanation.explaining import Explainer
from governance.detection.explanation.look import UNEXPLAINED, Look
from governance.detection.knowledge.facts import Context
from governance.detection.reader.past.port import Known, Past, looked_up
from governance.detection.reader.silence import READER
from governance.detection.reader.state import MICROSECOND, RuleMemory
from governance.storage import from_microseconds, to_microseconds
from governance.vocabulary import EventKind

SINCE = timedelta(days=45)
AWAITED = timedelta(days=45)  # how long after its look a decision is still awaited
_MOST = 200  # looks that await one decision

Pair = tuple[Look, Look]  # before, after


class Late:
    """Explains earlier looks anew.

    Args:
        explainer: explains looks.
    """

    def __init__(self, explainer: Explainer) -> None:
        self._explainer = explainer

    def again(self, events: Sequence[RecordedEvent], index: int, context: Context, past: Past) -> list[Look]:
        """Explain events by what was known right after an index."""
        if not events:
            return []
        return list(self._explainer.explain(events, past.context(context, events, index), index + 1))

    def taught(
        self,
        rows: Sequence[Known],
        event: RecordedEvent,
        fresh: Iterable[Look],
        context: Context,
        past: Past,
        front: int,
    ) -> tuple[list[Pair], int]:
        """Give the looks whose explanation a register's rows changed, before and after, and how many were looked at.

        Args:
            rows: whom the rows are about.
            event: the entry they became known with.
            fresh: looks of this step, which nobody finds in the past yet.
            context: the facts.
            past: the past.
            front: the log's own time, microseconds.
        """
        since = from_microseconds(max(front - SINCE // MICROSECOND, 0))
        before = {look.index: look.explanation for look in past.looks_of(rows, since, event.index)}
        about = looked_up(rows, since)
        held = {look.event.index: look for look in fresh if look.explanation is not None and _is_about(look, about)}
        before |= {index: look.explanation or UNEXPLAINED for index, look in held.items()}
        found = {each.index: each for each in past.events(sorted(set(before) - set(held)))}
        found |= {index: look.event for index, look in held.items()}
        after = self.again([found[index] for index in sorted(found)], event.index, context, past)
        pairs = [(Look(look.event, before[look.event.index]), look) for look in after]
        return [pair for pair in pairs if _reason(pair[0]) != _reason(pair[1])], len(pairs)

    def answered(
        self, look: Look, fresh: Iterable[Look], context: Context, past: Past, memory: RuleMemory
    ) -> list[Pair]:
        """Give the looks that a decision explains which they named before the log had it, before and after."""
        state, event = memory.of(READER), look.event
        key = _wanted(event)
        value = state.get(key) if key is not None and event.kind is EventKind.DECISION else None
        if key is None or value is None:
            return []
        state.drop(key)
        if look.lesson is None:
            return []  # it gives nobody a reason
        said = {one.event.index: one.explanation for one in fresh if one.explanation is not None}
        said |= past.explained([index for index in value["looks"] if index not in said])
        after = self.again(past.events(value["looks"]), event.index, context, past)
        pairs = [(Look(one.event, said.get(one.event.index, one.explanation)), one) for one in after]
        return [pair for pair in pairs if _reason(pair[0]) != _reason(pair[1])]

    def await_decision(self, event: RecordedEvent, context: Context, memory: RuleMemory) -> None:
        """Remember a look that names a decision the log has not seen."""
        decision_id, key = event.authority.decision_id, _wanted(event)
        if decision_id is None or key is None or context.decision(decision_id, event.index) is not None:
            return
        state = memory.of(READER)
        value = state.get(key) or {"looks": []}
        if len(value["looks"]) < _MOST:
            value = {"looks": [*value["looks"], event.index]}
            state.put(key, value, to_microseconds(event.time) + AWAITED // MICROSECOND)


def _wanted(event: RecordedEvent) -> str | None:
    """Give the key that the decision which an event names is awaited under."""
    decision_id = event.authority.decision_id
    return None if decision_id is None else f"want:d:{decision_id}"


def _reason(look: Look) -> tuple[object, ...]:
    """Give what makes a reason another one: rounded, for one comes from the database and one from a calculation."""
    found = look.explanation or UNEXPLAINED
    return found.kind, found.edge, found.source, round(found.strength, 3)


def _is_about(look: Look, about: Mapping[tuple[str, str], datetime]) -> bool:
    return any(name in about and look.event.time >= about[name] for name in _names(look.event))


def _names(event: RecordedEvent) -> set[tuple[str, str]]:
    """Give what a look of this step can be found by, as the past finds those of before."""
    named = {("patient", patient_of(event)), ("study", study_of(event))}
    if event.subject is not None:
        named.add(("subject", event.subject.id))
    return {(by, name) for by, name in named if name is not None}
