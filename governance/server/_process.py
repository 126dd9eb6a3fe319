"""A server process: the application made of the environment, and everything it says in log lines."""

from collections.abc import Mapping

from governance.errors import GovernanceError
from governance.server._application import serve
from governance.server._lifespan import Lifespan
from governance.settings import from_environment
from governance.telemetry import configure, get_logger, take_over

_log = get_logger(__name__)


def begin(environment: Mapping[str, str]) -> Lifespan:
    """Make the application of this process from its environment's settings.

    Raises:
        SystemExit: it could not be made; a log line says why.
    """
    configure()
    take_over()
    try:
        return serve(from_environment(environment))
    except GovernanceError as error:
        _log.critical("not started", reason=error.reason, detail=error.detail)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is said, and the process ends
        _log.critical("not started", error_type=type(error).__name__, exc_info=error)
    raise SystemExit(1)
