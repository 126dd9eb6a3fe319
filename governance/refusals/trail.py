"""The trail of refusals: runs in memory, two events a run in the log.

``note`` is called by whoever refuses, on any thread. ``flush`` is called by a job every few seconds: it closes the runs
whose window is over, and offers again what the log could not take.
"""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from governance.audit import Event, Receipt, Recorder
from governance.clock import Clock
from governance.errors import Unavailable
from governance.pseudonyms import Pseudonymiser
from governance.refusals.refusal import Pseudonyms, Refusal, facts_of
from governance.storage.patience import may_wait
from governance.telemetry import get_logger

MOST = 5_000  # runs held at once, those included that wait for a log that cannot be written
OF_ADDRESS = 64  # runs of one address at once
OF_POINT = 1_000  # of one archive's enforcement point, which proved itself and speaks for many viewers
PATIENCE = 1.0  # seconds that a first refusal waits for the log
_LONGEST = 512  # characters of a claimed id that tell two of them apart
_log = get_logger(__name__)


class Meter(Protocol):
    """Counts refusals: :class:`governance.telemetry.Metrics`."""

    def refused(self, *, kind: str, reason: str) -> None:
        """Count one."""
        ...


@dataclass(slots=True, eq=False)
class _Run:
    """One run: its first refusal, how many there were, and what of it the log still has to take."""

    refusal: Refusal
    event_id: str
    began: datetime
    until: datetime
    last: datetime
    count: int = 1
    owed: list[Event] = field(default_factory=list)
    offered: int = 0  # events that the log has, and has not answered for

    @property
    def settled(self) -> bool:
        return not self.owed and not self.offered


class RefusalTrail:
    """Keeps the trail of one process.

    Args:
        recorder: makes the events, and hands them to the log.
        pseudonymiser: of addresses and of clients that are not registered.
        clock: says when.
        registered: says whether a client id is that of a client on file, whatever its standing.
        window: how long a run is counted before it is closed.
        meter: counts every refusal.
    """

    def __init__(
        self,
        recorder: Recorder,
        pseudonymiser: Pseudonymiser,
        clock: Clock,
        *,
        registered: Callable[[str], bool],
        window: timedelta,
        meter: Meter,
    ) -> None:
        self._recorder = recorder
        self._pseudonymiser = pseudonymiser
        self._clock = clock
        self._registered = registered
        self._window = window
        self._meter = meter
        self._lock = threading.Lock()
        self._open: dict[Hashable, _Run] = {}
        self._of_origin: dict[tuple[str, str | None], int] = {}
        self._closed: list[_Run] = []  # over, and not yet in the log

    @property
    def held(self) -> int:
        """Give how many runs are in memory."""
        return len(self._open) + len(self._closed)

    def note(self, refusal: Refusal) -> None:
        """Count a refusal, and open its run in the log if it is the first; it never fails.

        A thread that may wait then waits for the log, :data:`PATIENCE` at most: who was refused first hears of it once
        it is in the log, or the log is late. A repetition waits for nothing, nor does an event loop.
        """
        try:
            self._meter.refused(kind=refusal.kind.value, reason=refusal.reason)
            over, opened = self._counted(refusal)
            self._close(over)
            if opened is not None:
                future = self._offer(opened, [self._event(opened, opened.began, {})])
                if future is not None and may_wait():
                    wait([future], PATIENCE)
        except Exception as error:  # noqa: BLE001 - whoever refuses goes on refusing
            _log.error("refusal not recorded", error_type=type(error).__name__, reason=refusal.reason)

    def flush(self, *, everything: bool = False) -> None:
        """Close the runs whose window is over, all of them with ``everything``, and offer what the log did not take."""
        now = self._clock.now()
        with self._lock:
            over = [run for run in self._open.values() if everything or now >= run.until]
            for run in over:
                self._forget(run)
            waiting = [*self._open.values(), *self._closed]
        self._close(over)
        for run in waiting:
            self._offer(run, [])
        with self._lock:
            self._closed = [run for run in self._closed if not run.settled]

    def _counted(self, refusal: Refusal) -> tuple[list[_Run], _Run | None]:
        """Count a refusal in its run; give the runs that are over by now, and the run that it opens, if it does."""
        now, over = self._clock.now(), list[_Run]()
        with self._lock:
            for one in refusal.widened():
                run = self._open.get(one.key)
                if run is not None and now < run.until:
                    run.count, run.last = run.count + 1, now
                    return over, None
                if run is not None:
                    self._forget(run)
                    over.append(run)
                if self._has_room(one):
                    return over, self._opened(one, now)
        return over, None

    def _has_room(self, refusal: Refusal) -> bool:
        """Say whether a run may be opened; one of everybody's always may: there are as many as reasons and routes."""
        together = refusal.detail.get("together")
        if together == "all":
            return True
        room = self.held < MOST
        most = OF_ADDRESS if refusal.source is None else OF_POINT
        return room and (together is not None or self._of_origin.get(refusal.origin, 0) < most)

    def _opened(self, refusal: Refusal, now: datetime) -> _Run:
        run = _Run(refusal, self._recorder.new_id(), now, now + self._window, now)
        self._open[refusal.key] = run
        self._of_origin[refusal.origin] = self._of_origin.get(refusal.origin, 0) + 1
        return run

    def _forget(self, run: _Run) -> None:
        """Take a run out of those that count; it is held until the log has all of it."""
        origin = run.refusal.origin
        del self._open[run.refusal.key]
        self._of_origin[origin] -= 1
        if not self._of_origin[origin]:
            del self._of_origin[origin]
        self._closed.append(run)

    def _close(self, runs: list[_Run]) -> None:
        for run in runs:
            counted: dict[str, int | str] = {"count": run.count, "since": run.began.isoformat()}
            self._offer(run, [self._event(run, run.last, counted)] if run.count > 1 else [])

    def _event(self, run: _Run, at: datetime, counted: dict[str, int | str]) -> Event:
        refusal = run.refusal
        named = Pseudonyms(
            self._pseudonymiser.address(refusal.address) if refusal.address else None, self._claimed(refusal.claimed)
        )
        event_id = f"{run.event_id}-closed" if counted else run.event_id
        facts = facts_of(refusal, named, event_id, at)
        facts["detail"] = {**facts["detail"], **counted}
        return self._recorder.event(refusal.kind, refusal.outcome, **facts)

    def _claimed(self, client_id: str | None) -> str | None:
        if client_id is None:
            return None
        short = client_id[:_LONGEST]
        try:
            known = self._registered(short)
        except Exception:  # noqa: BLE001 - a register that cannot be read knows nobody
            known = False
        return short if known else self._pseudonymiser.client(short)

    def _offer(self, run: _Run, events: list[Event]) -> "Future[list[Receipt]] | None":
        """Hand the log what it is owed of a run; what it does not take now is offered again by the next flush."""
        with self._lock:
            owed, run.owed = [*run.owed, *events], []
            run.offered += len(owed)
        if not owed:
            return None

        def settle(future: "Future[list[Receipt]] | None") -> None:
            with self._lock:
                run.offered -= len(owed)
                if future is None or future.exception() is not None:
                    run.owed = owed + run.owed

        try:
            offered = self._recorder.submit(owed)
        except Unavailable:
            settle(None)
            return None
        offered.add_done_callback(settle)
        return offered
