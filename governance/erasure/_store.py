"""Reads and writes of legal holds."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from governance.erasure._tables import LegalHoldRow


def add(session: Session, row: LegalHoldRow) -> None:
    """Put a hold on file."""
    session.add(row)
    session.flush()


def find(session: Session, hold: str) -> LegalHoldRow | None:
    """Give one hold, None when there is none."""
    return session.get(LegalHoldRow, hold)


def listed(session: Session, ods: str | None, *, ended: bool, after: str | None, limit: int) -> Sequence[LegalHoldRow]:
    """Give holds in the order of their ids: those of a trust, all for None; those that ended only when asked for."""
    query = select(LegalHoldRow)
    if ods is not None:
        query = query.where(LegalHoldRow.ods == ods)
    if not ended:
        query = query.where(col(LegalHoldRow.ended_at).is_(None))
    if after is not None:
        query = query.where(LegalHoldRow.id > after)
    return session.exec(query.order_by(LegalHoldRow.id).limit(limit)).all()


def end(session: Session, hold: str, by: str, reason: str, at: datetime) -> bool:
    """End a hold that still holds, and say whether it did: of two who end it at once, one does."""
    table = LegalHoldRow.__table__  # type: ignore[attr-defined]
    statement = update(table).where(table.c.id == hold, table.c.ended_at.is_(None))
    return session.connection().execute(statement.values(ended_by=by, ended_at=at, end_reason=reason)).rowcount == 1


def on_person(session: Session, person: str) -> bool:
    """Say whether a hold is on a person now."""
    query = select(LegalHoldRow.id).where(LegalHoldRow.person == person, col(LegalHoldRow.ended_at).is_(None))
    return session.exec(query.limit(1)).first() is not None


def cases(session: Session) -> list[str]:
    """Give the cases that are on hold now."""
    query = select(LegalHoldRow.case).where(col(LegalHoldRow.case).is_not(None), col(LegalHoldRow.ended_at).is_(None))
    return [case for case in session.exec(query.distinct()).all() if case is not None]
