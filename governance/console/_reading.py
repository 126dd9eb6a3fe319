"""Every look at the audit is in the audit: recorded, durably, before the page is made."""

from collections.abc import Mapping

from governance.audit.event import JsonValue, Resource, Subject
from governance.console._guard import current_person
from governance.errors import Conflict, Unavailable
from governance.vocabulary import EventKind, Outcome, SubjectType
from governance.web.services import current_services
from governance.web.sessions import SignedInPerson


def record_look(page: str, patient: str | None = None, **detail: JsonValue) -> None:
    """Record that the signed-in person looks at a page.

    Args:
        page: which page.
        patient: the pseudonym of the one patient it is about.
        detail: what was asked for; never an identifier.

    Raises:
        Unavailable: the look could not be recorded, so nothing is shown.
    """
    person = current_person()
    subject = _subject(person.subject, person.ods, min(person.roles, default=None))
    _append(EventKind.AUDIT_READ, subject, {"page": page, **detail}, Outcome.SUCCESS, patient)


def record_sign_in(kind: EventKind, person: SignedInPerson) -> None:
    """Record that somebody signed in or out; raises Unavailable when it could not be recorded."""
    subject = _subject(person.subject, person.ods, min(person.roles, default=None))
    _append(kind, subject, {"at": "console"}, Outcome.SUCCESS)


def record_refusal(subject_id: str, ods: str) -> None:
    """Record that somebody was proven but has no account; raises Unavailable when it could not be recorded."""
    _append(EventKind.LOGIN, _subject(subject_id, ods, None), {"at": "console"}, Outcome.SERIOUS)


def _subject(subject_id: str, ods: str, role: str | None) -> Subject:
    return Subject(id=subject_id, type=SubjectType.PRACTITIONER, role=role, ods=ods)


def _append(
    kind: EventKind, subject: Subject, detail: Mapping[str, JsonValue], outcome: Outcome, patient: str | None = None
) -> None:
    about = Resource(patient=patient) if patient else None
    try:
        current_services().infrastructure.recorder.record(kind, outcome, subject=subject, resource=about, detail=detail)
    except Conflict as refusal:
        raise Unavailable(refusal.reason, "This could not be recorded, so it was not done.", 30) from refusal
