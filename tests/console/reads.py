"""What a page asks of the database, counted at the driver: prepared statements go past SQLAlchemy's own events."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy import event
from sqlalchemy.engine import Connection

from governance.storage import Database

_READS = ("SELECT", "WITH")
_WRITES = ("INSERT", "UPDATE", "DELETE")
_SIGN_IN = ("web_session", "federation_person", "federation_identity_provider", "federation_standing")  # who is looking


@dataclass
class Asked:
    """The transactions of one thread, each with its statements in order."""

    transactions: list[list[str]] = field(default_factory=list)

    @property
    def snapshots(self) -> list[list[str]]:
        """Give the reads of every read snapshot."""
        reading = [one for one in self.transactions if not any(part.startswith(_WRITES) for part in one)]
        return [[part for part in one if part.startswith(_READS)] for one in reading]

    @property
    def sign_in(self) -> list[list[str]]:
        """Give the snapshots that only find out who is looking."""
        return [one for one in self.snapshots if _about_sign_in(one)]

    @property
    def page(self) -> list[list[str]]:
        """Give the other snapshots: what the page itself is read from."""
        return [one for one in self.snapshots if not _about_sign_in(one)]


def _about_sign_in(statements: Sequence[str]) -> bool:
    return all(any(table in part for table in _SIGN_IN) for part in statements)


class _Listener:
    """Notes what one thread does with a database's connections."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._thread = threading.get_ident()
        self._running = False

    def begin(self, _connection: Connection) -> None:
        """Start a transaction."""
        if threading.get_ident() == self._thread:
            self._asked.transactions.append([])
            self._running = True

    def end(self, _connection: Connection) -> None:
        """End the transaction."""
        if threading.get_ident() == self._thread:
            self._running = False

    def say(self, statement: str) -> None:
        """Note a statement of the transaction that runs."""
        if threading.get_ident() == self._thread and self._running:
            self._asked.transactions[-1].append(statement.strip())

    def take(self, connection: Any, _record: Any, _proxy: Any) -> None:
        """Listen to a connection of the driver's."""
        if isinstance(connection, sqlite3.Connection):
            connection.set_trace_callback(self.say)
        else:
            connection.cursor_factory = _listening(self.say)

    def give_back(self, connection: Any, _record: Any) -> None:
        """Listen no more."""
        if isinstance(connection, sqlite3.Connection):
            connection.set_trace_callback(None)
        else:
            connection.cursor_factory = psycopg.Cursor


@contextmanager
def counted(database: Database) -> Iterator[Asked]:
    """Count what this thread asks a database; other threads, the log's writer among them, go on uncounted."""
    asked = Asked()
    heard = _Listener(asked)
    listeners: tuple[tuple[str, Callable[..., None]], ...] = (
        ("begin", heard.begin),
        ("commit", heard.end),
        ("rollback", heard.end),
        ("checkout", heard.take),
        ("checkin", heard.give_back),
    )
    for name, listener in listeners:
        event.listen(database.engine, name, listener)
    try:
        yield asked
    finally:
        for name, listener in listeners:
            event.remove(database.engine, name, listener)


def _listening(said: Callable[[str], None]) -> type[psycopg.Cursor[Any]]:
    """Make a cursor that hands on the text of every statement it runs."""

    class Listening(psycopg.Cursor[Any]):
        def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
            said(str(query))
            return super().execute(query, *args, **kwargs)

        def executemany(self, query: Any, *args: Any, **kwargs: Any) -> None:
            said(str(query))
            super().executemany(query, *args, **kwargs)

    return Listening
