"""How the checker reads a log: plain SQL over the standard drivers, nothing of the writer.

1. A reader shows one snapshot, however long the check takes and whatever is appended meanwhile, until it is renewed.
2. It never writes; SQLite files are opened read-only.
3. Rows come in the order of their key, in pages, as plain tuples. Checking a copy elsewhere only takes another reader.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

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
PAGE = 2048  # entries fetched at once
TILES = 64  # tiles fetched at once

_ENTRIES = f"""SELECT {", ".join(f'"{name}"' for name in COLUMNS)} FROM audit_entry{{}} ORDER BY "index" LIMIT {PAGE}"""
_TILES = f"SELECT level, number, root, hashes FROM audit_tile{{}} ORDER BY level, number LIMIT {TILES}"
_CHECKPOINTS = "SELECT size, root, note, signed_at FROM audit_checkpoint ORDER BY size"
_SIGNINGS = (
    "SELECT number, origin, size, root, note_hash, previous, signed_at, signature FROM audit_signing ORDER BY number"
)
_ENTERED = """SELECT "index", entry FROM audit_entry WHERE kind = 'recording' ORDER BY "index" """
_CONFIGURED = f"""SELECT "index", entry FROM audit_entry WHERE kind = 'config'{{}} ORDER BY "index" LIMIT {PAGE}"""
_VAULT = "SELECT owner, wrapped, destroyed_at FROM owner_key WHERE owner IN ({})"
TABLE = 'SELECT * FROM {} ORDER BY "{}"'
_OWNERS = 500  # looked up in one statement
_HEAD = "SELECT size, frontier FROM audit_head ORDER BY id"
LONGEST = 60.0  # seconds that a database on a network may take for one answer
_COUNT = "SELECT count(*) FROM audit_entry"

Row = tuple[Any, ...]


class Reader(Protocol):
    """Shows one snapshot of the tables of a log."""

    def count(self) -> int:
        """Give how many entry rows there are."""
        ...

    def entries(self, after: int | None) -> list[Row]:
        """Give the next page of entry rows by index, the first for None; each row has the values of ``COLUMNS``."""
        ...

    def tiles(self, after: tuple[int, int] | None) -> list[Row]:
        """Give the next page of tiles by level and number: level, number, root, hashes."""
        ...

    def checkpoints(self) -> list[Row]:
        """Give all checkpoints by size: size, root, note, time in microseconds."""
        ...

    def signings(self) -> list[Row]:
        """Give the chain of signings by number: the columns of ``Record``."""
        ...

    def entered(self) -> list[Row]:
        """Give index and entry of the entries whose column says that they are about recording."""
        ...

    def configured(self, after: int | None) -> list[Row]:
        """Give the next page of index and entry of the entries whose column says that something was changed."""
        ...

    def keys_of(self, owners: Sequence[str]) -> Mapping[str, tuple[object, object]]:
        """Give the wrapped data keys of those of the owners that are on file, and when each was destroyed."""
        ...

    def rows(self, table: str, order: str) -> Iterator[Mapping[str, Any]]:
        """Give the rows of a table by column, in the order of one."""
        ...

    def heads(self) -> list[Row]:
        """Give size and frontier of every head row: there is one, or none in a log without entries."""
        ...

    def renew(self) -> None:
        """End the snapshot and begin another."""
        ...

    def close(self) -> None:
        """End the snapshot."""
        ...


class SqlReader:
    """What both databases share: the connection and the statements, each with a question mark a value."""

    _mark = "?"  # what stands for a value in the driver's SQL

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def _rows(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        found: list[Row] = self._connection.execute(statement.replace("?", self._mark), values).fetchall()
        return found

    def count(self) -> int:
        """Give how many entry rows there are."""
        return int(self._rows(_COUNT)[0][0])

    def entries(self, after: int | None) -> list[Row]:
        """Give the next page of entry rows by index."""
        where = "" if after is None else ' WHERE "index" > ?'
        return self._rows(_ENTRIES.format(where), [] if after is None else [after])

    def tiles(self, after: tuple[int, int] | None) -> list[Row]:
        """Give the next page of tiles by level and number."""
        return self._rows(_TILES.format("" if after is None else " WHERE (level, number) > (?, ?)"), after or ())

    def checkpoints(self) -> list[Row]:
        """Give all checkpoints by size."""
        return self._rows(_CHECKPOINTS)

    def signings(self) -> list[Row]:
        """Give the chain of signings by number."""
        return self._rows(_SIGNINGS)

    def entered(self) -> list[Row]:
        """Give index and entry of the entries whose column says that they are about recording."""
        return self._rows(_ENTERED)

    def configured(self, after: int | None) -> list[Row]:
        """Give the next page of index and entry of the entries whose column says that something was changed."""
        where = "" if after is None else ' AND "index" > ?'
        return self._rows(_CONFIGURED.format(where), [] if after is None else [after])

    def keys_of(self, owners: Sequence[str]) -> Mapping[str, tuple[object, object]]:
        """Give the wrapped data keys of those of the owners that are on file, and when each was destroyed."""
        found: dict[str, tuple[object, object]] = {}
        for start in range(0, len(owners), _OWNERS):
            some = owners[start : start + _OWNERS]
            rows = self._rows(_VAULT.format(", ".join("?" * len(some))), some)
            found.update((owner, (wrapped, destroyed)) for owner, wrapped, destroyed in rows)
        return found

    def heads(self) -> list[Row]:
        """Give size and frontier of every head row."""
        return self._rows(_HEAD)

    def close(self) -> None:
        """End the snapshot and close the connection."""
        self._connection.close()


class SqliteReader(SqlReader):
    """Reads a log kept in a SQLite file."""

    def __init__(self, path: Path) -> None:
        """Open the file read-only; raises sqlite3.Error when it cannot be read."""
        url = f"{path.absolute().as_uri()}?mode=ro"
        super().__init__(sqlite3.connect(url, uri=True, isolation_level=None, check_same_thread=False))
        self._connection.execute("BEGIN")

    def rows(self, table: str, order: str) -> Iterator[Mapping[str, Any]]:
        """Give the rows of a table by column, in the order of one."""
        cursor = self._connection.execute(TABLE.format(table, order))
        names = [column[0] for column in cursor.description]
        return (dict(zip(names, row, strict=True)) for row in cursor)

    def renew(self) -> None:
        """End the snapshot and begin another."""
        self._connection.execute("ROLLBACK")
        self._connection.execute("BEGIN")


def open_reader(url: str, longest: float = LONGEST) -> Reader:
    """Open the log behind a database URL as the service is configured with.

    Args:
        url: of the database.
        longest: seconds that PostgreSQL may take for one answer.

    Raises:
        ValueError: it is of another kind.
        Exception: the driver's, when the database does not answer or is none.
    """
    scheme, _, rest = url.partition("://")
    if scheme.startswith("sqlite"):
        return SqliteReader(Path(unquote(rest.partition("?")[0].removeprefix("/"))))
    if scheme.startswith("postgresql"):
        from governance.audit.checker._postgres import PostgresReader  # the driver, for a log that is there

        return PostgresReader(f"postgresql://{rest}", longest)
    raise ValueError("a log is kept in SQLite or PostgreSQL")
