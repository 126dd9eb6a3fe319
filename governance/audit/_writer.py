"""Group commit: one thread writes for everybody, and nobody is answered before the commit.

1. Callers put requests in a bounded queue and wait on a future; the thread takes what is there and commits it as one.
2. A request is never split over two commits.
3. A commit that failed fails every request of its group. It is never tried again behind the caller's back: after a
   failed flush nobody can know what reached the disk, so only the caller, who re-sends under the same id, may decide.
4. A full queue or a closed writer answers Unavailable at once; nothing is dropped silently.
5. Closing takes no new requests, finishes those in the queue, then stops.
6. A group that the database does not answer in the time of a request fails: then its callers are gone, and the next
   group asks anew.
7. Nobody waits for ever: neither whoever appended nor whoever closes. A caller whose time is over does not
   know whether the log has its events; sent again under their ids, they get the receipts they would have got.
8. The thread outlives whatever a commit or an observer raises. If it ends all the same, whoever waits is told at once
   and nobody waits any more: the process cannot serve without it (:mod:`governance.threads`).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Protocol

from sqlmodel import Session

from governance.audit._sequencer import Receipt
from governance.audit.event import Event
from governance.errors import Unavailable
from governance.storage import Database, outage, patience
from governance.threads import VitalThreads, harmless, is_fault

Append = Callable[[Session, Sequence[Event]], list[Receipt]]
_Request = tuple[Sequence[Event], "Future[list[Receipt]]"]
_NOT_WRITTEN = "The audit log could not be written; nothing of this request was recorded."
_LATE = "The audit log did not answer in time. What was sent may be recorded; it can be sent again under its ids."


class LogObserver(Protocol):
    """Hears what the writer does, for metrics and logs; must be quick. What it raises reaches nobody."""

    def committed(self, receipts: Sequence[Receipt]) -> None:
        """Hear that a group was committed."""

    def failed(self, events: int, error: BaseException) -> None:
        """Hear that the commit of a group of so many events failed."""


class SilentObserver:
    """Listens and keeps nothing."""

    def committed(self, receipts: Sequence[Receipt]) -> None:
        """Take note of nothing."""

    def failed(self, events: int, error: BaseException) -> None:
        """Take note of nothing."""


class GroupWriter:
    """The one thread of this process that appends to the log.

    Args:
        database: where groups are committed.
        append: sequences events inside a transaction.
        capacity: events that may wait; beyond it callers get Unavailable.
        group: events that one commit takes at most, unless a single request is larger.
        observer: hears of every commit and every failure.
        threads: those that the process cannot be without; this one is started among them.
    """

    def __init__(
        self,
        database: Database,
        append: Append,
        *,
        capacity: int,
        group: int,
        observer: LogObserver,
        threads: VitalThreads,
    ) -> None:
        self._database = database
        self._append = append
        self._capacity = capacity
        self._group = group
        self._threads = threads
        self._hear_commit = harmless("observer")(observer.committed)
        self._hear_failure = harmless("observer")(observer.failed)
        self._waiting: deque[_Request] = deque()
        self._queued = 0
        self._changed = threading.Condition()
        self._open = False
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Say whether the thread is there to write."""
        return self._open and self._thread is not None and self._thread.is_alive()

    @property
    def queued(self) -> int:
        """Give how many events wait for the next commit."""
        return self._queued

    def start(self) -> None:
        """Start the thread; starting twice is harmless."""
        with self._changed:
            if self._thread is None:
                self._thread = self._threads.start("audit-writer", self._run)
                self._open = True

    def close(self) -> None:
        """Refuse new requests, commit those in the queue, stop the thread and wait for it.

        Raises:
            Unavailable: the thread is still writing after :data:`~governance.storage.patience.LONG_PATIENCE`, or after
                what the caller may wait; it goes on with what is in the queue.
        """
        with self._changed:
            self._open = False
            self._changed.notify_all()
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(patience.left(patience.LONG_PATIENCE))
            if thread.is_alive():
                raise _unavailable("The audit log is still being written.")

    def submit(self, events: Sequence[Event]) -> Future[list[Receipt]]:
        """Queue events as one request; the future answers after the commit, or fails with Unavailable.

        Raises:
            Unavailable: the writer is closed or its queue is full.
        """
        future: Future[list[Receipt]] = Future()
        with self._changed:
            if not self._open:
                raise _unavailable("The audit log is not taking events.")
            if self._queued and self._queued + len(events) > self._capacity:
                raise _unavailable("The audit log has more waiting than it may hold.")
            self._waiting.append((events, future))
            self._queued += len(events)
            self._changed.notify_all()
        return future

    def _run(self) -> None:
        requests: Sequence[_Request] = ()
        try:
            while requests := self._next_group():
                self._commit(requests)
        finally:
            self._refuse_rest(requests)

    def _commit(self, requests: Sequence[_Request]) -> None:
        """Commit a group and tell its callers; a fault is theirs to hear and the thread lives on."""
        events = [event for batch, _ in requests for event in batch]
        try:
            with patience.hurried(self._database.limits.answer), self._database.transaction() as session:
                receipts = self._append(session, events)
        except BaseException as error:
            self._hear_failure(len(events), error)
            _fail(requests, error)
            if not is_fault(error):
                raise
        else:
            self._hear_commit(receipts)
            _answer(requests, receipts)

    def _refuse_rest(self, group: Sequence[_Request]) -> None:
        """Take nothing more and refuse what still waits: nothing, unless the thread ends before its time."""
        with self._changed:
            self._open = False
            left = [request for request in (*group, *self._waiting) if not request[1].done()]
            self._waiting.clear()
            self._queued = 0
        _fail(left, RuntimeError("the log's writer ended"))

    def _next_group(self) -> list[_Request]:
        """Wait for requests and take as many as one commit holds; empty once closed and drained."""
        with self._changed:
            while not self._waiting and self._open:
                self._changed.wait()
            requests: list[_Request] = []
            taken = 0
            while self._waiting and (not requests or taken + len(self._waiting[0][0]) <= self._group):
                requests.append(self._waiting.popleft())
                taken += len(requests[-1][0])
            self._queued -= taken
            return requests


def receipts_of(request: Future[list[Receipt]]) -> list[Receipt]:
    """Wait for the receipts of a request.

    Raises:
        Unavailable: its commit failed, or did not end in time: in what a request may wait
            (:func:`~governance.storage.patience.left`).
    """
    try:
        receipts = request.result(patience.left(patience.LONG_PATIENCE))
    except TimeoutError:
        raise _unavailable(_LATE) from None
    patience.answered()
    return receipts


def _answer(requests: Sequence[_Request], receipts: Sequence[Receipt]) -> None:
    start = 0
    for events, future in requests:
        if future.set_running_or_notify_cancel():
            future.set_result(list(receipts[start : start + len(events)]))
        start += len(events)


def _fail(requests: Sequence[_Request], error: BaseException) -> None:
    for _, future in requests:
        if future.set_running_or_notify_cancel():
            failure = _unavailable(_LATE if _in_doubt(error) else _NOT_WRITTEN)
            failure.__cause__ = error
            future.set_exception(failure)


def _in_doubt(error: BaseException) -> bool:
    """Say whether nobody knows if a commit was kept."""
    return isinstance(error, Unavailable) and error.reason == outage.IN_DOUBT


def _unavailable(detail: str) -> Unavailable:
    return Unavailable("audit.unavailable", detail, retry_after=1)
