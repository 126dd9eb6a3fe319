"""Decisions: AuthZEN Authorization API 1.0 (evaluation, evaluations, metadata)."""

from typing import Any

from flask import Blueprint, Response, jsonify

from governance.api import authzen_schemas as schemas
from governance.api.authzen_protocol import endpoints, evaluate_batch, read_batch
from governance.api.authzen_requests import access_request
from governance.decisions import AccessRequest, ObligationType
from governance.enforcement import AccessAnswer, Searched
from governance.vocabulary import Scope
from governance.web import client_caller, current_caller, current_services, operation, public, requires
from governance.web.body import json_object, validated

blueprint = Blueprint("authzen", __name__)
_CAPABILITIES = ("urn:openid:authzen:capability:obligations",)
_OBLIGATIONS = (ObligationType.NOTIFICATION, ObligationType.REVIEW, ObligationType.STEP_UP)  # a study is always named


@blueprint.post("/access/v1/evaluation")
@requires(Scope.ACCESS_EVALUATE, by=client_caller)
@operation(
    summary="Decide one access",
    tag="decisions",
    request=schemas.EvaluationRequest,
    response=schemas.EvaluationAnswer,
)
def evaluation() -> Response:
    """Answer one question; a denial is 200 (AuthZEN section 6)."""
    asked = access_request(validated(schemas.EvaluationRequest))
    return jsonify(rendered(current_services().access.evaluate(asked, current_caller())))


@blueprint.post("/access/v1/evaluations")
@requires(Scope.ACCESS_EVALUATE, by=client_caller)
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
        return jsonify(rendered(current_services().access.evaluate(asked, current_caller())))
    questions = read_batch(
        body, batch.evaluations, lambda item: access_request(validated(schemas.EvaluationRequest, item))
    )
    return jsonify({"evaluations": evaluate_batch(questions, batch.options.evaluations_semantic, _decide)})


@blueprint.get("/.well-known/authzen-configuration")
@public("AuthZEN section 9: clients find the endpoints before they can authenticate")
@operation(summary="Where the decision endpoints are", tag="decisions", response=schemas.Metadata)
def metadata() -> Response:
    """Give the metadata of the policy decision point, plain and signed (section 9.1)."""
    services = current_services()
    base = services.settings.issuer
    plain = endpoints(base, tuple(Searched)) | {
        "capabilities": list(_CAPABILITIES),
        "supported_obligations": [kind.value for kind in _OBLIGATIONS],
        "jwks_uri": f"{base}/.well-known/jwks.json",
    }
    return jsonify(plain | {"signed_metadata": services.tokens.sign_metadata(plain)})


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


def _decide(questions: list[AccessRequest]) -> list[dict[str, Any]]:
    answers = current_services().access.evaluate_all(questions, current_caller())
    return [rendered(answer) for answer in answers]
