"""One door to the database: write transactions and read snapshots.

Rules of this room:

1. SQLite runs in WAL with ``synchronous=FULL``: a commit that returned is on the disk. NORMAL is not power-safe.
2. A write transaction takes the write lock at once (``BEGIN IMMEDIATE``), so two writers queue instead of
   one dying half-way.
3. The driver never begins or commits on its own; what a ``with`` block did is committed whole or not at all.
4. Writers of several processes queue for SQLite's write lock at a lock of the kernel's, because SQLite's own way of
   waiting sleeps ever longer, up to a tenth of a second. It is a courtesy: whoever cannot have it in time asks SQLite.
5. No table of any room lives here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlmodel import Session, create_engine

from governance.storage.snapshot import MEMORY
from governance.storage.write_lock import WriteLock

BUSY_TIMEOUT = 15_000  # milliseconds a SQLite writer waits for the lock before it gives up
_WAL_PAGES = 8_000  # of 4 KiB: the same pages of the indexes change in every commit, and are copied back once for many
DRIVER = "governance.driver"  # in ``session.info``: the dialect, and how to make a cursor
_IMMEDIATE = {"sqlite_begin": "BEGIN IMMEDIATE"}


class Database:
    """A database and the two ways to use it.

    Args:
        url: an SQLAlchemy URL, ``sqlite:////path/file.sqlite`` or ``postgresql+psycopg://…``.
        pool_size: connections kept open.
    """

    def __init__(self, url: str, pool_size: int = 10) -> None:
        parsed = make_url(url)
        self.url = url
        self.dialect = parsed.get_backend_name()
        if self.dialect == "sqlite":
            self.engine = create_engine(
                url,
                pool_size=pool_size,
                max_overflow=20,
                connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT / 1000},
            )
            _prepare_sqlite(self.engine)
        else:
            self.engine = create_engine(url, pool_size=pool_size, max_overflow=20, pool_pre_ping=True)
        self._writer = self.engine.execution_options(**_IMMEDIATE)
        self._write_lock = WriteLock(parsed.database if self.dialect == "sqlite" else None)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a write transaction: commits at the end of the block, rolls back on any exception."""
        with self._write_lock.held(), self._writer.connect() as connection, _session(connection) as session:
            yield session
            if session.in_transaction():
                session.commit()  # what its objects still owe
            connection.commit()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a read snapshot; nothing done in the block is kept."""
        with self.engine.connect() as connection, _session(connection) as session:
            session.info[MEMORY] = {}
            yield session

    def ping(self) -> bool:
        """Say whether the database answers."""
        with self.engine.connect() as connection:
            return bool(connection.exec_driver_sql("SELECT 1").scalar() == 1)

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


class _Session(Session):
    """The session of a connection's transaction; it joins for its first object or statement, or to end it.

    Most sessions run prepared statements alone and never join: the bookkeeping costs more than the statements do.
    """

    def commit(self) -> None:
        """Commit the connection's transaction, joined or not."""
        self.connection()
        super().commit()

    def rollback(self) -> None:
        """Roll the connection's transaction back, joined or not."""
        self.connection()
        super().rollback()


def _session(connection: Connection) -> Session:
    """Begin a transaction now, not at the first statement, and give its session.

    The driver's cursors are at hand for prepared statements.
    """
    connection.begin()
    info = {DRIVER: (connection.dialect, connection.connection.cursor)}
    return _Session(connection, expire_on_commit=False, join_transaction_mode="control_fully", info=info)


def _prepare_sqlite(engine: Engine) -> None:
    """Set the pragmas of rule 1 on each connection and take transaction control from the driver (rules 2 and 3)."""

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT}",
            "temp_store=MEMORY",
            f"wal_autocheckpoint={_WAL_PAGES}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # By the driver's cursor: SQLAlchemy's own way costs as much as the rest of a short transaction together.
        begun = connection.connection.cursor()
        begun.execute(connection.get_execution_options().get("sqlite_begin", "BEGIN"))
        begun.close()
