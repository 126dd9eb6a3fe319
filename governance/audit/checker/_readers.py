"""How the checker reads a log: plain SQL over the standard drivers, nothing of the writer.

1. A reader shows one snapshot, however long the check takes and whatever is appended meanwhile.
2. It never writes; SQLite files are opened read-only.
3. Rows come in the order of their key, in blocks, as plain tuples. Checking a copy elsewhere only takes another reader.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

COLUMNS = (
    "index",
    "leaf_hash",
    "entry",
    "occurred_at",
    "recorded_at",
    "source_id",
    "source_ods",
    "event_id",
    "kind",
    "outcome",
    "subject",
    "subject_ods",
    "patient",
    "study",
    "custodian",
    "decision_id",
    "agreement_id",
    "token_jti",
)
BLOCK = 2048  # rows fetched at once

_ENTRIES = f"""SELECT {", ".join(f'"{name}"' for name in COLUMNS)} FROM audit_entry ORDER BY "index" """
_TILES = "SELECT level, number, root, hashes FROM audit_tile ORDER BY level, number"
_CHECKPOINTS = "SELECT size, root, note FROM audit_checkpoint ORDER BY size"
_HEAD = "SELECT size, frontier FROM audit_head WHERE id = 1"
_COUNT = "SELECT count(*) FROM audit_entry"

Row = tuple[Any, ...]


class Reader(Protocol):
    """Shows one snapshot of the tables of a log."""

    def count(self) -> int:
        """Give how many entry rows there are."""
        ...

    def entries(self) -> Iterator[list[Row]]:
        """Give all entry rows by index, in blocks; each row has the values of ``COLUMNS``."""
        ...

    def tiles(self) -> Iterator[Row]:
        """Give all tiles by level and number: level, number, root, hashes."""
        ...

    def checkpoints(self) -> list[Row]:
        """Give all checkpoints by size: size, root, note."""
        ...

    def head(self) -> Row | None:
        """Give size and frontier of the head row, or None when there is none."""
        ...

    def close(self) -> None:
        """End the snapshot."""
        ...


class SqliteReader:
    """Reads a log kept in a SQLite file."""

    def __init__(self, path: Path) -> None:
        """Open the file read-only; raises sqlite3.Error when it cannot be read."""
        self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        self._connection.execute("BEGIN")

    def count(self) -> int:
        """Give how many entry rows there are."""
        return int(self._connection.execute(_COUNT).fetchone()[0])

    def entries(self) -> Iterator[list[Row]]:
        """Give all entry rows by index, in blocks."""
        return _blocks(self._connection.execute(_ENTRIES))

    def tiles(self) -> Iterator[Row]:
        """Give all tiles by level and number."""
        return iter(self._connection.execute(_TILES))

    def checkpoints(self) -> list[Row]:
        """Give all checkpoints by size."""
        return self._connection.execute(_CHECKPOINTS).fetchall()

    def head(self) -> Row | None:
        """Give size and frontier of the head row."""
        row: Row | None = self._connection.execute(_HEAD).fetchone()
        return row

    def close(self) -> None:
        """End the snapshot and close the file."""
        self._connection.close()


class PostgresReader:
    """Reads a log kept in PostgreSQL, with cursors on the server so that nothing is held in memory."""

    def __init__(self, url: str) -> None:
        """Connect and open one repeatable-read, read-only snapshot."""
        import psycopg  # only those who keep the log there need the driver

        self._connection = psycopg.connect(url)
        self._connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        self._connection.read_only = True

    def count(self) -> int:
        """Give how many entry rows there are."""
        row = self._connection.execute(_COUNT).fetchone()
        return int(row[0]) if row else 0

    def entries(self) -> Iterator[list[Row]]:
        """Give all entry rows by index, in blocks."""
        with self._connection.cursor("entries") as cursor:
            cursor.execute(_ENTRIES)
            yield from _blocks(cursor)

    def tiles(self) -> Iterator[Row]:
        """Give all tiles by level and number."""
        with self._connection.cursor("tiles") as cursor:
            cursor.itersize = 64
            cursor.execute(_TILES)
            yield from cursor

    def checkpoints(self) -> list[Row]:
        """Give all checkpoints by size."""
        return self._connection.execute(_CHECKPOINTS).fetchall()

    def head(self) -> Row | None:
        """Give size and frontier of the head row."""
        return self._connection.execute(_HEAD).fetchone()

    def close(self) -> None:
        """End the snapshot and close the connection."""
        self._connection.close()


def open_reader(url: str) -> Reader:
    """Open the log behind a database URL as the service is configured with; raises ValueError for another kind."""
    scheme, _, rest = url.partition("://")
    if scheme.startswith("sqlite"):
        return SqliteReader(Path(rest.removeprefix("/")))
    if scheme.startswith("postgresql"):
        return PostgresReader(f"postgresql://{rest}")
    raise ValueError("a log is kept in SQLite or PostgreSQL")


class _Cursor(Protocol):
    def fetchmany(self, size: int, /) -> Iterable[Row]: ...


def _blocks(cursor: _Cursor) -> Iterator[list[Row]]:
    while block := list(cursor.fetchmany(BLOCK)):
        yield block
