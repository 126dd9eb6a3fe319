"""The audit events that inquiries leave behind. No words of anybody go into the log."""

from __future__ import annotations

from governance.alerts import Viewer
from governance.audit import Event, Recorder
from governance.audit.event import JsonValue, Resource, Subject
from governance.inquiries.inquiry import Answer, Identity, Inquiry
from governance.vocabulary import EventKind, SubjectType

CONFIRMED = "relationship.confirmed"  # what detection learns a reason from


def opened(recorder: Recorder, inquiry: Inquiry, viewer: Viewer | None) -> Event:
    """Make the event of a question; the service's own has no subject."""
    detail: dict[str, JsonValue] = {"asked": inquiry.asked.value, "looks": list(inquiry.looks)}
    return _event(recorder, "inquiry.asked", inquiry, None if viewer is None else subject_of(viewer), detail)


def answered(recorder: Recorder, inquiry: Inquiry, answer: Answer, who: Identity) -> Event:
    """Make the event of an answer, by who gave it."""
    subject = Subject(id=who.subject, type=SubjectType.PRACTITIONER, ods=inquiry.ods)
    return _event(recorder, "inquiry.answered", inquiry, subject, {"answer": answer.code.value, "by": answer.by.value})


def confirmed(recorder: Recorder, inquiry: Inquiry, viewer: Viewer) -> Event:
    """Make the event by which a reason becomes known: about the person who looked, with the days that it covers."""
    since, until = inquiry.covers
    subject = Subject(id=inquiry.person.subject, type=SubjectType.PRACTITIONER, ods=inquiry.ods)
    detail: dict[str, JsonValue] = {"by": viewer.id, "from": since.isoformat(), "until": until.isoformat()}
    return _event(recorder, CONFIRMED, inquiry, subject, detail)


def rejected(recorder: Recorder, inquiry: Inquiry, viewer: Viewer) -> Event:
    """Make the event of an answer that was not accepted."""
    return _event(recorder, "inquiry.rejected", inquiry, subject_of(viewer), {})


def expired(recorder: Recorder, inquiry: Inquiry) -> Event:
    """Make the event of a question that nobody answered in time."""
    return _event(recorder, "inquiry.expired", inquiry, None, {})


def reminded(recorder: Recorder, inquiry: Inquiry, to: str) -> Event:
    """Make the event of a reminder."""
    return _event(recorder, "inquiry.reminded", inquiry, None, {"to": to, "reminder": inquiry.reminders})


def subject_of(viewer: Viewer) -> Subject:
    """Give somebody who reviews as the subject of an event."""
    kind = SubjectType.PRACTITIONER if viewer.person else SubjectType.SERVICE
    return Subject(id=viewer.id, type=kind, ods=viewer.ods)


def _event(
    recorder: Recorder, act: str, inquiry: Inquiry, subject: Subject | None, detail: dict[str, JsonValue]
) -> Event:
    said: dict[str, JsonValue] = {"act": act, "inquiry": inquiry.reference}
    if inquiry.case is not None:
        said["alert"] = inquiry.case
    return recorder.event(
        EventKind.CONFIG, subject=subject, resource=Resource(patient=inquiry.patient), detail=said | detail
    )
