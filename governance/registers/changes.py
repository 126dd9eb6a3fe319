"""One change of a register, one transaction: the rows and the record of it are committed together or not at all.

The record tells of the rows of feeds that were written, by their digests: what is in the tables can be held to the log.
What was changed is known from that record on: the versions of the rows carry its index (:mod:`governance.facts`).
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from sqlmodel import Session

from governance.audit import Recorder
from governance.audit.event import JsonValue, Resource
from governance.audit.history import watched
from governance.facts import FactWriter, collected
from governance.registers.writers import Writer, require_scope
from governance.storage import Database
from governance.storage.exclusive import exclusive
from governance.vocabulary import EventKind, Scope

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Change:
    """A change that is to be made: who makes it, when, and of which register.

    ``scope`` is what the register demands. ``matter`` names what nobody else changes meanwhile: whose a row is depends
    on what is on file, which must not change between the look and the write.
    """

    writer: Writer
    scope: Scope
    matter: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Made(Generic[Result]):
    """What a change gave, and what is recorded of it.

    ``detail`` holds counts, codes and registration ids, never an identifier of a person; ``resource`` is the study that
    was changed.
    """

    result: Result
    detail: Mapping[str, JsonValue]
    resource: Resource | None = None


class Changes:
    """Makes changes.

    Args:
        database: opens the transactions.
        recorder: records each change in its own transaction.
        facts: keeps what the rows were, and since when that was known.
    """

    def __init__(self, database: Database, recorder: Recorder, facts: FactWriter) -> None:
        self._database = database
        self._recorder = recorder
        self._facts = facts
        self._told: set[str] = set()  # tables that entries are known to tell of

    def reading(self) -> AbstractContextManager[Session]:
        """Open a read snapshot."""
        return self._database.reading()

    def make(self, change: Change, write: Callable[[Session], Made[Result]]) -> Result:
        """Write, record that it was done, and give the result.

        Args:
            change: who changes which register.
            write: makes sure that the rows are the writer's (``writers.py``) and writes them, in the transaction it is
                given.

        Raises:
            Forbidden: the register is not open to the writer.
            Conflict: the log refused the record. Then, as with whatever ``write`` raises, nothing is changed.
        """
        require_scope(change.writer, change.scope)
        with (
            self._database.transaction() as session,
            watched(session, self._told, self._facts.vault.rows_key) as written,
            collected(session, self._facts) as changed,
        ):
            exclusive(session, change.matter)
            made = write(session)
            changed.compare(session)
            index = self._recorder.record_in(
                session,
                EventKind.CONFIG,
                time=change.now,
                subject=change.writer.subject,
                resource=made.resource,
                detail={**made.detail, **written.detail(session)},
            )
            changed.write(session, index)
        written.committed()
        return made.result
