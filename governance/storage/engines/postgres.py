"""PostgreSQL: connections that wait for an answer only so long.

1. A server may be silent without being gone: stopped, starved, behind a network that drops what is sent. Nothing it was
   told helps then, so each wait of the driver has a limit on our side. At its end the connection is closed, for what it
   would say next belongs to nobody.
2. A server that is there ends by itself what nobody waits for: a statement past its limit, a wait for a lock, a
   statement whose client hung up.
3. Snapshots are REPEATABLE READ, READ ONLY; write transactions READ COMMITTED. Both are said in the BEGIN.
4. Behind a pooler that hands out connections by the transaction nothing is left on one: no setting but in the
   transaction, no prepared statement.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Self, TypeVar

import psycopg
from psycopg.abc import PQGen, PQGenConn
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine
from sqlmodel import create_engine

from governance.storage import patience
from governance.storage.engines import USE
from governance.storage.limits import KEPT, Limits

_CLIENT_GONE = 2  # seconds until the server notices that whoever asked a statement hung up
_CONNECTING = 2  # seconds for a connection
_KEEPALIVE = {  # seconds, milliseconds where libpq says so: a server that is gone is found out where nobody hurries
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}

_HANG_UP = (  # a server older than PostgreSQL 14 has no such setting
    f"SELECT set_config(name, '{_CLIENT_GONE * 1000}', false) FROM pg_settings"
    " WHERE name = 'client_connection_check_interval'"
)
T = TypeVar("T")


class BoundedConnection(psycopg.Connection[Any]):
    """A connection of the driver's that is closed when an answer does not come in time (rule 1)."""

    longest: float | None = None  # seconds that a thread which is not hurried waits for one answer

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> PQGenConn[Self]:
        """Connect in the time there is, which may be less than the two seconds that the driver takes at least."""
        until = monotonic() + patience.left(_CONNECTING)
        steps = super()._connect_gen(conninfo)
        try:
            step = next(steps)
            while True:
                ready = yield step
                if monotonic() >= until:
                    raise psycopg.OperationalError("the database did not answer in time")
                step = steps.send(ready)
        except StopIteration as end:
            made: Self = end.value
            return made

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait for what the server says next; raises psycopg.OperationalError when that takes too long."""
        allowed = self._allowed(timeout)
        try:
            made = super().wait(gen, interval, allowed)
        except psycopg.OperationalError as error:
            if error.sqlstate is None:
                self.close()
            raise
        patience.answered()
        return made

    def _allowed(self, timeout: float | None) -> float | None:
        longest = self.longest if timeout is None else timeout
        return patience.left(longest) if longest is not None else None


def postgres_engine(url: URL, limits: Limits, **pool: Any) -> Engine:
    """Open a PostgreSQL database whose waits have limits; what the URL says of its connections goes before ours.

    Args:
        url: of the database.
        limits: how long it may take and how many connections there may be.
        pool: how connections are kept, instead of what the limits say.
    """
    pooled = limits.pooler == "transaction"
    kept = min(KEPT, limits.connections)
    engine = create_engine(
        url,
        hide_parameters=True,
        connect_args=_connect_args(url, pooled),
        **(pool or {"pool_size": kept, "max_overflow": limits.connections - kept, "pool_pre_ping": True}),
    )

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, args: Any, values: Any) -> BoundedConnection:
        made = BoundedConnection.connect(*args, **values)
        made.longest = limits.work
        return made

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get(USE) == "reading"
        driver: Any = connection.connection.dbapi_connection
        dialect: Any = connection.dialect
        if bool(dialect.get_readonly(driver)) is not reads:  # what the driver's next BEGIN says
            dialect.set_isolation_level(driver, "REPEATABLE READ" if reads else "READ COMMITTED")
            dialect.set_readonly(driver, reads)

    _limit(engine, limits, pooled)
    return engine


@contextmanager
def longer(connection: Connection, seconds: float) -> Iterator[None]:
    """Let the statements of a transaction, and its waits for locks, take that long in this block: for a migration."""
    driver: Any = connection.connection.dbapi_connection
    usual, driver.longest = driver.longest, seconds
    limit = int(seconds * 1000)
    try:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {limit}; SET LOCAL statement_timeout = {limit}")
        yield
    finally:
        driver.longest = usual


def _connect_args(url: URL, pooled: bool) -> dict[str, Any]:
    known = {"connect_timeout": str(_CONNECTING)} | _KEEPALIVE
    given: dict[str, Any] = {name: value for name, value in known.items() if name not in url.query}
    return given | ({"prepare_threshold": None} if pooled else {})


def _limit(engine: Engine, limits: Limits, pooled: bool) -> None:
    """Tell the server what it ends by itself: once a connection, or in each transaction behind a pooler (rule 2)."""
    lock, statement = int(limits.answer * 1000 * 7 / 8), int(limits.work * 1000)  # a lock before our own limit
    known = (("lock_timeout", lock), ("statement_timeout", statement))
    if pooled:
        told = "; ".join(f"SET LOCAL {name} = {value}" for name, value in known)

        @event.listens_for(engine, "begin")
        def _in_transaction(connection: Connection) -> None:
            cursor = connection.connection.cursor()
            cursor.execute(told)
            cursor.close()

        return

    @event.listens_for(engine, "connect")
    def _once(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            for name, value in known:
                cursor.execute(f"SET {name} = {value}")
            cursor.execute(_HANG_UP)
        connection.commit()
