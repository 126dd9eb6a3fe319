"""One change, one transaction: the change, its history and its audit event are committed together or not at all.

The event of a step tells of the rows it wrote, by their digests (:mod:`governance.audit.history`): the last step of an
agreement, or of a key, of all that were written of it. What was in force is known from the last step's event on
(:mod:`governance.facts`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from governance.agreements import _store
from governance.agreements.record import Actor, Change, PartyKey
from governance.audit import Event, Recorder
from governance.audit.event import Authority, JsonValue, Subject
from governance.audit.history import WrittenRows, watched
from governance.clock import Clock
from governance.facts import Collection, FactWriter, collected, note
from governance.storage import Database
from governance.storage.exclusive import exclusive
from governance.vocabulary import AgreementStatus, EventKind, SubjectType


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a version of an agreement, or to a key.

    ``ends_at`` is given when a version comes into force or expires, so that the log itself says when it is over.
    """

    transition: str
    agreement: str | None = None
    version: int | None = None
    status: AgreementStatus | None = None
    reason: str | None = None
    key: PartyKey | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An open write transaction of one actor at one instant."""

    session: Session
    now: datetime
    actor: Actor
    ledger: "Ledger"
    written: WrittenRows
    changed: Collection

    def write(self, steps: Sequence[Step]) -> None:
        """Write steps into the history and into the audit log, in this transaction."""
        self.ledger.write(self, steps)


class Ledger:
    """Opens entries and writes them down.

    Args:
        database: where everything is kept.
        recorder: records each step in the entry's transaction.
        clock: read once for each entry.
        facts: keeps what was in force, and since when that was known.
    """

    def __init__(self, database: Database, recorder: Recorder, clock: Clock, facts: FactWriter) -> None:
        self._database = database
        self._recorder = recorder
        self._clock = clock
        self._facts = facts
        self._told: set[str] = set()  # tables that entries are known to tell of
        self.source = recorder.source

    @contextmanager
    def entry(self, actor: Actor, now: datetime | None = None) -> Iterator[Entry]:
        """Open a write transaction, the only one of this room; whatever raises inside it undoes it whole."""
        with (
            self._database.transaction() as session,
            watched(session, self._told, self._facts.vault.rows_key) as written,
            collected(session, self._facts) as changed,
        ):
            exclusive(session, "agreements")
            yield Entry(session, now or self._clock.now(), actor, self, written, changed)
        written.committed()

    def write(self, entry: Entry, steps: Sequence[Step]) -> None:
        """Write the steps of an entry; raises Conflict when the audit log refuses one."""
        _store.add_changes(
            entry.session,
            [Change(0, one.agreement, one.version, one.transition, one.status, one.reason, entry.now) for one in steps],
        )
        rows = _of_steps(entry, steps)
        events = [self._event(entry, step, told) for step, told in zip(steps, rows, strict=True)]
        named = {(one.agreement, one.version) for one in steps if one.agreement is not None and one.version is not None}
        note(entry.session, _store.facts(entry.session, sorted(named)))
        entry.changed.compare(entry.session)
        indexes = self._recorder.record_all_in(entry.session, events)
        if indexes:
            entry.changed.write(entry.session, indexes[-1])

    def _event(self, entry: Entry, step: Step, rows: Mapping[str, JsonValue]) -> Event:
        detail: dict[str, JsonValue] = {"transition": step.transition, **rows}
        if step.agreement is not None:
            detail |= {"agreement": step.agreement, "version": step.version}
        if step.status is not None:
            detail["status"] = step.status.value
        if step.ends_at is not None:
            detail["ends_at"] = step.ends_at.isoformat()
        if step.key is not None:
            detail |= {"key": step.key.key_id, "organisation": step.key.ods}
        kind = SubjectType.PRACTITIONER if entry.actor.kind == "person" else SubjectType.SERVICE
        return self._recorder.event(
            EventKind.CONFIG,
            time=entry.now,
            subject=Subject(entry.actor.id, kind, ods=entry.actor.ods),
            authority=Authority(agreement_id=step.agreement),
            detail=detail,
        )


def _of_steps(entry: Entry, steps: Sequence[Step]) -> list[dict[str, JsonValue]]:
    """Give what the event of each step says of rows: the last that names an agreement or a key says all of it."""
    after = entry.written.after(entry.session)
    last = {name: number for number, step in enumerate(steps) for name in _names(step)}
    said: list[dict[str, JsonValue]] = []
    for number, step in enumerate(steps):
        own = {name for name in _names(step) if last[name] == number}
        part = {table: {key: rows for key, rows in by_key.items() if key in own} for table, by_key in after.items()}
        said.append(entry.written.told_of(part))
    return said


def _names(step: Step) -> set[str]:
    return {name for name in (step.agreement, step.key.key_id if step.key else None) if name is not None}
