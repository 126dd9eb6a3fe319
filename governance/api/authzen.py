"""Decisions: AuthZEN Authorization API 1.0 (evaluation, evaluations, metadata)."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify

from governance.api import authzen_schemas as schemas
from governance.api.authzen_answers import rendered
from governance.api.authzen_requests import access_request
from governance.decisions import CUSTOM, WIRE_NAMES, AccessRequest
from governance.errors import InvalidInput
from governance.vocabulary import Scope
from governance.web import current_caller, current_services, operation, public, requires
from governance.web.body import json_object, validated

blueprint = Blueprint("authzen", __name__)
_ENTITIES = ("subject", "action", "resource", "context")
_REQUIRED = {"subject": ("type", "id"), "action": ("name",), "resource": ("type", "id")}
_DECIDING = {"deny_on_first_deny": False, "permit_on_first_permit": True}
_CAPABILITIES = ("urn:openid:authzen:capability:access-request", "urn:openid:authzen:capability:obligations")


@blueprint.post("/access/v1/evaluation")
@requires(Scope.ACCESS_EVALUATE)
@operation(
    summary="Decide one access",
    tag="decisions",
    request=schemas.EvaluationRequest,
    response=schemas.EvaluationAnswer,
)
def evaluation() -> Response:
    """Answer one question; a denial is 200 (AuthZEN section 6)."""
    asked = access_request(validated(schemas.EvaluationRequest))
    return jsonify(_decided(asked))


@blueprint.post("/access/v1/evaluations")
@requires(Scope.ACCESS_EVALUATE)
@operation(
    summary="Decide many accesses",
    tag="decisions",
    request=schemas.EvaluationsRequest,
    response=schemas.EvaluationsAnswer,
)
def evaluations() -> Response:
    """Answer many questions in their order; none at all is the single question (section 7.1)."""
    body = json_object()
    batch = validated(schemas.EvaluationsRequest, body)
    if not batch.evaluations:
        asked = access_request(validated(schemas.EvaluationRequest, body))
        return jsonify(_decided(asked))
    questions = [_question(body, item) for item in batch.evaluations]
    return jsonify({"evaluations": _evaluate(questions, batch.options.evaluations_semantic)})


@blueprint.get("/.well-known/authzen-configuration")
@public("AuthZEN section 9: clients find the endpoints before they can authenticate")
@operation(summary="Where the decision endpoints are", tag="decisions", response=schemas.Metadata)
def metadata() -> Response:
    """Give the metadata of the policy decision point, plain and signed (section 9.1)."""
    services = current_services()
    base = services.settings.issuer
    plain = {
        "policy_decision_point": base,
        "access_evaluation_endpoint": f"{base}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{base}/access/v1/evaluations",
        "access_request_endpoint": f"{base}/access/v1/request",
        "search_subject_endpoint": f"{base}/access/v1/search/subject",
        "search_resource_endpoint": f"{base}/access/v1/search/resource",
        "search_action_endpoint": f"{base}/access/v1/search/action",
        "capabilities": list(_CAPABILITIES),
        "supported_obligations": sorted({CUSTOM, *WIRE_NAMES.values()}),
        "jwks_uri": f"{base}/.well-known/jwks.json",
    }
    return jsonify(plain | {"signed_metadata": services.tokens.sign_metadata(plain)})


def _decided(asked: AccessRequest) -> dict[str, Any]:
    services, caller = current_services(), current_caller()
    return rendered(services.access.evaluate(asked, caller), asked, caller, services)


def _question(defaults: Mapping[str, Any], item: Mapping[str, Any]) -> AccessRequest | InvalidInput:
    """Merge an item with the defaults: an entity replaces the default whole, only a missing name is filled in."""
    merged: dict[str, Any] = {}
    for entity in _ENTITIES:
        default, own = defaults.get(entity), item.get(entity)
        if own is None and default is not None:
            merged[entity] = default
        elif own is not None:
            merged[entity] = own
            if isinstance(own, dict) and isinstance(default, dict):
                missing = {name: default[name] for name in _REQUIRED.get(entity, ()) if name in default}
                merged[entity] = missing | own
    try:
        return access_request(validated(schemas.EvaluationRequest, merged))
    except InvalidInput as error:
        return error


def _evaluate(questions: list[AccessRequest | InvalidInput], semantic: str) -> list[dict[str, Any]]:
    """Decide in order; a bad item is a denial of its own and spoils no other (section 7.2)."""
    services, caller = current_services(), current_caller()
    if semantic == "execute_all":
        good = [question for question in questions if not isinstance(question, InvalidInput)]
        answers = iter(services.access.evaluate_all(good, caller)) if good else iter(())
        return [
            _refused(q) if isinstance(q, InvalidInput) else rendered(next(answers), q, caller, services)
            for q in questions
        ]
    made: list[dict[str, Any]] = []
    for question in questions:
        if isinstance(question, InvalidInput):
            made.append(_refused(question))
        else:
            made.append(_decided(question))
        if made[-1]["decision"] is _DECIDING[semantic]:
            break
    return made


def _refused(error: InvalidInput) -> dict[str, Any]:
    faults = [{"pointer": fault.path, "detail": fault.message} for fault in error.faults]
    return {"decision": False, "context": {"error": {"status": 400, "message": error.detail, "errors": faults}}}
