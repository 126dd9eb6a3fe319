"""Structured logs, one JSON object a line, with redaction before anything is written.

A log line names what happened, never whom it happened to: keys that carry identifiers or secrets are replaced, and any
text that looks like an NHS number, a UID or a JWT is masked wherever it stands.

A line that cannot be written (a full disk, a pipe that nobody reads any more) or not be made (a value that cannot be
shown) is dropped and counted. It never raises: whoever logs goes on.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, cast

import structlog

from governance.threads import harmless

_SECRET_KEYS = frozenset(
    {
        "access_token",
        "assertion",
        "authorization",
        "client_assertion",
        "cookie",
        "id_token",
        "nhs_number",
        "password",
        "patient",
        "secret",
        "study_uid",
        "subject_token",
        "token",
    }
)
_MASKS = (
    re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*"),  # a JWT
    re.compile(r"\b[0-9]+(?:\.[0-9]+){5,}\b"),  # a DICOM UID
    re.compile(r"\b[0-9]{3} ?[0-9]{3} ?[0-9]{4}\b"),  # an NHS number
    re.compile(r"(?<=DETAIL: )[^\n]+"),  # PostgreSQL repeats there the values of a row that it refused
)
MASK = "[redacted]"


def configure(level: str = "INFO") -> None:
    """Send every log line to standard error as redacted JSON; ``level`` is a name of the logging module."""
    logging.basicConfig(handlers=[_Handler(sys.stderr)], level=level, format="%(message)s", force=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=_harmless_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


class _Handler(logging.StreamHandler[Any]):
    """Writes the lines of libraries, and says nothing about one that cannot be written."""

    @harmless("log")
    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; what it raises is counted."""
        self.stream.write(self.format(record) + self.terminator)
        self.flush()


def _harmless_logger(level: int) -> type[structlog.typing.FilteringBoundLogger]:
    """Make the class of our loggers: one that writes what is at least as severe as a level, and never raises."""
    filtering: Any = structlog.make_filtering_bound_logger(level)
    guarded = {"_proxy_to_logger": harmless("log")(filtering._proxy_to_logger)}  # noqa: SLF001  the one way of every line
    return cast("type[structlog.typing.FilteringBoundLogger]", type("HarmlessLogger", (filtering,), guarded))


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Give a logger whose lines carry the module's name."""
    return cast("structlog.stdlib.BoundLogger", structlog.get_logger(module=name))


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what must never be logged; a structlog processor."""
    return {key: MASK if key in _SECRET_KEYS else _masked(value) for key, value in event.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        for mask in _MASKS:
            value = mask.sub(MASK, value)
        return value
    if isinstance(value, dict):
        return {key: MASK if key in _SECRET_KEYS else _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    return value
