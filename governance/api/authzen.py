"""Decisions: AuthZEN Authorization API 1.0 (evaluation, evaluations, metadata)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from flask import Blueprint, Response, jsonify, request

from governance.api import authzen_schemas as schemas
from governance.decisions import AccessRequest, RequestSubject
from governance.enforcement import AccessAnswer
from governance.errors import Fault, InvalidInput
from governance.vocabulary import Action, Purpose, Role, Scope, SubjectType, ods_code, study_uid
from governance.web import current_caller, current_services, operation, public, requires
from governance.web.body import json_object, validated

blueprint = Blueprint("authzen", __name__)
_ENTITIES = ("subject", "action", "resource", "context")
_REQUIRED = {"subject": ("type", "id"), "action": ("name",), "resource": ("type", "id")}
_DECIDING = {"deny_on_first_deny": False, "permit_on_first_permit": True}
_STUDY = "study"
_ODS = "/subject/properties/ods"
Code = TypeVar("Code", bound=StrEnum)


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
    return _answer(rendered(current_services().access.evaluate(asked, current_caller())))


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
        return _answer(rendered(current_services().access.evaluate(asked, current_caller())))
    questions = [_question(body, item) for item in batch.evaluations]
    return _answer({"evaluations": _evaluate(questions, batch.options.evaluations_semantic)})


@blueprint.get("/.well-known/authzen-configuration")
@public("AuthZEN section 9: clients find the endpoints before they can authenticate")
@operation(summary="Where the decision endpoints are", tag="decisions", response=schemas.Metadata)
def metadata() -> Response:
    """Give the metadata of the policy decision point."""
    base = current_services().settings.issuer
    return _answer(
        {
            "policy_decision_point": base,
            "access_evaluation_endpoint": f"{base}/access/v1/evaluation",
            "access_evaluations_endpoint": f"{base}/access/v1/evaluations",
        }
    )


def access_request(asked: schemas.EvaluationRequest) -> AccessRequest:
    """Turn an AuthZEN question into the network's words.

    Raises:
        InvalidInput: a code is unknown or an identifier malformed, each named by its pointer.
    """
    faults: list[Fault] = []
    properties, context = asked.subject.properties, asked.context
    if asked.resource.type != _STUDY:
        faults.append(Fault("/resource/type", "must be study"))
    kind = _code(SubjectType, asked.subject.type, "/subject/type", faults)
    role = _code(Role, properties.role, "/subject/properties/role", faults) if properties.role else None
    action = _code(Action, asked.action.name, "/action/name", faults)
    purpose = _code(Purpose, context.purpose, "/context/purpose", faults)
    for check, value, path in ((study_uid, asked.resource.id, "/resource/id"), (ods_code, properties.ods, _ODS)):
        try:
            check(value) if value is not None else None
        except ValueError as error:
            faults.append(Fault(path, str(error)))
    if faults or kind is None or action is None or purpose is None:
        raise InvalidInput(faults, "The question cannot be understood.")
    subject = RequestSubject(
        id=asked.subject.id,
        type=kind,
        role=role,
        ods=properties.ods,
        assurance=properties.assurance,
        version=properties.version,
        managed_device=properties.managed_device,
    )
    supported = context.supported_obligations
    return AccessRequest(
        subject=subject,
        action=action,
        purpose=purpose,
        study_uid=asked.resource.id,
        patient=None,
        break_glass_reason=context.break_glass.reason if context.break_glass else None,
        self_claim_reason=context.self_claim.reason if context.self_claim else None,
        supported_obligations=frozenset(supported) if supported is not None else None,
    )


def rendered(answer: AccessAnswer) -> dict[str, Any]:
    """Render an answer: the decision, and in its context what it stands on and where it is recorded."""
    decision = answer.decision
    agreement = decision.agreement
    return {
        "decision": decision.permit,
        "context": {
            "id": decision.id,
            "reasons": [reason.value for reason in answer.reasons],
            "obligations": [
                {"id": o.id, "type": o.type, "properties": dict(o.properties)} for o in decision.obligations
            ],
            "agreement": {"id": agreement.id, "version": agreement.version, "clause": agreement.clause}
            if agreement
            else None,
            "policy_revision": decision.revision,
            "requestable": decision.requestable,
            "log_index": answer.index,
        },
    }


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
    access, caller = current_services().access, current_caller()
    if semantic == "execute_all":
        good = [question for question in questions if not isinstance(question, InvalidInput)]
        answers = iter(access.evaluate_all(good, caller)) if good else iter(())
        return [_refused(q) if isinstance(q, InvalidInput) else rendered(next(answers)) for q in questions]
    made: list[dict[str, Any]] = []
    for question in questions:
        if isinstance(question, InvalidInput):
            made.append(_refused(question))
        else:
            made.append(rendered(access.evaluate(question, caller)))
        if made[-1]["decision"] is _DECIDING[semantic]:
            break
    return made


def _refused(error: InvalidInput) -> dict[str, Any]:
    faults = [{"pointer": fault.path, "detail": fault.message} for fault in error.faults]
    return {"decision": False, "context": {"error": {"status": 400, "message": error.detail, "errors": faults}}}


def _code(kind: type[Code], value: str, path: str, faults: list[Fault]) -> Code | None:
    try:
        return kind(value)
    except ValueError:
        faults.append(Fault(path, "is not a code this network knows"))
        return None


def _answer(body: Mapping[str, Any]) -> Response:
    response = jsonify(body)
    if request_id := request.headers.get("X-Request-ID"):
        response.headers["X-Request-ID"] = request_id[:128]
    return response
