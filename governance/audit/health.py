"""Whether the log takes events: what the writer last said, for readiness, and how its commits went, for metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from governance.audit._sequencer import Receipt
from governance.telemetry import get_logger

_log = get_logger(__name__)


class CommitCounter(Protocol):
    """Counts commits by result, as the metrics do."""

    def log_committed(self, *, result: str) -> None:
        """Add one commit with its result: ok or failed."""
        ...


class LogHealth:
    """Listens to the writer (a ``LogObserver``). ``ok`` is False from a failed commit until the next that succeeds.

    Args:
        counter: counts the commits.
    """

    def __init__(self, counter: CommitCounter) -> None:
        self.ok = True
        self._counter = counter

    def committed(self, receipts: Sequence[Receipt]) -> None:
        """Hear that a group was committed."""
        self.ok = True
        self._counter.log_committed(result="ok")

    def failed(self, events: int, error: Exception) -> None:
        """Hear that the commit of a group failed; its callers were told."""
        self.ok = False
        self._counter.log_committed(result="failed")
        _log.error("audit commit failed", events=events, error_type=type(error).__name__)
