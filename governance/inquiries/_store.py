"""Reads and writes of inquiries. Rows never leave."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, insert, or_, update
from sqlmodel import Session, col, select

from governance.inquiries._tables import InquiryMessageRow, InquiryRow
from governance.inquiries.inquiry import (
    Answer,
    AnswerCode,
    Asked,
    Confirmed,
    Identity,
    Inquiry,
    InquiryState,
    Message,
    MessageState,
    Ruling,
)
from governance.storage.upsert import chunks, insert_for_key

_LISTED = 100  # inquiries of one person that are listed, or of one alert


def add(session: Session, inquiry: Inquiry) -> Inquiry | None:
    """Write a new inquiry and give it with its number; None when one of the same person and patient is open."""
    values = _values(inquiry)
    key = insert_for_key(session, InquiryRow, values)
    return None if key is None else _by_number(session, int(key[0]))


def save(session: Session, inquiry: Inquiry) -> None:
    """Write what became of an inquiry."""
    session.connection().execute(
        update(InquiryRow).where(col(InquiryRow.number) == inquiry.number).values(**_values(inquiry))
    )


def find(session: Session, reference: str, *, lock: bool = False) -> Inquiry | None:
    """Find an inquiry by its reference; ``lock`` keeps it as it is until the commit."""
    query = select(InquiryRow).where(InquiryRow.reference == reference)
    row = session.exec(query.with_for_update() if lock else query).first()
    return None if row is None else _inquiry(row)


def numbered(session: Session, numbers: Collection[int]) -> dict[int, Inquiry]:
    """Give inquiries by number."""
    found: dict[int, Inquiry] = {}
    for some in chunks(sorted(set(numbers))):
        rows = session.exec(select(InquiryRow).where(col(InquiryRow.number).in_(some))).all()
        found |= {inquiry.number: inquiry for inquiry in map(_inquiry, rows)}
    return found


def open_of(session: Session, person: Identity, patient: str) -> Inquiry | None:
    """Find the open inquiry of a person and a patient, locked for the transaction."""
    query = select(InquiryRow).where(InquiryRow.open_key == _open_key(person, patient))
    row = session.exec(query.with_for_update()).first()
    return None if row is None else _inquiry(row)


def of_case(session: Session, case: str) -> list[Inquiry]:
    """Give the inquiries that were asked from an alert, oldest first."""
    query = select(InquiryRow).where(InquiryRow.case_id == case).order_by(col(InquiryRow.number)).limit(_LISTED)
    return [_inquiry(row) for row in session.exec(query).all()]


def asked_of(session: Session, who: Identity, now: datetime) -> list[Inquiry]:
    """Give the inquiries that somebody may open at an instant, newest first."""
    person = and_(
        col(InquiryRow.subject) == who.subject,
        col(InquiryRow.named_by) == who.named_by,
        col(InquiryRow.asked) == Asked.PERSON.value,
    )
    manager = and_(col(InquiryRow.manager) == who.subject, col(InquiryRow.manager_named_by) == who.named_by)
    query = select(InquiryRow).where(or_(person, manager), col(InquiryRow.expires_at) > now)
    rows = session.exec(query.order_by(col(InquiryRow.number).desc()).limit(_LISTED)).all()
    return [_inquiry(row) for row in rows]


def due(session: Session, now: datetime, limit: int) -> list[Inquiry]:
    """Give open inquiries that are over or want a reminder, locked; those that another process holds are left out."""
    over: ColumnElement[bool] = col(InquiryRow.expires_at) <= now
    query = (
        select(InquiryRow)
        .where(InquiryRow.state == InquiryState.OPEN.value, or_(over, col(InquiryRow.remind_at) <= now))
        .order_by(col(InquiryRow.number))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [_inquiry(row) for row in session.exec(query).all()]


def confirmed(session: Session, subjects: Collection[str]) -> list[Confirmed]:
    """Give what was confirmed of the looks of some people, by number."""
    found = []
    for some in chunks(sorted(set(subjects))):
        query = (
            select(InquiryRow)
            .where(col(InquiryRow.subject).in_(some), InquiryRow.state == InquiryState.CONFIRMED.value)
            .order_by(col(InquiryRow.number))
        )
        found += [_confirmed(_inquiry(row)) for row in session.exec(query).all()]
    return found


def queue(session: Session, messages: Sequence[Message]) -> None:
    """Put messages into the outbox."""
    if messages:
        session.connection().execute(insert(InquiryMessageRow), [_message_values(message) for message in messages])


def messages_of(session: Session, numbers: Collection[int]) -> list[Message]:
    """Give the messages of inquiries, by when they were due."""
    found = []
    for some in chunks(sorted(set(numbers))):
        query = select(InquiryMessageRow).where(col(InquiryMessageRow.inquiry_number).in_(some))
        found += [_message(row) for row in session.exec(query).all()]
    return sorted(found, key=lambda one: (one.due_at, one.id))


def claim(session: Session, now: datetime, until: datetime, limit: int) -> list[Message]:
    """Claim messages that are due, each for one more attempt; nobody else gets one before ``until``."""
    row = InquiryMessageRow
    query = (
        select(row)
        .where(
            row.state == MessageState.WAITING.value,
            col(row.due_at) <= now,
            or_(col(row.claimed_until).is_(None), col(row.claimed_until) <= now),
        )
        .order_by(col(row.due_at), col(row.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = session.exec(query).all()
    for one in found:
        one.attempts += 1
        one.claimed_until = until
        session.add(one)
    session.flush()
    return [_message(one) for one in found]


def settle(session: Session, message: Message) -> bool:
    """Write what became of an attempt, unless another process has made a later one meanwhile; says whether it did."""
    row = InquiryMessageRow
    statement = (
        update(row)
        .where(
            col(row.id) == message.id,
            col(row.attempts) == message.attempts,
            col(row.state) == MessageState.WAITING.value,
        )
        .values(
            state=message.state.value,
            due_at=message.due_at,
            claimed_until=None,
            settled_at=message.settled_at,
            outcome=message.outcome,
        )
        .returning(col(row.id))
    )
    return session.connection().execute(statement).first() is not None


def _by_number(session: Session, number: int) -> Inquiry:
    return numbered(session, [number])[number]


def _open_key(person: Identity, patient: str) -> str:
    return f"{person.named_by} {person.subject}|{patient}"


def _values(inquiry: Inquiry) -> dict[str, object]:
    answer, ruling, manager = inquiry.answer, inquiry.ruling, inquiry.manager
    waits = inquiry.state is InquiryState.OPEN
    return {
        "reference": inquiry.reference,
        "open_key": _open_key(inquiry.person, inquiry.patient) if waits else None,
        "subject": inquiry.person.subject,
        "named_by": inquiry.person.named_by,
        "ods": inquiry.ods,
        "patient": inquiry.patient,
        "looks": list(inquiry.looks),
        "first_at": inquiry.first_at,
        "last_at": inquiry.last_at,
        "asked": inquiry.asked.value,
        "manager": manager.subject if manager else None,
        "manager_named_by": manager.named_by if manager else None,
        "case_id": inquiry.case,
        "why": inquiry.why,
        "asked_by": inquiry.asked_by,
        "opened_at": inquiry.opened_at,
        "expires_at": inquiry.expires_at,
        "remind_at": inquiry.remind_at if waits else None,
        "reminders": inquiry.reminders,
        "state": inquiry.state.value,
        "answer": answer.code.value if answer else None,
        "answered_by": answer.by.value if answer else None,
        "answered_at": answer.at if answer else None,
        "words_owner": answer.owner if answer else None,
        "words": answer.sealed if answer else None,
        "ruled_by": ruling.by if ruling else None,
        "ruled_at": ruling.at if ruling else None,
        "ruling_reason": ruling.reason if ruling else None,
        "known_since": ruling.index if ruling else None,
    }


def _inquiry(row: InquiryRow) -> Inquiry:
    if row.number is None:
        raise RuntimeError("the database gave the inquiry no number")
    return Inquiry(
        number=row.number,
        reference=row.reference,
        person=Identity(row.subject, row.named_by),
        ods=row.ods,
        patient=row.patient,
        looks=tuple(row.looks),
        first_at=row.first_at,
        last_at=row.last_at,
        asked=Asked(row.asked),
        manager=Identity(row.manager, row.manager_named_by) if row.manager and row.manager_named_by else None,
        case=row.case_id,
        why=row.why,
        asked_by=row.asked_by,
        opened_at=row.opened_at,
        expires_at=row.expires_at,
        remind_at=row.remind_at,
        reminders=row.reminders,
        state=InquiryState(row.state),
        answer=_answer(row),
        ruling=Ruling(row.ruled_by, row.ruled_at, row.ruling_reason or "", row.known_since)
        if row.ruled_by and row.ruled_at
        else None,
    )


def _answer(row: InquiryRow) -> Answer | None:
    if not (row.answer and row.answered_by and row.answered_at and row.words_owner):
        return None
    return Answer(AnswerCode(row.answer), Asked(row.answered_by), row.words_owner, row.answered_at, row.words)


def _confirmed(inquiry: Inquiry) -> Confirmed:
    since, until = inquiry.covers
    ruling = inquiry.ruling
    if ruling is None or ruling.index is None:
        raise RuntimeError("a confirmed inquiry has no record")
    return Confirmed(inquiry.reference, inquiry.person, inquiry.patient, since, until, ruling.index)


def _message_values(message: Message) -> dict[str, object]:
    return {
        "id": message.id,
        "inquiry_number": message.inquiry,
        "kind": message.kind,
        "channel": message.channel,
        "recipient": message.to,
        "state": message.state.value,
        "attempts": message.attempts,
        "due_at": message.due_at,
    }


def _message(row: InquiryMessageRow) -> Message:
    return Message(
        id=row.id,
        inquiry=row.inquiry_number,
        kind=row.kind,
        channel=row.channel,
        to=row.recipient,
        state=MessageState(row.state),
        attempts=row.attempts,
        due_at=row.due_at,
        settled_at=row.settled_at,
        outcome=row.outcome,
    )
