"""How the checker reads a log that is kept in PostgreSQL: no answer is waited for without a limit.

A server may accept a connection and say nothing, so each wait of the driver has its limit here and not there alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict

from governance.audit.checker._readers import TABLE, SqlReader

_CONNECTING = 5  # seconds for a connection, unless the URL says otherwise
T = TypeVar("T")


class PostgresReader(SqlReader):
    """Reads a log kept in PostgreSQL, a page at a time so that nothing is held in memory.

    Args:
        url: of the database.
        longest: seconds that it may take for one answer.
    """

    _mark = "%s"

    def __init__(self, url: str, longest: float) -> None:
        """Connect and open one repeatable-read, read-only snapshot. Raises psycopg.Error."""
        given = conninfo_to_dict(url)
        super().__init__(_Connection.opened(url, longest, given.get("connect_timeout", _CONNECTING)))
        self._connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        self._connection.read_only = True

    def rows(self, table: str, order: str) -> Iterator[Mapping[str, Any]]:
        """Give the rows of a table by column, in the order of one."""
        with self._connection.cursor(f"rows_{table}") as cursor:
            cursor.execute(TABLE.format(table, order))
            names = [column.name for column in cursor.description or ()]
            for row in cursor:
                yield dict(zip(names, row, strict=True))

    def renew(self) -> None:
        """End the snapshot and begin another."""
        self._connection.rollback()


class _Connection(psycopg.Connection[Any]):
    """A connection that is given up when an answer does not come in time."""

    longest: float | None = None

    @classmethod
    def opened(cls, url: str, longest: float, connecting: str | int | None) -> Self:
        made = cls.connect(url, connect_timeout=connecting)
        made.longest = longest
        return made

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait for what the server says next; raises psycopg.OperationalError when that takes too long."""
        try:
            return super().wait(gen, interval, self.longest if timeout is None else timeout)
        except psycopg.OperationalError as error:
            if error.sqlstate is None:
                self.close()
            raise
