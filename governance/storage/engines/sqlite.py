"""SQLite: one file, its pragmas, and a file that only its owner may read.

1. It runs in WAL with ``synchronous=FULL``: a commit that returned is on the disk. NORMAL is not power-safe.
2. A write transaction takes the write lock at once (``BEGIN IMMEDIATE``), so two writers queue instead of one dying
   half-way. How long it waits is said before each, for it depends on who waits.
3. A connection that reads is told to take no writes; each remembers what it was told last.
"""

import os
from math import ceil
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine
from sqlmodel import create_engine

from governance.storage import patience
from governance.storage.engines import USE

_WAL_PAGES = 8_000  # of 4 KiB: the same pages of the indexes change in every commit, and are copied back once for many
_READ_ONLY, _BUSY = "governance.read_only", "governance.busy"  # in ``info`` of a connection: what it was told last
_STEP = 250  # milliseconds: how coarsely a connection is told how long to wait
_PRIVATE = 0o600


def sqlite_engine(url: URL, *, waits: bool, **pool: Any) -> Engine:
    """Open a SQLite file with the pragmas of rule 1 on each connection, transactions being ours.

    Args:
        url: of the file.
        waits: whether it waits for a lock in the file; an event loop does not.
        pool: how connections are kept.
    """
    _make_private(url)
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 0}, hide_parameters=True, **pool)

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        busy = _milliseconds() if waits else 0
        record.info[_BUSY] = busy
        for pragma in (
            f"busy_timeout={busy}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            f"wal_autocheckpoint={_WAL_PAGES}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        use, link = connection.get_execution_options().get(USE), connection.connection
        reads = use == "reading"
        # By the driver's cursor: SQLAlchemy's own way costs as much as the rest of a short transaction together.
        begun = link.cursor()
        if waits and (busy := _milliseconds()) != link.info.get(_BUSY):
            begun.execute(f"PRAGMA busy_timeout={busy}")
            link.info[_BUSY] = busy
        if reads is not link.info.get(_READ_ONLY, False):
            begun.execute(f"PRAGMA query_only={reads:d}")
            link.info[_READ_ONLY] = reads
        begun.execute("BEGIN IMMEDIATE" if use == "writing" else "BEGIN")
        begun.close()

    return engine


def _milliseconds() -> int:
    """Give how long the calling thread may wait for a lock, in steps, so that a connection is seldom told anew."""
    return ceil(patience.left(patience.PATIENCE) * 1000 / _STEP) * _STEP


def _make_private(url: URL) -> None:
    """Make the file, if there is none, so that its owner alone reads it; SQLite makes those beside it alike.

    A folder that is not there, or may not be written, is said by SQLite when it opens the file.
    """
    path = url.database
    if path and path != ":memory:" and not path.startswith("file:") and Path(path).parent.is_dir():
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE))
        except OSError:
            return
