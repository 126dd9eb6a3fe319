"""The database and the two ways to use it: write transactions and read snapshots.

1. The driver never begins or commits on its own; what a ``with`` block did is committed whole or not at all.
2. Every wait has a limit, and at its end is Unavailable: a connection, the write lock, a lock inside the database, an
   answer. Whoever finds the database silent keeps the others from waiting too (:mod:`governance.storage.breaker`).
3. Writers of several processes queue for SQLite's write lock at a lock of the kernel's, because SQLite's own way of
   waiting sleeps ever longer, up to a tenth of a second. It is a courtesy: whoever cannot have it in time asks SQLite.
4. On SQLite writers have connections of their own, so that a writer that holds the write lock never waits for readers;
   and an event loop (:mod:`governance.storage.patience`) has its own, so that it waits for nobody.
5. A connection that reads takes no writes: PostgreSQL is told so in the BEGIN, with REPEATABLE READ, and SQLite by a
   pragma. Each connection remembers what it was told last, so a run of snapshots tells it nothing.
6. A thread has one block open at a time: one that held a connection and asked for another could wait for itself. Two
   write transactions are an error at once; in tests (:attr:`Database.strict`) so is anything else of the kind that the
   service does.

Example: ``with database.reading() as session: rows = session.exec(select(TrustRow)).all()``.
"""

import inspect
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import ClassVar

from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.pool import NullPool
from sqlmodel import Session

from governance.errors import Unavailable
from governance.storage import outage, patience, snapshot
from governance.storage.breaker import Breaker
from governance.storage.engines import READING, WRITING
from governance.storage.engines.postgres import postgres_engine
from governance.storage.engines.sqlite import sqlite_engine
from governance.storage.limits import KEPT, Limits
from governance.storage.patience import WouldWait, may_wait, require_patience
from governance.storage.shared_clock import shared_now
from governance.storage.write_lock import WriteLock

_AT_ONCE = 2  # connections of an event loop: its snapshot, and one more that something may look into beside it
DRIVER = "governance.driver"  # in ``session.info``: the dialect, and how to make a cursor
_SOMETHING = {
    "sqlite": "SELECT 1 FROM sqlite_schema LIMIT 1",
    "postgresql": "SELECT 1",
}  # the least that is asked


class Database:
    """A database and the two ways to use it.

    Args:
        url: an SQLAlchemy URL, ``sqlite:////path/file.sqlite`` or ``postgresql+psycopg://…``.
        limits: how long it may take and how many connections there may be.
    """

    strict: ClassVar[bool] = False  # whether a block inside another of the same thread is an error (rule 6)

    def __init__(self, url: str, limits: Limits | None = None) -> None:
        parsed = make_url(url)
        self.url = url
        self.limits = limits or Limits()
        self.dialect = parsed.get_backend_name()
        self.role = parsed.username or ""
        most = self.limits.connections
        at_once: Engine | None = None
        self._breaker: Breaker | None = None
        if self.dialect == "sqlite":
            kept = min(KEPT, most)
            self.engine = sqlite_engine(parsed, waits=True, pool_size=kept, max_overflow=most - kept)
            writer = sqlite_engine(parsed, waits=True, pool_size=1, max_overflow=-1)
            at_once = sqlite_engine(parsed, waits=False, pool_size=_AT_ONCE, max_overflow=0, pool_timeout=0)
        else:
            writer = self.engine = postgres_engine(parsed, self.limits)
            probe = postgres_engine(parsed, self.limits, poolclass=NullPool)
            self._breaker = Breaker(lambda: _ask(probe))
        self.engines = tuple({id(one): one for one in (self.engine, writer, at_once) if one}.values())
        self._readers = self.engine.execution_options(**READING)
        self._at_once = at_once.execution_options(**READING) if at_once else None
        self._writer = writer.execution_options(**WRITING)
        self._thread = threading.local()
        self._places = threading.Semaphore(most)
        self._write_lock = WriteLock(parsed.database if self.dialect == "sqlite" else None)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a write transaction: commits at the end of the block, rolls back on any exception.

        Who writes what depends on what it read, locks that first (``FOR UPDATE``, or ``storage/exclusive.py``).

        Raises:
            Unavailable: a connection, a lock or an answer could not be had in time; nothing was kept, unless its reason
                is ``database.in_doubt``.
            WouldWait: the calling thread may not wait.
            RuntimeError: this thread has a write transaction open, and would wait for itself.
            PendingRollbackError: at the end, when a statement failed and PostgreSQL undid the whole block for it.
        """
        require_patience()
        with (
            self._alone("transaction"),
            self._outages(writes=True) as stage,
            self._write_lock.held(),
            self._connected(self._writer) as connection,
            _session(connection) as session,
            _dropped_when_broken(connection),
        ):
            patience.answered()  # what the block does of its own is no wait
            yield session
            _check_whole(connection)
            if session.in_transaction():
                session.flush()  # what its objects still owe
            stage.committing = True
            if session.in_transaction():
                session.commit()
            connection.commit()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a read snapshot: every statement sees the commits that the first one saw. A write in it is an error.

        Raises:
            Unavailable: a connection or an answer could not be had in time.
            WouldWait: the calling thread may not wait, and the snapshot cannot be had at once.
        """
        if not may_wait():
            with self._taken_at_once() as connection, _session(connection) as session:
                _pin(connection)
                snapshot.begin(session)
                yield session
            return
        with (
            self._alone("snapshot"),
            self._outages(),
            self._connected(self._readers) as connection,
            _session(connection) as session,
            _dropped_when_broken(connection),
        ):
            snapshot.begin(session)
            patience.answered()
            yield session

    def ping(self) -> bool:
        """Say whether the database answers. Raises Unavailable when it does not in time."""
        with self._outages(), self._connected(self._readers) as connection:
            connection.exec_driver_sql(_SOMETHING[self.dialect])
        return True

    def now(self, own: datetime) -> datetime:
        """Give the instant by the clock that all processes share: the server's, of which each has its own opinion.

        Args:
            own: the instant by the clock of the caller, and what SQLite gives: its processes are on one machine.
        """
        with self.reading() as session:
            return shared_now(session, own)

    def dispose(self) -> None:
        """Close every pooled connection, and the write lock's file."""
        if self._breaker is not None:
            self._breaker.close()
        for engine in self.engines:
            engine.dispose()
        self._write_lock.close()

    @contextmanager
    def _alone(self, block: str) -> Iterator[None]:
        """Refuse a block inside another of the same thread (rule 6)."""
        outer: str | None = getattr(self._thread, "block", None)
        ours = self.strict and _opener().startswith("governance.")
        if (outer is not None and ours and self._thread.ours) or block == outer == "transaction":
            raise RuntimeError(f"a {block} was opened inside another block, a {outer}, of the same thread")
        if outer is None:
            self._thread.block, self._thread.ours = block, ours
        try:
            yield
        finally:
            self._thread.block = outer

    @contextmanager
    def _outages(self, *, writes: bool = False) -> Iterator["_Stage"]:
        """Turn what a driver says of an outage into Unavailable, and have others not wait for a silent database."""
        stage = _Stage()
        if self._breaker is not None:
            self._breaker.admit()
        try:
            yield stage
        except Exception as error:
            if self._breaker is not None and outage.unanswered(getattr(error, "orig", None) or error):
                self._breaker.suspect()
            told = outage.unavailable(error, writes=writes, committing=stage.committing)
            if told is None:
                raise
            raise told from error
        patience.answered()

    @contextmanager
    def _connected(self, engine: Engine) -> Iterator[Connection]:
        """Take a connection, when there is a place for it; SQLite's writers have as many as there are of them."""
        if engine is self._writer and self.dialect == "sqlite":
            with engine.connect() as connection:
                yield connection
            return
        if not self._places.acquire(timeout=patience.part_left(patience.PATIENCE)):
            raise Unavailable(outage.BUSY, "Every connection to the database is in use.", 1)
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            self._places.release()

    def _taken_at_once(self) -> Connection:
        if self._at_once is None:  # a network is in between
            raise WouldWait
        try:
            return self._at_once.connect()
        except (PoolExhausted, DBAPIError):
            raise WouldWait from None


def _opener() -> str:
    """Give the name of the module that opens a block, for the one assertion that asks (rule 6)."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals["__name__"] in {__name__, "contextlib"}:
        frame = frame.f_back
    return "" if frame is None else str(frame.f_globals["__name__"])


class _Stage:
    """How far a block has come: whether its commit is under way."""

    committing = False


class _Session(Session):
    """The session of a connection's transaction; it joins for its first object or statement, or to end it.

    Most sessions run prepared statements alone and never join: the bookkeeping costs more than the statements do.
    """

    def commit(self) -> None:
        """Commit the connection's transaction, joined or not."""
        _check_whole(self.connection())
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


@contextmanager
def _dropped_when_broken(connection: Connection) -> Iterator[None]:
    """Give no broken connection back to its pool; nothing is rolled back on one either."""
    try:
        yield
    except BaseException:
        if not connection.invalidated and getattr(connection.connection.dbapi_connection, "closed", False):
            connection.invalidate()
        raise


def _ask(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")


def _check_whole(connection: Connection) -> None:
    """Refuse to commit what PostgreSQL, after a failed statement, would roll back without a word."""
    status = getattr(connection.connection.dbapi_connection, "info", None)
    if status is not None and status.transaction_status.name == "INERROR":
        raise PendingRollbackError("a statement of this transaction failed: nothing of it can be kept")


def _pin(connection: Connection) -> None:
    """Open the snapshot now: from then on no read of it meets a lock. Raises WouldWait when it meets one here."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(_SOMETHING["sqlite"]).fetchone()
    except sqlite3.OperationalError:
        raise WouldWait from None
    finally:
        cursor.close()
