"""The one call by which this service writes into its own log: it gives the index, or raises.

1. An event's id, time and source have defaults: a fresh id, the clock's now, this service. A use case that read the
   clock hands its instant on, and what has an id of its own (a decision, a token) is recorded under that.
2. Nobody handles receipts. A refusal by the log is an exception here, so a caller cannot go on without its record.
3. ``record`` waits for a commit of the log's own. ``record_in`` joins the caller's transaction: change and record are
   one commit, and a refusal undoes the change. The log stays locked until that commit, so call it last.
4. What others send is not recorded here: they are owed receipts, with duplicates and refusals (``intake``).
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import TypedDict, Unpack

from sqlmodel import Session

from governance.audit._sequencer import Receipt
from governance.audit.event import Authority, BreakGlass, Event, JsonValue, Resource, Source, Subject
from governance.audit.log import AuditLog
from governance.clock import Clock
from governance.vocabulary import EventKind, Outcome, Purpose

_NO_AUTHORITY = Authority()


class Facts(TypedDict, total=False):
    """What an event may say beside its kind and its outcome; what is left out is not known, or has its default."""

    id: str
    time: datetime
    source: Source
    subject: Subject | None
    purpose: Purpose | None
    resource: Resource | None
    authority: Authority
    break_glass: BreakGlass | None
    detail: Mapping[str, JsonValue]


class Recorder:
    """Records what this service does.

    Args:
        log: the audit log.
        clock: says when an event happened that names no instant.
        source: this service, as the log names it.
        new_id: makes the id of an event that has none, and whatever other ids a use case needs.
    """

    def __init__(self, log: AuditLog, clock: Clock, source: Source, new_id: Callable[[], str]) -> None:
        self._log = log
        self._clock = clock
        self.source = source
        self.new_id = new_id

    def event(
        self,
        kind: EventKind,
        outcome: Outcome = Outcome.SUCCESS,
        *,
        id: str | None = None,  # noqa: A002 - as an event names it
        time: datetime | None = None,
        source: Source | None = None,
        subject: Subject | None = None,
        purpose: Purpose | None = None,
        resource: Resource | None = None,
        authority: Authority = _NO_AUTHORITY,
        break_glass: BreakGlass | None = None,
        detail: Mapping[str, JsonValue] | None = None,
    ) -> Event:
        """Make an event that is recorded later or together with others, by one of the methods below.

        The facts are named one by one, for every decision is made into an event here: no mapping is built on the way.
        """
        return Event(
            id=self.new_id() if id is None else id,
            time=self._clock.now() if time is None else time,
            source=self.source if source is None else source,
            kind=kind,
            outcome=outcome,
            subject=subject,
            purpose=purpose,
            resource=resource,
            authority=authority,
            break_glass=break_glass,
            detail={} if detail is None else detail,
        )

    def record(self, kind: EventKind, outcome: Outcome = Outcome.SUCCESS, **facts: Unpack[Facts]) -> int:
        """Record an event and give its index, once it is durable.

        Raises:
            Unavailable: the log cannot take it now.
            Conflict: the log refused the event.
        """
        return self.record_all([self.event(kind, outcome, **facts)])[0]

    def record_in(
        self, session: Session, kind: EventKind, outcome: Outcome = Outcome.SUCCESS, **facts: Unpack[Facts]
    ) -> int:
        """Record an event in the caller's write transaction and give its index there.

        Raises:
            Conflict: the log refused the event; the transaction must not be committed.
        """
        return self.record_all_in(session, [self.event(kind, outcome, **facts)])[0]

    def record_all(self, events: Sequence[Event]) -> list[int]:
        """Record events in one append and give their indexes, once they are durable; none takes no append.

        Raises:
            Unavailable: the log cannot take them now; none was recorded.
            Conflict: the log refused one. The others are in the log: one bad event never costs its neighbours.
        """
        return [receipt.index for receipt in self._log.append(events)]

    def record_all_in(self, session: Session, events: Sequence[Event]) -> list[int]:
        """Record events in the caller's write transaction and give their indexes there.

        Raises:
            Conflict: the log refused one; the transaction must not be committed.
        """
        return [receipt.index for receipt in self._log.append_in(session, events)]

    def submit(self, events: Sequence[Event]) -> Future[list[Receipt]]:
        """Hand events to the log without waiting for it; the future gives a receipt for each, in order.

        For questions of several askers that are recorded together and answered each for itself: whoever answers one
        needs its index, and a refused event has none (:attr:`Receipt.index` raises Conflict).

        Raises:
            Unavailable: the log takes nothing now; the future fails with Unavailable when its commit did.
        """
        return self._log.submit(events)
