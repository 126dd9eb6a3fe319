"""One change of a register, one transaction: the rows and the record of it are committed together or not at all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlmodel import Session

from governance.audit import Recorder
from governance.audit.event import JsonValue
from governance.registers.writers import Row, Writer, own_rows
from governance.storage import Database
from governance.vocabulary import EventKind, Scope

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be recorded of a change: who makes it, when, and what it is.

    ``scope`` is what the register demands. ``detail`` holds counts, codes and registration ids, never an identifier of
    a person.
    """

    writer: Writer
    scope: Scope
    now: datetime
    detail: Mapping[str, JsonValue]


class Changes:
    """Makes changes.

    Args:
        database: opens the transactions.
        recorder: records each change in its own transaction.
    """

    def __init__(self, database: Database, recorder: Recorder) -> None:
        self._database = database
        self._recorder = recorder

    def make(self, change: Change, rows: Sequence[Row], write: Callable[[Session, Sequence[Row]], Done]) -> Done:
        """Write rows that are the writer's to write, record that it was done, and give what writing gave.

        Args:
            change: what is recorded.
            rows: what is written, or the keys of it.
            write: writes them in the transaction it is given.

        Raises:
            Forbidden: the rows are not the writer's to write.
            Conflict: the log refused the record. Then, as with whatever ``write`` raises, nothing is changed.
        """
        own = own_rows(change.writer, change.scope, rows)
        with self._database.transaction() as session:
            done = write(session, own)
            self._recorder.record_in(
                session, EventKind.CONFIG, time=change.now, subject=change.writer.subject, detail=change.detail
            )
        return done
