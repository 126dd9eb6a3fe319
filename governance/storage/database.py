"""The database and the two ways to use it: write transactions and read snapshots.

1. SQLite runs in WAL with ``synchronous=FULL``: a commit that returned is on the disk. NORMAL is not power-safe.
2. A write transaction of SQLite takes the write lock at once (``BEGIN IMMEDIATE``), so two writers queue instead of
   one dying half-way. PostgreSQL's are READ COMMITTED: they see the newest commits, and wait for each other's rows.
3. The driver never begins or commits on its own; what a ``with`` block did is committed whole or not at all.
4. Writers of several processes queue for SQLite's write lock at a lock of the kernel's, because SQLite's own way of
   waiting sleeps ever longer, up to a tenth of a second. It is a courtesy: whoever cannot have it in time asks SQLite.
5. Every wait has a limit, and at its end is Unavailable: a connection, the write lock, a lock inside the database.
6. On SQLite writers have connections of their own, so that a writer that holds the write lock never waits for readers;
   and an event loop (:mod:`governance.storage.patience`) has its own, so that it waits for nobody.
7. A connection that reads takes no writes: PostgreSQL is told so in the BEGIN, with REPEATABLE READ, and SQLite by a
   pragma. Each connection remembers what it was told last, so a run of snapshots tells it nothing.

Example: ``with database.reading() as session: rows = session.exec(select(TrustRow)).all()``.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlmodel import Session, create_engine

from governance.errors import Unavailable
from governance.storage import snapshot
from governance.storage.patience import PATIENCE, WouldWait, may_wait, require_patience
from governance.storage.write_lock import WriteLock

BUSY_TIMEOUT = 15_000  # milliseconds a writer waits for a lock inside the database before it gives up
_OVERFLOW = 20  # connections beyond those that are kept open
_WAL_PAGES = 8_000  # of 4 KiB: the same pages of the indexes change in every commit, and are copied back once for many
_AT_ONCE = 2  # connections of an event loop: its snapshot, and one more that something may look into beside it
DRIVER = "governance.driver"  # in ``session.info``: the dialect, and how to make a cursor
_USE = "governance_use"  # an execution option: what a connection was taken for; neither for one of the engine's own
_READING, _WRITING = {_USE: "reading"}, {_USE: "writing"}
_READ_ONLY = "governance.read_only"  # in a SQLite connection's ``info``: whether it refuses writes now
_LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's SQLSTATE for a lock that could not be had in time
_POSTGRES = {  # seconds, milliseconds where libpq says so: a server that is gone is found out
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}


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
        at_once: Engine | None = None
        if self.dialect == "sqlite":
            readers = {"pool_size": pool_size, "max_overflow": _OVERFLOW, "pool_timeout": PATIENCE}
            self.engine = _sqlite(parsed, BUSY_TIMEOUT, **readers)
            writer = _sqlite(parsed, BUSY_TIMEOUT, pool_size=1, max_overflow=-1)
            at_once = _sqlite(parsed, 0, pool_size=_AT_ONCE, max_overflow=0, pool_timeout=0)
        else:
            writer = self.engine = _postgres(parsed, pool_size)
        self.engines = tuple({id(one): one for one in (self.engine, writer, at_once) if one}.values())
        self._readers = self.engine.execution_options(**_READING)
        self._at_once = at_once.execution_options(**_READING) if at_once else None
        self._writer = writer.execution_options(**_WRITING)
        self._thread = threading.local()
        self._write_lock = WriteLock(parsed.database if self.dialect == "sqlite" else None)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a write transaction: commits at the end of the block, rolls back on any exception.

        Who writes what depends on what it read, locks that first (``FOR UPDATE``, or ``storage/exclusive.py``).

        Raises:
            Unavailable: a connection or a lock could not be had in time; nothing was kept.
            WouldWait: the calling thread may not wait.
            RuntimeError: this thread has a write transaction open, and would wait for itself.
            PendingRollbackError: at the end, when a statement failed and PostgreSQL undid the whole block for it.
        """
        require_patience()
        try:
            with (
                self._alone(),
                self._write_lock.held(),
                _connect(self._writer) as connection,
                _session(connection) as session,
            ):
                yield session
                _check_whole(connection)
                if session.in_transaction():
                    session.commit()  # what its objects still owe
                connection.commit()
        except Exception as error:
            if _lock_not_had(error):
                raise _busy("Another writer holds the database.") from error
            raise

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a read snapshot: every statement sees the commits that the first one saw. A write in it is an error.

        Raises:
            Unavailable: a connection could not be had in time.
            WouldWait: the calling thread may not wait, and the snapshot cannot be had at once.
        """
        with self._reader() as connection, _session(connection) as session:
            if not may_wait():
                _pin(connection)
            snapshot.begin(session)
            yield session

    def ping(self) -> bool:
        """Say whether the database answers."""
        with _connect(self.engine) as connection:
            return bool(connection.exec_driver_sql("SELECT 1").scalar() == 1)

    def dispose(self) -> None:
        """Close every pooled connection."""
        for engine in self.engines:
            engine.dispose()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Refuse a second write transaction of the same thread."""
        if getattr(self._thread, "writes", False):
            raise RuntimeError("a write transaction was opened inside another of the same thread")
        self._thread.writes = True
        try:
            yield
        finally:
            self._thread.writes = False

    def _reader(self) -> Connection:
        if may_wait():
            return _connect(self._readers)
        if self._at_once is None:  # a network is in between
            raise WouldWait
        try:
            return self._at_once.connect()
        except (PoolExhausted, DBAPIError):
            raise WouldWait from None


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


def _sqlite(url: URL, busy: int, **pool: Any) -> Engine:
    """Open a SQLite file with the pragmas of rule 1 on each connection, transactions being ours (rules 2 and 3).

    Args:
        url: of the file.
        busy: milliseconds to wait for a lock in it.
        pool: how connections are kept.
    """
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": busy / 1000}, **pool)

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={busy}",
            "temp_store=MEMORY",
            f"wal_autocheckpoint={_WAL_PAGES}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        use, link = connection.get_execution_options().get(_USE), connection.connection
        reads = use == "reading"
        # By the driver's cursor: SQLAlchemy's own way costs as much as the rest of a short transaction together.
        begun = link.cursor()
        if reads is not link.info.get(_READ_ONLY, False):
            begun.execute(f"PRAGMA query_only={reads:d}")
            link.info[_READ_ONLY] = reads
        begun.execute("BEGIN IMMEDIATE" if use == "writing" else "BEGIN")
        begun.close()

    return engine


def _postgres(url: URL, pool_size: int) -> Engine:
    """Open a PostgreSQL database whose waits have limits; what the URL says of them goes before ours."""
    limits = {name: value for name, value in _POSTGRES.items() if name not in url.query}
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=_OVERFLOW,
        pool_timeout=PATIENCE,
        pool_pre_ping=True,
        connect_args=limits,
    )

    @event.listens_for(engine, "connect")
    def _limit(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {BUSY_TIMEOUT}")
        connection.commit()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get(_USE) == "reading"
        driver: Any = connection.connection.dbapi_connection
        dialect: Any = connection.dialect
        if bool(dialect.get_readonly(driver)) is not reads:  # what the driver's next BEGIN says
            dialect.set_isolation_level(driver, "REPEATABLE READ" if reads else "READ COMMITTED")
            dialect.set_readonly(driver, reads)

    return engine


def _check_whole(connection: Connection) -> None:
    """Refuse to commit what PostgreSQL, after a failed statement, would roll back without a word."""
    status = getattr(connection.connection.dbapi_connection, "info", None)
    if status is not None and status.transaction_status.name == "INERROR":
        raise PendingRollbackError("a statement of this transaction failed: nothing of it can be kept")


def _connect(engine: Engine) -> Connection:
    """Take a connection. Raises Unavailable when none is free in time."""
    try:
        return engine.connect()
    except PoolExhausted as error:
        raise _busy("Every connection to the database is in use.") from error


def _pin(connection: Connection) -> None:
    """Open the snapshot now: from then on no read of it meets a lock. Raises WouldWait when it meets one here."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
    except sqlite3.OperationalError:
        raise WouldWait from None
    finally:
        cursor.close()


def _lock_not_had(error: Exception) -> bool:
    """Say whether an error, the driver's own or SQLAlchemy's, means that a lock could not be had in time."""
    cause = getattr(error, "orig", error)
    if getattr(cause, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
        return True
    return (getattr(cause, "sqlite_errorcode", 0) or 0) & 0xFF == sqlite3.SQLITE_BUSY


def _busy(detail: str) -> Unavailable:
    return Unavailable("database.busy", detail, retry_after=1)
