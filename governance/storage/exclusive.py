"""One writer at a time for a matter that no row stands for: a first row, a count with a limit, a rule across rows."""

from sqlalchemy import func, select
from sqlmodel import Session

from governance.storage.dialect import on_postgres


def exclusive(session: Session, matter: str) -> None:
    """Wait until no other write transaction holds this matter, in any process, and hold it until this one ends.

    SQLite's write transaction already is the only one; PostgreSQL takes an advisory lock. What was read before this
    call may have changed meanwhile: take it first. A transaction that takes several takes them in one order, and all of
    them before it appends to the audit log.

    Args:
        session: the caller's write transaction.
        matter: its name, the same in every process: ``"quarantine"``.
    """
    if on_postgres(session):
        session.connection().execute(select(func.pg_advisory_xact_lock(func.hashtextextended(matter, 0))))
