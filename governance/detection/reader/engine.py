"""Detection: a cursor over the log that turns what is new into alerts.

1. Scoring reads a snapshot and holds no lock. Cursor, memory, explanations and alerts are then written in one short
   transaction: either all of a step counts, or none of it. A step is a batch of events, or less where the work that
   comes with them (what became due, what is explained anew, many findings) would hold the write lock for long.
2. Only the process that holds the lease writes. The lease is checked again inside the transaction, so one that slept
   too long changes nothing. The lease is the only thing here that knows the wall clock, and it is the clock that all
   processes share. None is believed that ends later than one taken now would: whatever wrote it, it keeps nobody out.
3. What this process holds of memory is thrown away as soon as it may not match the database, and read again as it is
   asked for.
4. The log's own order and event times decide everything: reading the log again from its start gives the
   alerts that live running gave.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from time import monotonic
from typing import Protocol

from sqlmodel import Session

from governance.alerts import Change, Finding, Raised, Revision
from governance.audit.event import RecordedEvent
from governance.detection.explanation.explaining import Explainer
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context
from governance.detection.reader import _store
from governance.detection.reader.keeping.keeper import DatabaseKeeper
from governance.detection.reader.lag import LagWatch
from governance.detection.reader.past.port import NoPast, Past
from governance.detection.reader.replay import Looks, Replayed, ReplayedPast, Sink
from governance.detection.reader.scoring import Scorer, Step
from governance.detection.reader.state import LATENESS, RuleMemory
from governance.detection.rule import Rule
from governance.storage import Database
from governance.vocabulary import AlertKind

CURSOR = "detection"
BATCH = 1_000  # events scored and written together
LEASE = timedelta(seconds=15)


class LogReader(Protocol):
    """Reads the log: :class:`governance.audit.AuditLog`."""

    def read(self, start: int, limit: int) -> list[RecordedEvent]:
        """Give events from an index on, in order."""
        ...

    def tree_head(self) -> tuple[int, bytes]:
        """Give how many entries there are, and the root over them."""
        ...


class FindingTaker(Protocol):
    """Takes findings into alerts: :class:`governance.alerts.AlertService`."""

    def raise_findings(self, session: Session, findings: Sequence[Finding]) -> list[Raised]:
        """Take findings inside the caller's write transaction; one answer each."""
        ...


class LookKeeper(Protocol):
    """Keeps looks with their explanations: :class:`governance.detection.explanation.explanations.Explanations`."""

    def keep(self, session: Session, looks: Sequence[Look]) -> None:
        """Keep the looks of a step; other events are among them, without an explanation."""
        ...

    def revise(self, session: Session, looks: Sequence[Look], taught_by: int) -> None:
        """Keep other explanations of looks that are kept; ``taught_by`` is the index of what taught them."""
        ...

    def clear(self, session: Session) -> None:
        """Forget every look: the log is read again from its start."""
        ...


class PreparedContext(Context, Protocol):
    """Facts that can be fetched for a whole batch at once."""

    def prepare(self, events: Sequence[RecordedEvent]) -> None:
        """Fetch what a batch will ask for."""
        ...


class Meter(Protocol):
    """Counts findings: :class:`governance.telemetry.Metrics`."""

    def alert_raised(self, *, rule: str, severity: str) -> None:
        """Count a finding that changed an alert."""
        ...

    def notice_raised(self, *, rule: str) -> None:
        """Count a finding that changed a notice."""
        ...

    def finding_suppressed(self, *, rule: str) -> None:
        """Count a finding that a suppression held back."""
        ...


@dataclass(slots=True)
class _Progress:
    """What this process holds between runs: valid while the database's cursor is at ``next_index``."""

    next_index: int
    memory: RuleMemory
    keeper: DatabaseKeeper


class DetectionEngine:
    """Runs the detectors over the log.

    Args:
        database: holds cursor, memory and alerts.
        log: what is read.
        alerts: where findings go.
        revise: takes revisions of findings inside the caller's write transaction; None where nothing can be revised.
        rules: the detectors.
        context: opens the facts on a read snapshot.
        explainer: explains looks; without one, looks have no explanation.
        past: opens the past on a read snapshot.
        looks: keeps looks with their explanations.
        oldest: gives the oldest index of the log whose facts are still known.
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
        revise: Callable[[Session, Sequence[Revision]], object] | None = None,
        rules: Sequence[Rule],
        context: Callable[[Session], PreparedContext],
        explainer: Explainer | None = None,
        past: Callable[[Session], Past] = lambda _session: NoPast(),
        looks: LookKeeper | None = None,
        oldest: Callable[[Session], int] = lambda _session: 0,
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
        self._revise = revise
        self._scorer = Scorer(rules, explainer)
        self._context = context
        self._past = past
        self._looks = looks
        self._oldest = oldest
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
        """Start again where the facts of the time are still known: alerts gain nothing they already have."""
        with self._database.transaction() as session:
            _store.reset(session, CURSOR, self._oldest(session))
            if self._looks is not None:
                self._looks.clear(session)
        self._progress, self._renew_at = None, None

    def index_at(self, instant: datetime) -> int:
        """Give the index of the first entry that was recorded at an instant or after it; the log's size without one."""
        low, high = 0, self._size()
        while low < high:
            middle = (low + high) // 2
            found = self._log.read(middle, 1)
            if found and found[0].recorded_at < instant:
                low = middle + 1
            else:
                high = middle
        return low

    def replay(
        self,
        first: int,
        last: int,
        *,
        rules: Sequence[Rule] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Replayed:
        """Run rules over a span of the log and give what they find; nothing that lives is touched.

        Args:
            first: index of the first entry read.
            last: index of the first entry that is not.
            rules: the detectors; by default those that run.
            progress: hears how many events are done.
        """
        scorer = Scorer(self.rules if rules is None else rules, self._scorer.explainer)
        memory, sink, looks = RuleMemory(self._lateness), Sink(), Looks()
        index = first
        while index < last and (events := self._log.read(index, min(self.batch, last - index))):
            done = 0
            with self._database.reading() as session:
                context = self._context(session)
                context.prepare(events)
                past = ReplayedPast(self._past(session), looks)
                while done < len(events):
                    step = scorer.step(events[done:], context, memory, past)
                    memory.settle()
                    sink.take(step.found)
                    looks.keep(step.looks, step.changed)
                    done += step.done
            index = events[-1].index + 1
            if progress is not None:
                progress(index - first)
        return Replayed(first, index, index - first, sink.findings())

    def _size(self) -> int:
        """Give how many entries the log has."""
        return self._log.tree_head()[0]

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
        if self._progress is not None and self._progress.next_index != found.next_index:
            self._progress = None  # somebody read on meanwhile, or sent the reader back to the start
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
                keeper = DatabaseKeeper(session)
                memory = RuleMemory(self._lateness, keeper=keeper)
            keeper.read_on(None)
            self._progress = _Progress(0 if found is None else found.next_index, memory, keeper)
        return self._progress

    def _read_batch(self, progress: _Progress) -> int:
        events = self._log.read(progress.next_index, self.batch)
        done = 0
        while done < len(events):
            step = self._score(progress, events[done:])
            next_index = progress.next_index if step.done == 0 else events[done + step.done - 1].index + 1
            raised = self._write(progress, next_index, step)
            if raised is None:
                self._progress, self._renew_at = None, None
                return done
            progress.next_index = next_index
            done += step.done
            for finding, change in raised:
                self._count(finding, change)
        return done

    def _count(self, finding: Finding, change: Change) -> None:
        """Count what a finding came to: an alert, a notice, or nothing because it is suppressed."""
        if change is Change.SUPPRESSED:
            self._meter.finding_suppressed(rule=finding.rule_id)
        elif change is not Change.UNCHANGED and finding.kind is AlertKind.NOTICE:
            self._meter.notice_raised(rule=finding.rule_id)
        elif change is not Change.UNCHANGED:
            self._meter.alert_raised(rule=finding.rule_id, severity=finding.severity.value)

    def _score(self, progress: _Progress, events: Sequence[RecordedEvent]) -> Step:
        with self._database.reading() as session:
            context = self._context(session)
            context.prepare(events)
            progress.keeper.read_on(session)
            try:
                return self._scorer.step(events, context, progress.memory, self._past(session))
            finally:
                progress.keeper.read_on(None)

    def _write(self, progress: _Progress, next_index: int, step: Step) -> list[tuple[Finding, Change]] | None:
        """Write a step; None when the lease was lost or somebody else moved the cursor."""
        findings = [each for each in step.found if isinstance(each, Finding)]
        revisions = [each for each in step.found if isinstance(each, Revision)]
        with self._database.transaction() as session:
            found = _store.cursor(session, CURSOR, lock=True)
            if found is None or found.holder != self._holder or found.next_index != progress.next_index:
                return None
            _store.advance(session, CURSOR, next_index, progress.memory.clocks.front)
            changes = progress.memory.changes()
            _store.save(session, changes)
            progress.keeper.take(changes)
            if self._looks is not None:
                self._looks.keep(session, step.looks)
                for index, group in groupby(step.changed, key=lambda item: item[1]):
                    self._looks.revise(session, [look for look, _ in group], index)
            raised = self._alerts.raise_findings(session, findings)
            if revisions and self._revise is not None:
                self._revise(session, revisions)
        return [(finding, done.change) for finding, done in zip(findings, raised, strict=True)]
