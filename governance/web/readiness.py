"""Which parts of the service answer: read by ``/readyz`` and by the metrics."""

from collections.abc import Callable

from governance.telemetry import get_logger
from governance.web.services import Services

_log = get_logger(__name__)


def parts(services: Services) -> dict[str, bool]:
    """Ask each part whether it can do its work; one that raises cannot."""
    return {name: _answers(name, check) for name, check in _checks(services).items()}


def _checks(services: Services) -> dict[str, Callable[[], bool]]:
    return {
        "audit_log": lambda: services.audit.running,
        "database": services.database.ping,
        "policy_engine": services.access.engine_healthy,
        "policy_loaded": services.access.policy_loaded,
    }


def _answers(name: str, check: Callable[[], bool]) -> bool:
    try:
        return bool(check())
    except Exception as error:  # noqa: BLE001 - whatever it is, this part does not answer
        _log.warning("part does not answer", part=name, error_type=type(error).__name__)
        return False
