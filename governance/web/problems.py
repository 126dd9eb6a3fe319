"""The one map from an error to HTTP: RFC 9457 problem documents with a ``reason`` code.

Every 503 says when to come again (RFC 9110 section 10.2.3), whoever made it.
"""

from http import HTTPStatus

from flask import Flask, Response, g, has_app_context, json
from werkzeug.exceptions import HTTPException

from governance import errors
from governance.telemetry import get_logger

MEDIA_TYPE = "application/problem+json"
_STATUS: tuple[tuple[type[errors.GovernanceError], HTTPStatus], ...] = (
    (errors.InvalidInput, HTTPStatus.BAD_REQUEST),
    (errors.Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (errors.Forbidden, HTTPStatus.FORBIDDEN),
    (errors.NotFound, HTTPStatus.NOT_FOUND),
    (errors.Conflict, HTTPStatus.CONFLICT),
    (errors.TooManyRequests, HTTPStatus.TOO_MANY_REQUESTS),
    (errors.Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
)
AGAIN = "1"  # seconds: what Retry-After of a 503 says when whoever made it said nothing
BEARER = 'Bearer realm="imaging-governance"'
BASIC = 'Basic realm="imaging-governance", charset="UTF-8"'
_log = get_logger(__name__)


def status_of(error: errors.GovernanceError) -> HTTPStatus:
    """Give the HTTP status of a typed error; one outside the map is a 500."""
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem(status: int, reason: str, detail: str, **extra: object) -> Response:
    """Make a problem document (RFC 9457 section 3) with its machine ``reason``."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "reason": reason,
        "detail": detail,
    }
    return Response(json.dumps(body | extra), status=status, content_type=MEDIA_TYPE)


def problem_of(error: errors.GovernanceError) -> Response:
    """Turn a typed error into its problem document and headers."""
    status = status_of(error)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("unmapped error", error_type=type(error).__name__, reason=error.reason)
        return opaque()
    extra: dict[str, object] = {}
    if isinstance(error, errors.InvalidInput):
        extra["errors"] = [{"pointer": fault.path, "detail": fault.message} for fault in error.faults]
    response = problem(status, error.reason, error.detail, **extra)
    if isinstance(error, errors.TooManyRequests | errors.Unavailable):
        response.headers["Retry-After"] = str(error.retry_after)
    if status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = g.get("challenge", BEARER) if has_app_context() else BEARER
    return response


def opaque() -> Response:
    """Make the 500 that says nothing: what went wrong is in the log, never in the answer."""
    return problem(500, "internal", "Something went wrong here. The request can be tried again.")


def unexpected(error: BaseException) -> Response:
    """Make the opaque 500 of an error that nobody raised on purpose, and log what it was."""
    _log.exception("unexpected error", exc_info=error, error_type=type(error).__name__)
    return opaque()


def install(app: Flask) -> None:
    """Register the map on an application."""

    @app.errorhandler(errors.GovernanceError)
    def _typed(error: errors.GovernanceError) -> Response:
        return problem_of(error)

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        status = error.code or 500
        made = problem(
            status, f"http.{HTTPStatus(status).name.lower()}", error.description or HTTPStatus(status).description
        )
        for name, value in error.get_headers():
            if name.lower() != "content-type":
                made.headers[name] = value
        return made

    @app.errorhandler(Exception)
    def _unexpected(error: Exception) -> Response:
        return unexpected(error)

    @app.after_request
    def _again(response: Response) -> Response:
        if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            response.headers.setdefault("Retry-After", AGAIN)
        return response
