"""Emergency access requests: the AuthZEN access-request draft (submission, task status) and the end of a grant."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, json, jsonify, request

from governance.access import AccessRequestError, AccessRequestRefused, PresentedDenial, Wanted
from governance.api.authzen import access_requests_schemas as schemas
from governance.api.authzen.instants import rfc3339
from governance.api.authzen.presented import PresentedTokens
from governance.api.authzen.requests import access_request
from governance.api.authzen.schemas import EvaluationRequest
from governance.emergency import Grant
from governance.errors import Fault, InvalidInput
from governance.feeds import timestamp
from governance.vocabulary import Scope
from governance.web import current_caller, current_services, operation, requires
from governance.web.body import json_object, validated
from governance.web.problems import problem

blueprint = Blueprint("access_requests", __name__)
_KEY_LENGTH = 255  # characters of an Idempotency-Key
_PROBLEM_TYPE = "urn:openid:authzen:access-request:error:"
_STATUS = {
    AccessRequestError.DUPLICATE_REQUEST: 409,
    AccessRequestError.EXPIRED_DENIAL: 410,
    AccessRequestError.INVALID_DENIAL_BINDING: 400,
    AccessRequestError.INVALID_TASK_STATE: 409,
    AccessRequestError.NOT_REQUESTABLE: 400,
    AccessRequestError.TASK_EXPIRED: 410,
    AccessRequestError.UNKNOWN_TASK: 404,
}


@blueprint.errorhandler(AccessRequestRefused)
def refused(error: AccessRequestRefused) -> Response:
    """Answer with the problem type that the draft names."""
    return problem(_STATUS[error.error], error.reason, error.detail, type=_PROBLEM_TYPE + error.error.value)


@blueprint.post("/access/v1/request")
@requires(Scope.ACCESS_EVALUATE)
@operation(
    summary="Request emergency access to what was denied",
    tag="decisions",
    request=schemas.AccessRequestSubmission,
    response=schemas.TaskAnswer,
    status=201,
)
def submit() -> Response:
    """Take a request that answers a denial; the header ``Idempotency-Key`` makes sending it again harmless."""
    body = json_object()
    wanted = _wanted(body, request.headers.get("Idempotency-Key"))
    grant = current_services().uses.access_requests.submit(wanted, current_caller())
    answer = _answer(grant)
    answer.status_code = 201
    answer.headers["Location"] = _endpoint(grant)
    return answer


@blueprint.get("/access/v1/request/<task_id>")
@requires(Scope.ACCESS_EVALUATE)
@operation(summary="The state of an emergency access request", tag="decisions", response=schemas.TaskAnswer)
def status(task_id: str) -> Response:
    """Answer for a task of this caller; another's does not exist."""
    return _answer(current_services().uses.access_requests.task(task_id, current_caller()))


@blueprint.post("/access/v1/request/<task_id>/revoke")
@requires(Scope.ACCESS_EVALUATE)
@operation(summary="End an emergency before its time", tag="decisions", response=schemas.TaskAnswer)
def revoke(task_id: str) -> Response:
    """End the grant of a task of this caller now; what was opened under it stays in the log."""
    return _answer(current_services().uses.access_requests.revoke(task_id, current_caller()))


def _wanted(body: Mapping[str, Any], key: str | None) -> Wanted:
    """Read a submission; raises InvalidInput with every fault."""
    if "items" in body:
        raise InvalidInput([Fault("/items", "send one request for each resource and action")], "Only one at a time.")
    sent = validated(schemas.AccessRequestSubmission, body)
    question = validated(EvaluationRequest, body)
    asked = PresentedTokens().take(access_request(question), question.context)
    faults: list[Fault] = []
    reason = _reason(sent.context)
    if not sent.requested_access.emergency:
        faults.append(Fault("/requested_access/emergency", "must be true: only an emergency can be requested"))
    if not reason:
        faults.append(Fault("/context/break_glass/reason", "an emergency needs a stated reason"))
    if key is not None and not 0 < len(key) <= _KEY_LENGTH:
        faults.append(Fault("/headers/Idempotency-Key", f"must have 1 to {_KEY_LENGTH} characters"))
    until = _instant(sent.requested_access.requested_until, "/requested_access/requested_until", faults)
    expires_at = _instant(sent.denial.expires_at, "/denial/expires_at", faults)
    if faults or expires_at is None:
        raise InvalidInput(faults, "The access request cannot be taken.")
    denial = PresentedDenial(expires_at, sent.denial.evaluation_id, sent.denial.binding_token)
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return Wanted(asked, denial, reason, until, key, digest)


def _reason(context: schemas.RequestContext) -> str:
    stated = context.break_glass.reason if context.break_glass else context.business_justification
    return (stated or "").strip()


def _instant(text: str | None, pointer: str, faults: list[Fault]) -> datetime | None:
    if text is None:
        return None
    try:
        return timestamp(text)
    except ValueError as error:
        faults.append(Fault(pointer, str(error)))
        return None


def _endpoint(grant: Grant) -> str:
    return f"{current_services().infrastructure.settings.issuer}/access/v1/request/{grant.id}"


def _answer(grant: Grant) -> Response:
    """Render a task that is approved, as every one is; its grant may have ended since."""
    endpoint = _endpoint(grant)
    task = {
        "id": grant.id,
        "status": "approved",
        "status_endpoint": endpoint,
        "expires_at": rfc3339(grant.kept_until),
        "links": {"revoke": f"{endpoint}/revoke"},
    }
    approval = {
        "id": grant.approval_id,
        "approved_at": rfc3339(grant.since),
        "approved_until": rfc3339(grant.until),
    }
    return jsonify({"task": task, "result": {"mode": "reevaluate", "approval": approval}})
