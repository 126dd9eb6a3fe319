"""Which parts of the service answer, and what its state is: read by ``/readyz`` and by the metrics."""

from collections.abc import Callable

from governance.audit import checkpoint
from governance.bootstrap.infrastructure import Infrastructure
from governance.bootstrap.registers import Registers
from governance.bootstrap.uses import Uses
from governance.telemetry import Edge, Snapshot, get_logger

_log = get_logger(__name__)


def parts(infrastructure: Infrastructure, uses: Uses) -> dict[str, bool]:
    """Ask each part whether it can do its work; one that raises cannot."""
    checks: dict[str, Callable[[], bool]] = {
        "audit_log": lambda: infrastructure.audit_health.ok and infrastructure.audit.running,
        "database": infrastructure.database.ping,
        "policy_engine": uses.access.engine_healthy,
        "policy_loaded": uses.access.policy_loaded,
    }
    return {name: _answers(name, check) for name, check in checks.items()}


def snapshot(infrastructure: Infrastructure, registers: Registers, uses: Uses) -> Snapshot:
    """Read the state a scrape shows."""
    now = infrastructure.clock.now()
    size, _ = infrastructure.audit.tree_head()
    signed = checkpoint.parse(infrastructure.audit.latest_checkpoint()).checkpoint.size
    signed_at = infrastructure.audit.checkpoint_signed_at() or now
    overview = registers.agreements.overview(now)
    return Snapshot(
        log_size=size,
        checkpoint_size=signed,
        checkpoint_age=max(0.0, (now - signed_at).total_seconds()),
        detection_cursor=uses.detection.position(),
        alerts=uses.alerts.counts(),
        agreements={status.value: count for status, count in overview.by_status.items()},
        quarantined=uses.quarantine.waiting(),
        queued=infrastructure.audit.queued,
        ready=parts(infrastructure, uses),
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


def _answers(name: str, check: Callable[[], bool]) -> bool:
    try:
        return bool(check())
    except Exception as error:  # noqa: BLE001 - whatever it is, this part does not answer
        _log.warning("part does not answer", part=name, error_type=type(error).__name__)
        return False
