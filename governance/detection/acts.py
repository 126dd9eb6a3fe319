"""What detectors ask of an event, and how they write a finding: shared by every rule, so that all say it alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection.rule import Rule
from governance.detection.state import Value
from governance.vocabulary import EventKind, Outcome, Severity

LOOKS = frozenset({EventKind.ACCESS, EventKind.EXPORT, EventKind.PRINT})
TAKES = frozenset({EventKind.EXPORT, EventKind.PRINT})
_DONE = frozenset({Outcome.SUCCESS, Outcome.MINOR})


def succeeded(event: RecordedEvent) -> bool:
    """Say whether images were, or may have been, seen: a refused attempt shows nothing."""
    return event.outcome in _DONE and "refused" not in event.detail


def patient_of(event: RecordedEvent) -> str | None:
    """Give the patient pseudonym of an event."""
    return None if event.resource is None else event.resource.patient


def study_of(event: RecordedEvent) -> str | None:
    """Give the study pseudonym of an event."""
    return None if event.resource is None else event.resource.study


def custodian_of(event: RecordedEvent) -> str | None:
    """Give the trust that answers for the images, as the event says."""
    return None if event.resource is None else event.resource.custodian


def role_of(event: RecordedEvent) -> str:
    """Give the role somebody acted in; one that nobody gave is ``unknown``."""
    return (event.subject.role if event.subject else None) or "unknown"


def spoken_role(event: RecordedEvent) -> str:
    """Give the role in words for a sentence: ``a nurse``, ``an ig officer``; somebody when it is not known."""
    role = role_of(event)
    if role == "unknown":
        return "somebody whose role is not known"
    words = role.replace("_", " ")
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def trusts_of(event: RecordedEvent) -> tuple[str, ...]:
    """Give the trusts an event concerns: the subject's, the custodian's and the source's, none twice."""
    named = (event.subject.ods if event.subject else None, custodian_of(event), event.source.ods)
    return distinct(ods for ods in named if ods)


def distinct(values: Iterable[str]) -> tuple[str, ...]:
    """Give values sorted, none twice: findings never depend on an order of arrival."""
    return tuple(sorted(set(values)))


def finding(
    rule: Rule,
    events: Sequence[RecordedEvent],
    evidence: Sequence[Evidence],
    *,
    about: str | None,
    severity: Severity | None = None,
    at: datetime | None = None,
) -> Finding:
    """Write a finding about one subject from the events it rests on (at least one).

    Args:
        rule: who found it.
        events: the events; the first gives the subject. A patient is named only when all are about that one.
        evidence: why.
        about: patient, trust or service; without one, the custodian or the source's trust.
        severity: when it is not the rule's own.
        at: event time it became true, when it is not the first event's.
    """
    first = events[0]
    subject = first.subject.id if first.subject else f"source:{first.source.id}"
    return Finding(
        rule_id=rule.id,
        family=rule.family,
        severity=severity or rule.severity,
        subject=subject,
        about=about or custodian_of(first) or first.source.ods or first.source.id,
        occurred_at=at or first.time,
        evidence=tuple(evidence),
        events=tuple(sorted({event.index for event in events})),
        patient=_only_patient(events),
        subjects=(subject,),
        trusts=distinct(ods for event in events for ods in trusts_of(event)),
        agreement_ids=distinct(e.authority.agreement_id for e in events if e.authority.agreement_id),
        decision_ids=distinct(e.authority.decision_id for e in events if e.authority.decision_id),
        token_jtis=distinct(e.authority.token_jti for e in events if e.authority.token_jti),
    )


def _only_patient(events: Sequence[RecordedEvent]) -> str | None:
    patients = {patient_of(event) for event in events}
    return patients.pop() if len(patients) == 1 else None


def certain(signal: str, sentence: str, *, observed: float | str = 1, expected: float | str | None = 0) -> Evidence:
    """Write the evidence of a hard rule: not statistical, so no sample and no bits."""
    return Evidence(signal, observed, expected, 0, None, sentence)


def tell(value: Value, signal: str, count: int, times: int) -> bool:
    """Say whether a count is news: the first, or so many times what was last reported; what is news is remembered."""
    last = value["told"].get(signal)
    if last is not None and count < times * last:
        return False
    value["told"][signal] = count
    return True
