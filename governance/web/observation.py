"""What is kept of every request: its trace, one metric by route, one wide log line; never its path or credential."""

import secrets
from time import perf_counter

import structlog
from flask import Flask, Response, g, request

from governance.telemetry import Metrics, get_logger
from governance.telemetry.tracing import continue_trace

_log = get_logger(__name__)
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
_REQUEST_ID = 128  # characters of an X-Request-ID that are echoed


def install(app: Flask, metrics: Metrics) -> None:
    """Observe every request of an application."""

    @app.before_request
    def _begin() -> None:
        g.began = perf_counter()
        trace = continue_trace(request.headers.get("traceparent"), secrets.token_hex)
        g.trace = trace
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(trace_id=trace.trace_id)

    @app.after_request
    def _end(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "unmatched"
        seconds = perf_counter() - g.get("began", perf_counter())
        metrics.http_answered(route=route, method=request.method, status=response.status_code, seconds=seconds)
        if "trace" in g:
            response.headers["traceparent"] = g.trace.header
        if request_id := request.headers.get("X-Request-ID"):
            response.headers.setdefault("X-Request-ID", request_id[:_REQUEST_ID])
        if route not in _QUIET:
            caller = g.get("caller")
            _log.info(
                "request",
                route=route,
                method=request.method,
                status=response.status_code,
                milliseconds=round(seconds * 1000, 1),
                caller_kind=caller.kind if caller else None,
                caller_ods=caller.ods if caller else None,
            )
        return response
