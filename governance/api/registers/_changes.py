"""The record of a change that came in over the API, written in the transaction that makes the change."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from governance.audit.event import JsonValue, Subject
from governance.bootstrap import Services
from governance.vocabulary import EventKind, SubjectType
from governance.web import Caller, current_caller


def subject_of(caller: Caller) -> Subject:
    """Give the caller of a request as the subject of the event that records it."""
    kind = SubjectType.PRACTITIONER if caller.kind == "person" else SubjectType.SERVICE
    return Subject(id=caller.id, type=kind, ods=caller.ods)


def record_change(services: Services, session: Session, now: datetime, detail: Mapping[str, JsonValue]) -> None:
    """Append one config event by the caller of this request; call it last in the transaction.

    Args:
        services: the application's services.
        session: the write transaction of the change.
        now: the instant of the request.
        detail: what changed: counts, codes and registration ids, never an identifier of a person.

    Raises:
        Conflict: the log refused the event; the transaction must not be committed.
    """
    subject = subject_of(current_caller())
    services.infrastructure.recorder.record_in(session, EventKind.CONFIG, time=now, subject=subject, detail=detail)
