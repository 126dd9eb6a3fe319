"""Reads and writes of quarantined messages; no row leaves this module."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, update
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from governance.intake._quarantine_tables import QuarantineRow


def add(session: Session, values: dict[str, object]) -> int:
    """Put one message on file and give its number."""
    added = session.connection().execute(insert(QuarantineRow).values(**values).returning(col(QuarantineRow.number)))
    number = added.scalar_one()
    assert number is not None  # noqa: S101  the database numbers every row
    return number


def waiting(session: Session, peer: str | None = None) -> int:
    """Give how many messages wait to be read, of one peer or of all."""
    counted = select(func.count()).select_from(QuarantineRow).where(col(QuarantineRow.resolved_at).is_(None))
    if peer is not None:
        counted = counted.where(QuarantineRow.peer == peer)
    return int(session.exec(counted).one())


def page(session: Session, after: int, limit: int) -> Sequence[dict[str, object]]:
    """Give waiting messages with a number over ``after``, in order, as plain values."""
    query = (
        select(QuarantineRow)
        .where(col(QuarantineRow.resolved_at).is_(None), col(QuarantineRow.number) > after)
        .order_by(col(QuarantineRow.number))
        .limit(limit)
    )
    return [row.model_dump() for row in session.exec(query)]


def locked(session: Session, number: int) -> dict[str, Any] | None:
    """Give a waiting message, which nobody else reads again until the transaction ends; None when it was read."""
    query = select(QuarantineRow).where(QuarantineRow.number == number, col(QuarantineRow.resolved_at).is_(None))
    row = session.exec(query.with_for_update()).first()
    return None if row is None else row.model_dump()


def numbers(
    session: Session,
    after: int,
    limit: int,
    carrier: str | None = None,
    peer: str | None = None,
    before: datetime | None = None,
) -> list[int]:
    """Give the numbers of waiting messages over ``after``, of one carrier, one peer, before an instant, in order."""
    query = (
        select(QuarantineRow.number)
        .where(col(QuarantineRow.resolved_at).is_(None), col(QuarantineRow.number) > after)
        .order_by(col(QuarantineRow.number))
        .limit(limit)
    )
    if carrier is not None:
        query = query.where(col(QuarantineRow.carrier) == carrier)
    if peer is not None:
        query = query.where(col(QuarantineRow.peer) == peer)
    if before is not None:
        query = query.where(col(QuarantineRow.received_at) < before)
    return [number for number in session.exec(query) if number is not None]


def groups(session: Session, limit: int) -> list[tuple[str, str, int, datetime, datetime]]:
    """Count waiting messages by carrier and reason, with when the first and the last came; most frequent first."""
    carrier, reason, received = col(QuarantineRow.carrier), col(QuarantineRow.reason), col(QuarantineRow.received_at)
    counted = func.count()
    query = (
        sql_select(carrier, reason, counted, func.min(received), func.max(received))
        .where(col(QuarantineRow.resolved_at).is_(None))
        .group_by(carrier, reason)
        .order_by(counted.desc(), carrier, reason)
        .limit(limit)
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in session.connection().execute(query)]


def resolve(session: Session, number: int, at: datetime, first_index: int | None) -> None:
    """Mark a message as read, with the index of its first event."""
    _update(session, number, resolved_at=at, first_index=first_index)


def discard(session: Session, number: int, at: datetime) -> None:
    """Mark a message as dealt with and forget its bytes."""
    _update(session, number, resolved_at=at, first_index=None, sealed="")


def failed(session: Session, number: int, reason: str) -> None:
    """Note that a message could not be read once more, and why."""
    _update(session, number, reason=reason, attempts=QuarantineRow.attempts + 1)


def _update(session: Session, number: int, **values: object) -> None:
    session.connection().execute(update(QuarantineRow).where(col(QuarantineRow.number) == number).values(**values))
