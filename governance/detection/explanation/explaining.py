"""What gives looks their explanations: the port, and the plainest thing behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from governance.audit.event import RecordedEvent
from governance.detection.acts import LOOKS, custodian_of, patient_of, study_of
from governance.detection.explanation.look import SPECIFIC, UNEXPLAINED, WIDE, Explanation, ExplanationKind, Look
from governance.detection.knowledge.facts import Context, Tie, Who


class Explainer(Protocol):
    """Explains the events of a batch, in their order."""

    def explain(self, events: Sequence[RecordedEvent], context: Context) -> list[Look]:
        """Give a look for each event."""
        ...


class PlainExplainer:
    """Explains each look by the strongest tie that held at its time, asked for one by one: for worked examples."""

    def explain(self, events: Sequence[RecordedEvent], context: Context) -> list[Look]:
        """Give a look for each event."""
        return [Look(event, _explanation(event, context) if event.kind in LOOKS else None) for event in events]


def _explanation(event: RecordedEvent, context: Context) -> Explanation:
    if event.subject is None:
        return UNEXPLAINED
    who = Who(event.subject.id, event.subject.ods)
    ties = context.at(event.index).ties(who, patient_of(event), study_of(event), custodian_of(event), event.time)
    return max((_of_tie(tie) for tie in ties), key=lambda found: found.strength, default=UNEXPLAINED)


def _of_tie(tie: Tie) -> Explanation:
    return Explanation(ExplanationKind(tie.kind.value), tie.id, strength=SPECIFIC if tie.specific else WIDE)
