"""Errors as pages: the same map from error to status as the API's, in words for a person."""

from collections.abc import Mapping
from http import HTTPStatus

from flask import Blueprint, Response, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from governance.console._pages import page
from governance.errors import GovernanceError, TooManyRequests, Unauthenticated, Unavailable
from governance.telemetry import get_logger
from governance.web.problems import status_of
from governance.web.sessions import current_session

_TITLES: Mapping[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "That could not be understood",
    HTTPStatus.FORBIDDEN: "You cannot do this",
    HTTPStatus.NOT_FOUND: "Page not found",
    HTTPStatus.CONFLICT: "That is no longer possible",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests",
    HTTPStatus.SERVICE_UNAVAILABLE: "This is not available right now",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong",
}
_NOT_FOUND = "There is no such page, or it belongs to another trust."
_log = get_logger(__name__)


def register(blueprint: Blueprint) -> None:
    """Register the error pages on the console's blueprint."""
    blueprint.register_error_handler(Unauthenticated, _sign_in_first)
    blueprint.register_error_handler(GovernanceError, _explained)
    blueprint.register_error_handler(CSRFError, _no_form_token)
    blueprint.register_error_handler(HTTPException, _http)
    blueprint.register_error_handler(Exception, _unexpected)


def _sign_in_first(error: Unauthenticated) -> ResponseReturnValue:
    """Send somebody who is not signed in to the sign-in page, and remember where they were going."""
    if error.reason.startswith("sign_in."):
        return _page(HTTPStatus.UNAUTHORIZED, "You are not signed in", error.detail)
    if request.method == "GET":
        current_session()["next"] = request.full_path.rstrip("?")
    flash("Sign in to carry on.", "info")
    return redirect(url_for("console.sign_in_page"), HTTPStatus.SEE_OTHER)


def _explained(error: GovernanceError) -> ResponseReturnValue:
    status = status_of(error)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unexpected(error)
    if status is HTTPStatus.SERVICE_UNAVAILABLE and "trust_names" not in g:
        g.trust_names = {}  # the database may be what is away: its page asks it nothing
    made = _page(status, _TITLES[status], _NOT_FOUND if status is HTTPStatus.NOT_FOUND else error.detail)
    if isinstance(error, TooManyRequests | Unavailable):
        made.headers["Retry-After"] = str(error.retry_after)
    return made


def _no_form_token(_error: CSRFError) -> ResponseReturnValue:
    """Say that nothing was changed; somebody whose session ended meanwhile is sent to sign in."""
    if current_session().person is None:
        flash("You were signed out and nothing was changed. Sign in to carry on.", "info")
        return redirect(url_for("console.sign_in_page"), HTTPStatus.SEE_OTHER)
    text = "Nothing was changed. The form was open for too long or was not sent from this site. Go back and try again."
    return _page(HTTPStatus.BAD_REQUEST, "The form has expired", text)


def _http(error: HTTPException) -> ResponseReturnValue:
    status = HTTPStatus(error.code or 500)
    if status is HTTPStatus.NOT_FOUND:
        return _page(status, _TITLES[status], _NOT_FOUND)
    return _page(status, _TITLES.get(status, status.phrase), "Go back and try again.")


def _unexpected(error: Exception) -> ResponseReturnValue:
    _log.error("unexpected error", error_type=type(error).__name__, exc_info=error)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return _page(status, _TITLES[status], "It has been noted. Try again in a moment.")


def _page(status: HTTPStatus, title: str, text: str) -> Response:
    return page("error.html", status, title=title, text=text)
