"""Whether the log takes events: what the writer last said, for readiness."""

from __future__ import annotations

from collections.abc import Sequence

from governance.audit._sequencer import Receipt
from governance.telemetry import get_logger

_log = get_logger(__name__)


class LogPosture:
    """Listens to the writer (a ``LogObserver``). ``ok`` is False from a failed commit until the next that succeeds."""

    def __init__(self) -> None:
        self.ok = True

    def committed(self, receipts: Sequence[Receipt]) -> None:
        """Hear that a group was committed."""
        self.ok = True

    def failed(self, events: int, error: Exception) -> None:
        """Hear that the commit of a group failed; its callers were told."""
        self.ok = False
        _log.error("audit commit failed", events=events, error_type=type(error).__name__)
