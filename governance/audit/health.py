"""Whether the log takes events: the result of the last commit, for readiness, and of every commit, for metrics."""

from __future__ import annotations

from collections.abc import Sequence

from governance.audit._sequencer import Receipt
from governance.telemetry import Metrics, get_logger

_log = get_logger(__name__)


class LogHealth:
    """Listens to the writer (a ``LogObserver``). ``ok`` is False from a failed commit until the next that succeeds.

    Args:
        metrics: counts the commits by result.
    """

    def __init__(self, metrics: Metrics) -> None:
        self.ok = True
        self._metrics = metrics

    def committed(self, receipts: Sequence[Receipt]) -> None:
        """Hear that a group was committed."""
        self.ok = True
        self._metrics.log_committed(result="ok")

    def failed(self, events: int, error: BaseException) -> None:
        """Hear that the commit of a group failed; its callers got the error."""
        self.ok = False
        self._metrics.log_committed(result="failed")
        _log.error("audit commit failed", events=events, error_type=type(error.__cause__ or error).__name__)
