"""Detection: a cursor over the log that turns what is new into alerts.

1. Scoring reads a snapshot and holds no lock. Cursor, memory and alerts are then written in one short transaction:
   either all of a batch counts, or none of it.
2. Only the process that holds the lease writes. The lease is checked again inside the transaction, so one that slept
   too long changes nothing. The lease is the only thing here that knows the wall clock, and it is the clock that all
   processes share. None is believed that ends later than one taken now would: whatever wrote it, it keeps nobody out.
3. Memory that may not match the database is thrown away and read again.
4. The log's own order and event times decide everything: reading the log again from its start gives the
   alerts that live running gave.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Protocol

from sqlmodel import Session

from governance.alerts import Change, Finding, Raised
from governance.audit.event import RecordedEvent
from governance.detection import _store
from governance.detection.lag import LagWatch
from governance.detection.rule import Rule
from governance.detection.scoring import LearningContext, Scorer
from governance.detection.state import LATENESS, RuleMemory
from governance.storage import Database

CURSOR = "detection"
BATCH = 1_000  # events scored and written together
LEASE = timedelta(seconds=15)


class LogReader(Protocol):
    """Reads the log: :class:`governance.audit.AuditLog`."""

    def read(self, start: int, limit: int) -> list[RecordedEvent]:
        """Give events from an index on, in order."""
        ...


class FindingTaker(Protocol):
    """Takes findings into alerts: :class:`governance.alerts.AlertService`."""

    def raise_findings(self, session: Session, findings: Sequence[Finding]) -> list[Raised]:
        """Take findings inside the caller's write transaction; one answer each."""
        ...


class PreparedContext(LearningContext, Protocol):
    """Facts that can be fetched for a whole batch at once."""

    def prepare(self, events: Sequence[RecordedEvent]) -> None:
        """Fetch what a batch will ask for."""
        ...


class Meter(Protocol):
    """Counts findings: :class:`governance.telemetry.Metrics`."""

    def alert_raised(self, *, rule: str, severity: str) -> None:
        """Count a finding that changed an alert."""
        ...


@dataclass(slots=True)
class _Progress:
    """What this process holds between runs: valid while the database's cursor is at ``next_index``."""

    next_index: int
    memory: RuleMemory


class DetectionEngine:
    """Runs the detectors over the log.

    Args:
        database: holds cursor, memory and alerts.
        log: what is read.
        alerts: where findings go.
        rules: the detectors.
        context: opens the facts on a read snapshot.
        instant: gives the time by the clock that all processes share, for the lease.
        holder: this process's name, unlike any other's.
        meter: counts findings.
        lateness: how far out of order events may arrive, in event time.
        batch: events scored and written together.
    """

    def __init__(
        self,
        *,
        database: Database,
        log: LogReader,
        alerts: FindingTaker,
        rules: Sequence[Rule],
        context: Callable[[Session], PreparedContext],
        instant: Callable[[Session], datetime],
        holder: str,
        meter: Meter,
        lateness: timedelta = LATENESS,
        batch: int = BATCH,
    ) -> None:
        self.rules = tuple(rules)
        self._database = database
        self._log = log
        self._alerts = alerts
        self._scorer = Scorer(rules)
        self._context = context
        self._instant = instant
        self._holder = holder
        self._meter = meter
        self._lateness = lateness
        self.batch = batch
        self._progress: _Progress | None = None
        self._renew_at: float | None = None  # by this process's steady clock
        self.lag = LagWatch()

    def run_once(self) -> int:
        """Read one batch; gives how many events were read, 0 when there is none or another process has the lease."""
        if not self._take_lease():
            self._progress = None
            return 0
        try:
            return self._read_batch(self._restored())
        except BaseException:
            self._progress = None
            raise

    def catch_up(self) -> int:
        """Read until nothing is left; gives how many events were read."""
        total = 0
        while read := self.run_once():
            total += read
        return total

    def position(self) -> int:
        """Give the index of the first event that is not read yet, as the database has it."""
        with self._database.reading() as session:
            found = _store.cursor(session, CURSOR)
        return 0 if found is None else found.next_index

    def rewind(self) -> None:
        """Start again at the beginning of the log: alerts gain nothing they already have."""
        with self._database.transaction() as session:
            _store.reset(session, CURSOR)
        self._progress, self._renew_at = None, None

    def release(self) -> None:
        """Let another process take over at once, on the way out."""
        with self._database.transaction() as session:
            found = _store.cursor(session, CURSOR, lock=True)
            if found is not None and found.holder == self._holder:
                _store.hold(session, CURSOR, self._holder, self._instant(session))
        self._progress, self._renew_at = None, None

    def _take_lease(self) -> bool:
        """Take or renew the lease; a lease with more than half its time left is not written again."""
        asked = monotonic()
        if self._renew_at is not None and asked < self._renew_at:
            return True
        self._renew_at = None
        with self._database.transaction() as session:
            _store.begin(session, CURSOR)
            found = _store.cursor(session, CURSOR, lock=True)
            now = self._instant(session)
            if found is None or not self._may_hold(found, now):
                return False
            _store.hold(session, CURSOR, self._holder, now + LEASE)
        self._renew_at = asked + LEASE.total_seconds() / 2
        return True

    def _may_hold(self, found: _store.Cursor, now: datetime) -> bool:
        if found.holder in {None, self._holder} or found.held_until is None:
            return True
        return not now < found.held_until <= now + LEASE

    def _restored(self) -> _Progress:
        if self._progress is None:
            with self._database.reading() as session:
                found = _store.cursor(session, CURSOR)
                memory = RuleMemory(self._lateness, None if found is None else found.high_water)
                for rule_id, key, value, due in _store.values(session):
                    memory.restore(rule_id, key, value, due)
            self._progress = _Progress(0 if found is None else found.next_index, memory)
        return self._progress

    def _read_batch(self, progress: _Progress) -> int:
        events = self._log.read(progress.next_index, self.batch)
        if not events:
            return 0
        with self._database.reading() as session:
            context = self._context(session)
            context.prepare(events)
            findings = self._scorer.score(events, context, progress.memory)
        next_index = events[-1].index + 1
        raised = self._write(progress, next_index, findings)
        if raised is None:
            self._progress, self._renew_at = None, None
            return 0
        progress.next_index = next_index
        for finding, done in zip(findings, raised, strict=True):
            if done.change is not Change.UNCHANGED:
                self._meter.alert_raised(rule=finding.rule_id, severity=finding.severity.value)
        return len(events)

    def _write(self, progress: _Progress, next_index: int, findings: Sequence[Finding]) -> list[Raised] | None:
        """Write a batch; None when the lease was lost or somebody else moved the cursor."""
        with self._database.transaction() as session:
            found = _store.cursor(session, CURSOR, lock=True)
            if found is None or found.holder != self._holder or found.next_index != progress.next_index:
                return None
            _store.advance(session, CURSOR, next_index, progress.memory.high_water)
            _store.save(session, progress.memory.changes())
            return self._alerts.raise_findings(session, findings)
