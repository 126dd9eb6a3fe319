"""Structured logs, one JSON object a line, with redaction before anything is written.

A log line names what happened, never whom it happened to: keys that carry identifiers or secrets are replaced, and any
text that looks like an NHS number, a UID or a JWT is masked wherever it stands. So are the lines of libraries, of
which only warnings and worse are written: what they say for their developers repeats addresses and values.

A line that cannot be written (a full disk, a pipe that nobody reads any more) or not be made (a value that cannot be
shown) is dropped and counted. It never raises: whoever logs goes on.
"""

import logging
import re
import sys
import threading
from collections.abc import MutableMapping
from typing import Any, TextIO, cast

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
    re.compile(r"(?<=CONTEXT: )[^\n]+"),  # and here those of a statement
    re.compile(r"(?<=invalid input )[^\n]+"),  # and here one that it cannot read
)
MASK = "[redacted]"
_DRESS = (
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    structlog.processors.format_exc_info,
)


def configure(level: str = "INFO") -> None:
    """Send every log line to standard error as redacted JSON.

    Args:
        level: the least severe of our own lines that is written, by its name in the logging module.
    """
    number = logging.getLevelNamesMapping()[level]
    logging.basicConfig(handlers=[_Handler(sys.stderr)], level=max(number, logging.WARNING), force=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            *_DRESS,
            redact,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=_harmless_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def _harmless_logger(level: int) -> type[structlog.typing.FilteringBoundLogger]:
    """Make the class of our loggers: one that writes what is at least as severe as a level, and never raises."""
    filtering: Any = structlog.make_filtering_bound_logger(level)
    guarded = {"_proxy_to_logger": harmless("log")(filtering._proxy_to_logger)}  # noqa: SLF001  the one way of every line
    return cast("type[structlog.typing.FilteringBoundLogger]", type("HarmlessLogger", (filtering,), guarded))


def take_over() -> None:
    """Let what Python itself says be log lines too, in a process that serves: warnings, and errors nobody caught."""
    logging.captureWarnings(capture=True)
    sys.excepthook = lambda _kind, error, _trace: _uncaught(error, "process")
    threading.excepthook = lambda args: _uncaught(args.exc_value, args.thread.name if args.thread else "thread")
    sys.unraisablehook = lambda args: _uncaught(args.exc_value, "clean-up")


def _uncaught(error: BaseException | None, where: str) -> None:
    """Write an error that ended what it ended; being asked to stop is none."""
    if error is not None and not isinstance(error, KeyboardInterrupt | SystemExit):
        get_logger(__name__).error("uncaught error", where=where, error_type=type(error).__name__, exc_info=error)


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


def _module(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Name the library that a line is from."""
    event["module"] = event["_record"].name
    return event


class _Handler(logging.StreamHandler[Any]):
    """Writes the lines of libraries in our form, and says nothing about one that cannot be written."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=[
                    structlog.contextvars.merge_contextvars,
                    structlog.stdlib.add_log_level,
                    _module,
                    *_DRESS,
                ],
                processors=[
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    redact,
                    structlog.processors.JSONRenderer(),
                ],
            )
        )

    @harmless("log")
    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; what it raises is counted, and whose line could not be made is said."""
        try:
            line = self.format(record)
        except Exception:
            get_logger(__name__).error("log line not made", of=record.name)
            raise
        self.stream.write(line + self.terminator)
        self.flush()
