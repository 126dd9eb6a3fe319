"""Every look at the audit is in the audit: recorded, durably, before the page is made."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from governance.audit.event import JsonValue, Resource, Subject
from governance.console._guard import current_person
from governance.errors import Conflict, Forbidden, Unauthenticated, Unavailable
from governance.vocabulary import EventKind, Outcome, SubjectType
from governance.web.refusals import note
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


@contextmanager
def refusals_noted(ods: str, subject_id: str | None = None) -> Iterator[None]:
    """Note a refusal of the sign-in that ends the block; it is a refusal whether the log can be written or not.

    Args:
        ods: the trust that was chosen, empty when nobody chose one.
        subject_id: who was proven and has no account, None before somebody was.
    """
    try:
        yield
    except (Forbidden, Unauthenticated) as error:
        subject = _subject(subject_id, ods, None) if subject_id else None
        detail: dict[str, JsonValue] = {"at": "console", "trust": ods} if ods else {"at": "console"}
        note(EventKind.LOGIN, error.reason, subject=subject, outcome=Outcome.SERIOUS, detail=detail)
        raise


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
