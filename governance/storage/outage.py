"""Which errors of a driver mean that the database cannot be had now, and what a caller is told then.

1. A database that is gone, silent, full, locked or shutting down is :class:`~governance.errors.Unavailable`, whichever
   driver says so and whether SQLAlchemy wrapped it. Whatever else a driver raises is our own fault and stays as it is.
2. When it was lost while it was committing, nobody knows whether it did. That has a reason of its own: what was sent
   may be kept, and is found out by sending it again under its ids.
"""

import re
import sqlite3

import psycopg
from sqlalchemy.exc import TimeoutError as PoolExhausted

from governance.errors import Unavailable

BUSY, LOST, IN_DOUBT = "database.busy", "database.unavailable", "database.in_doubt"
_LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's SQLSTATE for a lock that could not be had in time
_READ_ONLY = "25006"  # a standby, or a server that was made read-only: it takes no writes
_SHUTTING_DOWN = frozenset({"57P01", "57P02", "57P03"})  # and starting
_REFUSES = re.compile(r"[^\W\d_]{4,}:  (.+)")  # how libpq repeats what a server said: its severity, two blanks, words
_SQLITE_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_SQLITE_LOST = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
    }
)


def unavailable(error: BaseException, *, writes: bool, committing: bool = False) -> Unavailable | None:
    """Give what a caller is told of a driver's error, None when it is no outage.

    Args:
        error: the driver's own, or SQLAlchemy's around it.
        writes: whether it was a write transaction; one in a snapshot is refused by a database that is well.
        committing: whether the commit was under way.
    """
    if isinstance(error, PoolExhausted):
        return Unavailable(BUSY, "Every connection to the database is in use.", 1)
    cause = getattr(error, "orig", None) or error
    if lock_not_had(cause):
        return Unavailable(BUSY, "Another writer holds the database.", 1)
    if committing and unanswered(cause):
        return Unavailable(
            IN_DOUBT, "The database did not say whether it kept this. It can be sent again under its ids.", 1
        )
    if not _lost(cause, writes):
        return None
    does = "does not answer" if refusal(error) is None else "refuses the connection"
    return Unavailable(LOST, f"The database {does}.", 1)


def refusal(error: BaseException) -> str | None:
    """Give the words with which a server refused a connection (no such role, no such database); None when none did.

    They may name the role and the database, so they are for who runs the service.

    Args:
        error: the driver's, SQLAlchemy's around it, or what :func:`unavailable` made of it, with its cause.
    """
    cause = error.__cause__ if isinstance(error, Unavailable) else error
    cause = getattr(cause, "orig", None) or cause
    found = _REFUSES.search(str(cause)) if isinstance(cause, psycopg.OperationalError) else None
    return found[1].strip() if found is not None and getattr(cause, "sqlstate", None) is None else None


def lock_not_had(cause: BaseException) -> bool:
    """Say whether a driver's error means that a lock could not be had in time."""
    return getattr(cause, "sqlstate", None) == _LOCK_NOT_AVAILABLE or _sqlite_code(cause) in _SQLITE_LOCKED


def unanswered(cause: BaseException) -> bool:
    """Say whether a driver's error means that the server is not there: no answer came, or its last one."""
    return isinstance(cause, psycopg.OperationalError) and (cause.sqlstate is None or cause.sqlstate in _SHUTTING_DOWN)


def _lost(cause: BaseException, writes: bool) -> bool:
    if isinstance(cause, psycopg.Error):
        return isinstance(cause, psycopg.OperationalError) or (writes and cause.sqlstate == _READ_ONLY)
    code = _sqlite_code(cause)
    return code in _SQLITE_LOST or (writes and code == sqlite3.SQLITE_READONLY)


def _sqlite_code(cause: BaseException) -> int | None:
    """Give SQLite's primary result code of an error of its driver."""
    code: int | None = getattr(cause, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
