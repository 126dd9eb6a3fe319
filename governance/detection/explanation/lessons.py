"""What the log teaches about later looks: who claimed a reason, who filed something, whom somebody answered for.

1. A self-claim counts from a decision that permitted because of it, by this service or by an edge of it.
2. Images or a report that a person files for a patient is a prior report of theirs.
3. A confirmation is an act of this service's own (:data:`CONFIRMED_ACT`), about the person who looked.
"""

from __future__ import annotations

from governance.audit.event import RecordedEvent
from governance.detection.acts import patient_of, study_of, succeeded
from governance.detection.explanation.look import ExplanationKind, Lesson
from governance.detection.knowledge.reasons import Standing
from governance.vocabulary import SYSTEM, EventKind, ReasonCode, SubjectType

CONFIRMED_ACT = "relationship.confirmed"  # ``act`` in the detail of the event by which a confirmation is recorded


def lesson_of(event: RecordedEvent, standing: Standing | None) -> Lesson | None:
    """Give what an event teaches; None when it is nothing, or nobody's in particular."""
    subject, about = event.subject, patient_of(event) or study_of(event)
    kind = _kind(event)
    if kind is None or subject is None or about is None or subject.type is not SubjectType.PRACTITIONER:
        return None
    named_by = standing.named_by if standing is not None else subject.ods
    return Lesson(kind, subject.id, named_by, about, event.time, event.index, event.source.id)


def _kind(event: RecordedEvent) -> ExplanationKind | None:
    ours = event.source.id == SYSTEM
    if ours and event.detail.get("act") == CONFIRMED_ACT:
        return ExplanationKind.CONFIRMED
    if event.kind is EventKind.IMPORT and succeeded(event):
        return ExplanationKind.PRIOR_REPORT
    if event.kind is EventKind.DECISION and (ours or event.detail.get("door") == "edge"):
        reasons = event.detail.get("reasons")
        claimed = isinstance(reasons, list | tuple) and ReasonCode.RELATIONSHIP_SELF_CLAIMED.value in reasons
        if claimed and event.detail.get("permit") is True:
            return ExplanationKind.SELF_CLAIM
    return None
