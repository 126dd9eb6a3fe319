"""Which parts of the service answer, and what its state is: read by ``/readyz`` and by the metrics.

1. Whoever watches the service must hear of a database that does not answer, so nothing here waits for one longer than
   :data:`PATIENCE`, and what the database knows is simply not told while it is away.
2. Detection that stands still is a word, not a part: decisions are made and recorded without it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from math import inf
from time import monotonic
from typing import TypeVar

from governance.bootstrap.infrastructure import Infrastructure
from governance.bootstrap.registers import Registers
from governance.bootstrap.schema import log_protection
from governance.bootstrap.uses import Uses
from governance.detection import Pace
from governance.errors import Conflict, Unavailable
from governance.storage import hurried
from governance.telemetry import Edge, Snapshot, get_logger

PATIENCE = 0.75  # seconds for an answer of the database to those who watch
LOOKS = timedelta(days=6)  # before today, whose looks the metrics tell of
UNKNOWN_HISTORY = "It is not known how far the check of the whole log is."
SAID_ONLY = frozenset({"log_history"})  # parts without which decisions are still made and recorded
_log = get_logger(__name__)
T = TypeVar("T")


def parts(infrastructure: Infrastructure, uses: Uses) -> dict[str, bool]:
    """Ask each part whether it can do its work; one that raises cannot."""
    checks: dict[str, Callable[[], bool]] = {
        "audit_log": lambda: _takes_events(infrastructure),
        "database": infrastructure.database.ping,
        "log_history": lambda: history_fault(infrastructure) is None,
        "policy_engine": uses.access.engine_healthy,
        "policy_loaded": uses.access.policy_loaded,
        "threads": lambda: not infrastructure.vital.dead,
    }
    with hurried(PATIENCE):
        return {name: _answers(name, check) for name, check in checks.items()}


def history_fault(infrastructure: Infrastructure) -> str | None:
    """Say what is wrong with the log's history: it was rewritten, signings are cut, or the check of it all found so."""
    try:
        infrastructure.audit.newest_signing()
    except Conflict as fault:
        return fault.detail
    progress = infrastructure.audit.check_progress()
    return None if progress is None else progress.fault


def history(infrastructure: Infrastructure) -> str:
    """Say how far the check of the whole log is and, outside the demo, whether the database lets it be rewritten."""
    try:
        with hurried(PATIENCE):
            return _history(infrastructure)
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer is given all the same
        _log.warning("check of the log not readable", error_type=type(error).__name__)
        return UNKNOWN_HISTORY


def _history(infrastructure: Infrastructure) -> str:
    progress = infrastructure.audit.check_progress()
    words = "The whole log was not checked yet." if progress is None else progress.words()
    open_to = None if infrastructure.settings.profile == "demo" else log_protection(infrastructure.database)
    return words if open_to is None else f"{words} {open_to}"


def detection_pace(infrastructure: Infrastructure, uses: Uses) -> Pace | None:
    """Say how detection comes along; None when the database does not tell."""
    try:
        with hurried(PATIENCE):
            size, _ = infrastructure.audit.tree_head()
            return uses.detection.lag.pace(uses.detection.position(), size)
    except Unavailable:
        return None


class StateReader:
    """Reads the state that a scrape shows.

    Args:
        infrastructure: holds the database and the log.
        registers: knows the agreements.
        uses: know the rest.
    """

    def __init__(self, infrastructure: Infrastructure, registers: Registers, uses: Uses) -> None:
        self._infrastructure = infrastructure
        self._registers = registers
        self._uses = uses
        self._read_at = monotonic()

    def snapshot(self) -> Snapshot:
        """Read the state; without what the database knows when it does not answer in time."""
        ready = parts(self._infrastructure, self._uses)
        if ready["database"]:
            try:
                with hurried(PATIENCE):
                    return self._whole(ready)
            except Unavailable:
                ready["database"] = False
        queued = self._infrastructure.audit.queued
        return Snapshot(ready=ready, queued=queued, age=monotonic() - self._read_at, known=False)

    def _whole(self, ready: dict[str, bool]) -> Snapshot:
        infrastructure, uses = self._infrastructure, self._uses
        now = infrastructure.clock.now()
        with infrastructure.database.reading() as session:
            log = infrastructure.audit.state_in(session)
            since = (now - LOOKS).date()
            looks, reasons = uses.explanations.by_role(session, since), uses.explanations.by_feed(session, since)
        check = infrastructure.audit.check_progress()
        whole_at = None if check is None else check.whole_at
        position = uses.detection.position()
        made = Snapshot(
            log_size=log.size,
            checkpoint_size=log.signed_size,
            checkpoint_age=_age(log.signed_at, now, none=inf),  # the first signing is made with the log
            detection_cursor=position,
            detection_stalled=uses.detection.lag.stalled(position, log.size),
            alerts=uses.alerts.counts(),
            notices=uses.alerts.reviews(),
            agreements={
                status.value: count for status, count in self._registers.agreements.overview(now).by_status.items()
            },
            quarantined=uses.quarantine.waiting(),
            queued=infrastructure.audit.queued,
            checked=0 if check is None else check.done,
            check_age=_age(whole_at, now, none=None),
            ready=ready,
            looks=looks,
            reasons=reasons,
            engine=uses.opa.trusted() if uses.opa else {},
            edges={
                state.client_id: Edge(
                    current=state.current,
                    failing=state.report is not None and state.report.code is not None,
                    lag=state.lag,
                    age=state.age,
                    staleness=state.staleness,
                    lost=state.lost,
                )
                for state in uses.edges.states()
            },
        )
        self._read_at = monotonic()
        return made


def _takes_events(infrastructure: Infrastructure) -> bool:
    """Say whether the log took the last events; if not, have it commit nothing, for nobody may send any meanwhile."""
    if not infrastructure.audit_health.ok:
        infrastructure.audit.try_again()
    return infrastructure.audit_health.ok and infrastructure.audit.running


def _answers(name: str, check: Callable[[], bool]) -> bool:
    try:
        return bool(check())
    except Exception as error:  # noqa: BLE001 - whatever it is, this part does not answer
        _log.warning("part does not answer", part=name, error_type=type(error).__name__)
        return False


def _age(since: datetime | None, now: datetime, *, none: T) -> float | T:
    """Give the seconds since an instant, or what is said of none."""
    return none if since is None else max(0.0, (now - since).total_seconds())
