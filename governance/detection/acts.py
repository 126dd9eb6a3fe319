"""What detectors ask of an event, and how they write a finding: shared by every rule, so that all say it alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from governance.alerts import Evidence, Finding, Party, Review, Revision
from governance.audit.event import JsonValue, RecordedEvent
from governance.detection.explanation.look import WIDE, ExplanationKind, Look
from governance.detection.knowledge.facts import Context, PatientFacts, StaffFacts
from governance.detection.reader.state import Value
from governance.detection.rule import Rule
from governance.vocabulary import AlertKind, Capacity, EventKind, Outcome, Role, Severity, SubjectType

LOOKS = frozenset({EventKind.ACCESS, EventKind.EXPORT, EventKind.PRINT})
TAKES = frozenset({EventKind.EXPORT, EventKind.PRINT})
WATCHED = frozenset({"vip", "incident"})  # flags of patients whose record is watched
UNKNOWN = "unknown"
BY_GLASS = "break_glass.granted"  # reasons of a decision
BY_CLAIM = "relationship.self_claimed"
_STOPPED = "110138"  # DICOM PS3.16, Emergency Override Stopped
_DONE = frozenset({Outcome.SUCCESS, Outcome.MINOR})
_ROLES = frozenset(role.value for role in Role)


def succeeded(event: RecordedEvent) -> bool:
    """Say whether images were, or may have been, seen: a refused attempt shows nothing."""
    return event.outcome in _DONE and "refused" not in event.detail


def goes_on(event: RecordedEvent) -> bool:
    """Say whether an access goes on with an earlier one, of which it is a part, and is no look of its own."""
    return bool(getattr(event, "continues", None) or event.detail.get("continues"))


def is_look(event: RecordedEvent) -> bool:
    """Say whether somebody saw images by this event, and by no earlier one that it goes on with."""
    return event.kind in LOOKS and event.subject is not None and succeeded(event) and not goes_on(event)


def is_person(event: RecordedEvent) -> bool:
    """Say whether a person acted."""
    return event.subject is not None and event.subject.type is SubjectType.PRACTITIONER


def patient_of(event: RecordedEvent) -> str | None:
    """Give the patient pseudonym of an event."""
    return None if event.resource is None else event.resource.patient


def study_of(event: RecordedEvent) -> str | None:
    """Give the study pseudonym of an event."""
    return None if event.resource is None else event.resource.study


def custodian_of(event: RecordedEvent) -> str | None:
    """Give the trust that answers for the images, as the event says."""
    return None if event.resource is None else event.resource.custodian


def known(event: RecordedEvent, context: Context) -> StaffFacts | None:
    """Give what the register says of the person who acted; None for a service, and for whom it does not know."""
    if event.subject is None or not is_person(event):
        return None
    return context.staff(event.subject.id, event.subject.ods)


def patient_facts(event: RecordedEvent, context: Context) -> PatientFacts | None:
    """Give what is on record of the patient of an event."""
    patient = patient_of(event)
    return None if patient is None else context.patient(patient)


def role_of(event: RecordedEvent, staff: StaffFacts | None = None) -> str:
    """Give the role somebody acted in: the register's before the event's; one that nobody gave is ``unknown``."""
    if staff is not None:
        return staff.role
    return (event.subject.role if event.subject else None) or UNKNOWN


def peers_of(event: RecordedEvent, staff: StaffFacts | None) -> str:
    """Give the role whose habits count: an unregistered person's claim only when it is one of the network's roles."""
    role = role_of(event, staff)
    return role if staff is not None or role in _ROLES else UNKNOWN


def trust_of(event: RecordedEvent, staff: StaffFacts | None) -> str:
    """Give the trust of whoever acted: the register's before the event's before the source's."""
    if staff is not None:
        return staff.ods
    return (event.subject.ods if event.subject else None) or event.source.ods


def spoken_role(event: RecordedEvent, staff: StaffFacts | None = None) -> str:
    """Give the role in words for a sentence: ``a nurse``, ``an ig officer``; somebody when it is not known."""
    return spoken(role_of(event, staff))


def spoken(role: str) -> str:
    """Give a role in words with its article."""
    if role == UNKNOWN:
        return "somebody whose role is not known"
    words = role.replace("_", " ")
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def times(count: int) -> str:
    """Give how often, in words."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def bare(look: Look, flags: Iterable[str] = ()) -> bool:
    """Say whether a look has no reason that counts.

    For most patients that is a look without any. For a watched one (``flags``), a rota or pool of a whole trust is no
    reason either: it explains a working list, not a crowd on one patient. What cannot be said yet counts for nobody.
    """
    explanation = look.explanation
    if explanation is None or explanation.kind is ExplanationKind.DEGRADED:
        return False
    return look.unexplained or (not WATCHED.isdisjoint(flags) and explanation.strength <= WIDE)


def broke_glass(event: RecordedEvent) -> bool:
    """Say whether an event shows glass broken: not asked for, not refused, not needless, and not ended."""
    if event.kind is EventKind.BREAK_GLASS:
        codes = event.detail.get("event_types")
        stopped = isinstance(codes, list | tuple) and _STOPPED in codes
        return event.detail.get("act") != "revoke" and not stopped
    if event.kind is EventKind.DECISION and event.detail.get("permit") is False:
        return False
    reasons = event.detail.get("reasons")
    if not isinstance(reasons, list | tuple):
        return event.break_glass
    return BY_GLASS in reasons and (event.break_glass or event.kind is EventKind.DECISION)


def emergency_of(event: RecordedEvent) -> Mapping[str, JsonValue]:
    """Give what a record says of an emergency: minutes, owners, whether it must be reviewed; empty when nothing."""
    given = event.detail.get("emergency")
    return given if isinstance(given, Mapping) else {}


def reason_of(event: RecordedEvent) -> str | None:
    """Give the keyed digest of the reason somebody stated, where the record carries one; never the words."""
    given = event.detail.get("reason_digest")
    return given if isinstance(given, str) else None


def claimed(event: RecordedEvent) -> bool:
    """Say whether a permit rests on a relationship that the person claimed themselves."""
    reasons = event.detail.get("reasons")
    permitted = event.kind is EventKind.DECISION and event.detail.get("permit") is not False and succeeded(event)
    return permitted and isinstance(reasons, list | tuple) and BY_CLAIM in reasons


def owners_of(event: RecordedEvent) -> tuple[str, ...]:
    """Give the trusts that a record of an emergency names as owners of the images."""
    owners = emergency_of(event).get("owners")
    if not isinstance(owners, Sequence) or isinstance(owners, str):
        return ()
    return tuple(owner for owner in owners if isinstance(owner, str))


def trusts_of(event: RecordedEvent) -> tuple[str, ...]:
    """Give the trusts an event concerns: the subject's, the custodian's and the source's, none twice."""
    named = (event.subject.ods if event.subject else None, custodian_of(event), event.source.ods)
    return distinct(ods for ods in named if ods)


def parties_of(event: RecordedEvent) -> tuple[Party, ...]:
    """Give whose verdict an event wants: the trust of who acted, or that sponsors the service, and the images' own."""
    parties = []
    if event.subject is not None and event.subject.ods:
        person = event.subject.type is SubjectType.PRACTITIONER
        parties.append(Party(event.subject.ods, Capacity.EMPLOYER if person else Capacity.SPONSOR))
    images = custodian_of(event) or (event.source.ods if event.kind in LOOKS else None)
    if images:
        parties.append(Party(images, Capacity.CONTROLLER))
    return tuple(parties)


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
    kind: AlertKind = AlertKind.ALERT,
    trusts: Iterable[str] = (),
    review: Review | None = None,
) -> Finding:
    """Write a finding about one subject from the events it rests on (at least one).

    Args:
        rule: who found it.
        events: the events; the first gives the subject. A patient is named only when all are about that one.
        evidence: why.
        about: patient, trust or service; without one, the custodian or the source's trust.
        severity: when it is not the rule's own.
        at: event time it became true, when it is not the first event's.
        kind: whether it wants a verdict or is only told.
        trusts: whom it concerns beside those that the events name.
        review: of a notice, whether it was drawn for review.
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
        trusts=distinct([*trusts, *(ods for event in events for ods in trusts_of(event))]),
        agreement_ids=distinct(e.authority.agreement_id for e in events if e.authority.agreement_id),
        decision_ids=distinct(e.authority.decision_id for e in events if e.authority.decision_id),
        token_jtis=distinct(e.authority.token_jti for e in events if e.authority.token_jti),
        kind=kind,
        review=review,
        parties=tuple(sorted({party for event in events for party in parties_of(event)})),
    )


def taken_back(rule: Rule, after: Look, about: str) -> Revision | None:
    """Take back a finding that rested on one look without a reason, once it has one; None when it still has none.

    The index of what taught it is the reader's to say: the look's own stands here.
    """
    event, explanation = after.event, after.explanation
    if event.subject is None or explanation is None or not explanation.explained:
        return None
    what = explanation.kind.value.replace("_", " ")
    key = "|".join((rule.id, event.subject.id, about, str(event.index)))
    sentence = f"A reason came to light that held at the time of the look: {what}."
    return Revision(key, event.index, (event.index,), sentence)


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
