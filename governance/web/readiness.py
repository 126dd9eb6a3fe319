"""Which parts of the service answer, and what its state is: read by ``/readyz`` and by the metrics."""

from collections.abc import Callable

from governance.audit import checkpoint
from governance.telemetry import Edge, Snapshot, get_logger
from governance.web.services import Services

_log = get_logger(__name__)


def parts(services: Services) -> dict[str, bool]:
    """Ask each part whether it can do its work; one that raises cannot."""
    checks: dict[str, Callable[[], bool]] = {
        "audit_log": lambda: services.audit_posture.ok and services.audit.running,
        "database": services.database.ping,
        "policy_engine": services.access.engine_healthy,
        "policy_loaded": services.access.policy_loaded,
    }
    return {name: _answers(name, check) for name, check in checks.items()}


def snapshot(services: Services) -> Snapshot:
    """Read the state a scrape shows."""
    now = services.clock.now()
    size, _ = services.audit.tree_head()
    signed = checkpoint.parse(services.audit.latest_checkpoint()).checkpoint.size
    signed_at = services.audit.checkpoint_signed_at() or now
    overview = services.agreements.overview(now)
    return Snapshot(
        log_size=size,
        checkpoint_size=signed,
        checkpoint_age=max(0.0, (now - signed_at).total_seconds()),
        detection_cursor=services.detection.position(),
        alerts=services.alerts.counts(),
        agreements={status.value: count for status, count in overview.by_status.items()},
        quarantined=services.quarantine.waiting(),
        queued=services.audit.queued,
        ready=parts(services),
        edges={
            state.client_id: Edge(
                current=state.current,
                failing=state.report is not None and state.report.code is not None,
                lag=state.lag,
                age=state.age,
                staleness=state.staleness,
                lost=state.lost,
            )
            for state in services.edges.states()
        },
    )


def _answers(name: str, check: Callable[[], bool]) -> bool:
    try:
        return bool(check())
    except Exception as error:  # noqa: BLE001 - whatever it is, this part does not answer
        _log.warning("part does not answer", part=name, error_type=type(error).__name__)
        return False
