"""Telemetry: every metric in one file, structured logs that redact, and W3C trace context.

Rules of this room:

1. A label takes its values from a list that this service knows, never from what a caller sent.
2. A log line is redacted before it is written, a library's too; what a serving process writes is JSON, line by line.
3. Neither ever carries an identifier, a token or a secret.

Example: ``get_logger(__name__).info("feed taken", accepted=3)``.
"""

from governance.telemetry.logs import configure, get_logger, take_over
from governance.telemetry.metrics import Metrics, known_method
from governance.telemetry.snapshot import Edge, Snapshot

__all__ = ["Edge", "Metrics", "Snapshot", "configure", "get_logger", "known_method", "take_over"]
