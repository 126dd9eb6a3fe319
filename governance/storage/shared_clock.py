"""The clock that all processes share: what a lease, and whatever else one process leaves for another, is measured by.

A clock of one server may be an hour off and nobody notices: its lease would keep the others out for that hour. So the
database says what time it is. The processes of a SQLite file are on one machine and have its clock.
"""

from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from governance.storage.dialect import on_postgres

_NOW = text("SELECT clock_timestamp()")


def shared_now(session: Session, own: datetime) -> datetime:
    """Give the instant by the shared clock.

    Args:
        session: a snapshot or a write transaction.
        own: the instant by the caller's own clock, which on SQLite is the shared one.
    """
    if not on_postgres(session):
        return own
    found: datetime = session.connection().execute(_NOW).scalar_one()
    return found.astimezone(own.tzinfo)
