"""What became known late: earlier looks are explained anew, and rules hear of those whose explanation changed.

1. A row of a register is held against the newest looks it could explain, of the last ``SINCE`` of event time.
2. A decision or a token that a look named before the log had it is awaited, and found by its id when it comes.
3. Explained anew means: by what was known right after the entry that taught it, never by what came later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from governance.audit.event import RecordedEvent
from governance.detection.acts import LOOKS, patient_of, study_of
from governance.detection.explanation.explaining import Explainer
from governance.detection.explanation.look import UNEXPLAINED, Look
from governance.detection.knowledge.facts import Context
from governance.detection.reader.past.port import Known, Past
from governance.detection.reader.silence import READER
from governance.detection.reader.state import MICROSECOND, RuleMemory
from governance.storage import from_microseconds, to_microseconds
from governance.vocabulary import EventKind

SINCE = timedelta(days=45)
AWAITED = timedelta(days=45)  # how long after its look a decision or token is still awaited
_MOST = 200  # looks that await one decision or token

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
        return self._explainer.explain(events, past.context(context, events, index), index + 1) if events else []

    def taught(
        self, known: Known, event: RecordedEvent, fresh: Iterable[Look], context: Context, past: Past, front: int
    ) -> tuple[list[Pair], int]:
        """Give the looks whose explanation a register's row changed, before and after, and how many were looked at.

        Args:
            known: whom the row is about.
            event: the entry it became known with.
            fresh: looks of this step, which nobody finds in the past yet.
            context: the facts.
            past: the past.
            front: the log's own time, microseconds.
        """
        since = from_microseconds(max(front - SINCE // MICROSECOND, 0))
        before = {look.index: look.explanation for look in past.looks_of(known, since, event.index)}
        held = {look.event.index: look for look in fresh if look.explanation is not None and _about(look.event, known)}
        before |= {index: look.explanation or UNEXPLAINED for index, look in held.items()}
        found = {each.index: each for each in past.events(sorted(set(before) - set(held)))}
        found |= {index: look.event for index, look in held.items()}
        after = self.again([found[index] for index in sorted(found)], event.index, context, past)
        pairs = [(Look(look.event, before[look.event.index]), look) for look in after]
        return [pair for pair in pairs if _reason(pair[0]) != _reason(pair[1])], len(pairs)

    def answered(self, event: RecordedEvent, context: Context, past: Past, memory: RuleMemory) -> list[Pair]:
        """Give the looks that awaited a decision or a token, before and after."""
        state = memory.of(READER)
        pairs: list[Pair] = []
        for key in _links(event):
            value = state.get(key)
            if value is None or (key.startswith("want:d:") and event.kind is not EventKind.DECISION):
                continue
            if key.startswith("want:t:") and event.kind is not EventKind.TOKEN:
                continue
            state.drop(key)
            said = past.explained(value["looks"])
            after = self.again(past.events(value["looks"]), event.index, context, past)
            pairs += [(Look(look.event, said.get(look.event.index, look.explanation)), look) for look in after]
        return pairs

    def await_links(self, event: RecordedEvent, context: Context, memory: RuleMemory) -> None:
        """Remember a look that names a decision or a token the log has not seen."""
        authority, state = event.authority, memory.of(READER)
        unknown = (
            authority.decision_id is not None and context.decision(authority.decision_id, event.index) is None,
            authority.token_jti is not None and context.token(authority.token_jti, event.index) is None,
        )
        for key, missing in zip(_links(event, both=True), unknown, strict=True):
            if missing:
                value = state.get(key) or {"looks": []}
                if len(value["looks"]) < _MOST:
                    value = {"looks": [*value["looks"], event.index]}
                    state.put(key, value, to_microseconds(event.time) + AWAITED // MICROSECOND)


def _links(event: RecordedEvent, *, both: bool = False) -> list[str]:
    """Give the keys that a decision and a token are awaited under; of those that an event names, or of both."""
    named = (("d", event.authority.decision_id), ("t", event.authority.token_jti))
    return [f"want:{kind}:{name}" for kind, name in named if both or name is not None]


def _reason(look: Look) -> tuple[object, ...]:
    """Give what makes a reason another one: rounded, for one comes from the database and one from a calculation."""
    found = look.explanation or UNEXPLAINED
    return found.kind, found.edge, found.source, round(found.strength, 3)


def _about(event: RecordedEvent, known: Known) -> bool:
    """Say whether a look is one that a row could explain, as ``looks_of`` finds them."""
    if event.kind not in LOOKS:
        return False
    if known.patient is not None:
        return patient_of(event) == known.patient
    if known.study is not None:
        return study_of(event) == known.study
    return event.subject is not None and event.subject.id == known.subject
