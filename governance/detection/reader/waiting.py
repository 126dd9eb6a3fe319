"""An event that waits in a rule's memory: only what a finding needs of it, as JSON."""

from __future__ import annotations

from governance.audit.event import Authority, RecordedEvent, RecordedResource, Source, Subject
from governance.detection.reader.state import Value
from governance.storage import from_microseconds, to_microseconds
from governance.vocabulary import EventKind, Outcome, SubjectType


def to_value(event: RecordedEvent) -> Value:
    """Give what a finding needs of an event as a JSON object."""
    subject, resource, authority = event.subject, event.resource, event.authority
    return {
        "index": event.index,
        "time": to_microseconds(event.time),
        "kind": event.kind.value,
        "source": [event.source.id, event.source.ods],
        "subject": None if subject is None else [subject.id, subject.type.value, subject.role, subject.ods],
        "resource": None if resource is None else [resource.patient, resource.study, resource.custodian],
        "authority": [authority.decision_id, authority.token_jti, authority.agreement_id],
    }


def from_value(value: Value) -> RecordedEvent:
    """Give the event of a JSON object that :func:`to_value` made; every other field is empty."""
    subject = value["subject"]
    resource = value["resource"]
    time = from_microseconds(value["time"])
    return RecordedEvent(
        index=value["index"],
        recorded_at=time,
        leaf_hash=b"",
        id="",
        time=time,
        source=Source(*value["source"]),
        kind=EventKind(value["kind"]),
        outcome=Outcome.SUCCESS,
        subject=None
        if subject is None
        else Subject(id=subject[0], type=SubjectType(subject[1]), role=subject[2], ods=subject[3]),
        resource=None
        if resource is None
        else RecordedResource(patient=resource[0], study=resource[1], custodian=resource[2]),
        authority=Authority(*value["authority"]),
    )
