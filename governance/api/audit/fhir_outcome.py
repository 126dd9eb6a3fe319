"""Errors as FHIR writes them: an OperationOutcome (R4 section 2.35) for every error of the FHIR endpoints."""

import re
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, json
from werkzeug.exceptions import HTTPException

from governance.errors import GovernanceError, InvalidInput, TooManyRequests, Unavailable
from governance.web.problems import problem_of

MEDIA_TYPE = "application/fhir+json"
_NUMBER = re.compile(r"/([0-9]+)(?=/|$)")
_CODES = {
    HTTPStatus.UNAUTHORIZED: "login",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.METHOD_NOT_ALLOWED: "not-supported",
    HTTPStatus.NOT_ACCEPTABLE: "not-supported",
    HTTPStatus.CONFLICT: "conflict",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too-long",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "not-supported",
    HTTPStatus.TOO_MANY_REQUESTS: "throttled",
    HTTPStatus.SERVICE_UNAVAILABLE: "transient",
}


def outcome(issues: list[dict[str, Any]]) -> dict[str, Any]:
    """Give an OperationOutcome of issues."""
    return {"resourceType": "OperationOutcome", "issue": issues}


def issue(code: str, text: str, expression: str | None = None, severity: str = "error") -> dict[str, Any]:
    """Give one issue; ``expression`` is a FHIRPath to the element."""
    made: dict[str, Any] = {"severity": severity, "code": code, "details": {"text": text}}
    return made | ({"expression": [expression]} if expression else {})


def issues_of(error: GovernanceError, status: HTTPStatus, resource: str = "AuditEvent") -> list[dict[str, Any]]:
    """Give the issues of a typed error, one for each fault of an invalid input."""
    if isinstance(error, InvalidInput) and error.faults:
        return [issue("invalid", fault.message, expression_of(fault.path, resource)) for fault in error.faults]
    return [issue(_CODES.get(status, "exception" if status >= 500 else "invalid"), error.detail)]


def expression_of(path: str, resource: str) -> str:
    """Turn a JSON pointer (``/agent/0/who``) into FHIRPath (``AuditEvent.agent[0].who``)."""
    return resource + _NUMBER.sub(r"[\1]", path).replace("/", ".")


def resource_response(resource: dict[str, Any], status: int = 200) -> Response:
    """Answer with a resource as ``application/fhir+json``."""
    return Response(json.dumps(resource), status=status, content_type=f"{MEDIA_TYPE}; charset=utf-8")


def install(blueprint: Blueprint) -> None:
    """Make every error of a blueprint's views an OperationOutcome, with the status and headers it has elsewhere."""

    @blueprint.errorhandler(GovernanceError)
    def _typed(error: GovernanceError) -> Response:
        plain = problem_of(error)
        response = resource_response(outcome(issues_of(error, HTTPStatus(plain.status_code))), plain.status_code)
        if isinstance(error, TooManyRequests | Unavailable):
            response.headers["Retry-After"] = str(error.retry_after)
        if "WWW-Authenticate" in plain.headers:
            response.headers["WWW-Authenticate"] = plain.headers["WWW-Authenticate"]
        return response

    @blueprint.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        status = HTTPStatus(error.code or 500)
        text = error.description or status.description
        return resource_response(outcome([issue(_CODES.get(status, "invalid"), text)]), status)
