"""What is kept of every request: its trace, one metric by route, one wide log line; never its path or credential."""

import secrets
from dataclasses import dataclass
from time import perf_counter

import structlog
from flask import Flask, Response, g, request

from governance.telemetry import Metrics, get_logger, known_method
from governance.telemetry.tracing import Trace, continue_trace
from governance.web.authentication import Caller

_log = get_logger(__name__)
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})  # asked all the time by those who watch the service
_REQUEST_ID = 128  # characters of an X-Request-ID that are echoed


@dataclass(frozen=True, slots=True)
class Answered:
    """What is kept of one answer: its route's pattern, never its path.

    ``caller`` proved who they are, whether or not they may do this; ``client`` is the id of a registered client that
    proved itself in another way than by a token of ours: at the token endpoint, or as an enforcement point.
    """

    route: str
    method: str
    status: int
    seconds: float
    caller: Caller | None
    client: str | None = None

    @property
    def named(self) -> str | None:
        """Give the id of the client that asked, None for a person and for nobody we know."""
        return self.caller.id if self.caller is not None and self.caller.kind == "service" else self.client


def trace_of(traceparent: str | None) -> Trace:
    """Take up a caller's trace or begin one, and name it in every log line of this request."""
    trace = continue_trace(traceparent, secrets.token_hex)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(trace_id=trace.trace_id)
    return trace


def answer_headers(trace: Trace | None, request_id: str | None) -> dict[str, str]:
    """Give the headers that tie an answer to its request: the trace, and the caller's own id (AuthZEN 10.1.4)."""
    headers = {"traceparent": trace.header} if trace else {}
    return headers | ({"X-Request-ID": request_id[:_REQUEST_ID]} if request_id else {})


def keep(metrics: Metrics, answered: Answered) -> None:
    """Count an answer and write its one wide line."""
    metrics.http_answered(
        route=answered.route, method=answered.method, status=answered.status, seconds=answered.seconds
    )
    if answered.route not in QUIET:
        caller = answered.caller
        _log.info(
            "request",
            route=answered.route,
            method=known_method(answered.method),
            status=answered.status,
            milliseconds=round(answered.seconds * 1000, 1),
            caller_kind=caller.kind if caller else None,
            caller_ods=caller.ods if caller else None,
            client=answered.named,
        )


def install(app: Flask, metrics: Metrics) -> None:
    """Observe every request of an application."""

    @app.before_request
    def _begin() -> None:
        g.began = perf_counter()
        g.trace = trace_of(request.headers.get("traceparent"))

    @app.after_request
    def _end(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "unmatched"
        seconds = perf_counter() - g.get("began", perf_counter())
        for name, value in answer_headers(g.get("trace"), request.headers.get("X-Request-ID")).items():
            response.headers.setdefault(name, value)
        client = g.get("client")
        proven = g.get("proven")
        named = client.client_id if client is not None else None
        keep(metrics, Answered(route, request.method, response.status_code, seconds, proven, named))
        return response
