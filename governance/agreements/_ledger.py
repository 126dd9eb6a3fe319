"""One change, one transaction: the change, its history and its audit event are committed together or not at all."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from governance.agreements import _store
from governance.agreements.record import Actor, Change, PartyKey
from governance.audit.event import Authority, Event, JsonValue, Source, Subject
from governance.audit.log import AuditLog
from governance.clock import Clock
from governance.storage import Database
from governance.vocabulary import AgreementStatus, EventKind, Outcome, SubjectType


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a version of an agreement, or to a key.

    ``ends_at`` is told when a version comes into force: the log then says by itself when that will be over.
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

    def write(self, steps: Sequence[Step]) -> None:
        """Write steps into the history and into the audit log, in this transaction."""
        self.ledger.write(self, steps)


class Ledger:
    """Opens entries and writes them down.

    Args:
        database: where everything is kept.
        audit: the log; its ``append_in`` joins the transaction.
        clock: read once for each entry.
        new_id: makes the id of an audit event.
        source: this service, as the audit log names it.
    """

    def __init__(
        self, database: Database, audit: AuditLog, clock: Clock, new_id: Callable[[], str], source: Source
    ) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._new_id = new_id
        self.source = source

    @contextmanager
    def entry(self, actor: Actor, now: datetime | None = None) -> Iterator[Entry]:
        """Open a write transaction; whatever raises inside it undoes it whole."""
        with self._database.transaction() as session:
            yield Entry(session, now or self._clock.now(), actor, self)

    def write(self, entry: Entry, steps: Sequence[Step]) -> None:
        """Write the steps of an entry; raises Conflict when the audit log refuses one."""
        _store.add_changes(
            entry.session,
            [Change(0, one.agreement, one.version, one.transition, one.status, one.reason, entry.now) for one in steps],
        )
        for receipt in self._audit.append_in(entry.session, [self._event(entry, step) for step in steps]):
            _ = receipt.index  # raises when the log refused the event, which undoes the change

    def _event(self, entry: Entry, step: Step) -> Event:
        detail: dict[str, JsonValue] = {"transition": step.transition}
        if step.agreement is not None:
            detail |= {"agreement": step.agreement, "version": step.version}
        if step.status is not None:
            detail["status"] = step.status.value
        if step.ends_at is not None:
            detail["ends_at"] = step.ends_at.isoformat()
        if step.key is not None:
            detail |= {"key": step.key.key_id, "organisation": step.key.ods}
        kind = SubjectType.PRACTITIONER if entry.actor.kind == "person" else SubjectType.SERVICE
        return Event(
            id=self._new_id(),
            time=entry.now,
            source=self.source,
            kind=EventKind.CONFIG,
            outcome=Outcome.SUCCESS,
            subject=Subject(entry.actor.id, kind, ods=entry.actor.ods),
            authority=Authority(agreement_id=step.agreement),
            detail=detail,
        )
