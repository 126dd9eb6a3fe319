"""Telemetry: every metric in one file, structured logs that redact, and W3C trace context.

Rules of this room: a label is an enumeration, a log line is redacted before it is written, and neither ever carries an
identifier, a token or a secret.
"""

from governance.telemetry.logs import configure, get_logger
from governance.telemetry.metrics import Edge, Metrics, Snapshot

__all__ = ["Edge", "Metrics", "Snapshot", "configure", "get_logger"]
