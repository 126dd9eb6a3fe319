"""Decisions: AuthZEN Authorization API 1.0 (evaluation, evaluations, metadata)."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify

from governance.access import Searched
from governance.api.authzen import examples, schemas
from governance.api.authzen.answers import rendered
from governance.api.authzen.presented import PresentedTokens
from governance.api.authzen.protocol import endpoints, evaluate_batch, read_batch
from governance.api.authzen.requests import access_request
from governance.decisions import CUSTOM, WIRE_NAMES, AccessRequest
from governance.vocabulary import Scope
from governance.web import client_caller, current_caller, current_services, operation, public, requires
from governance.web.body import json_object, validated

blueprint = Blueprint("authzen", __name__)
_CAPABILITIES = ("urn:openid:authzen:capability:access-request", "urn:openid:authzen:capability:obligations")


@blueprint.post("/access/v1/evaluation")
@requires(Scope.ACCESS_EVALUATE, by=client_caller)
@operation(
    summary="Decide one access",
    tag="decisions",
    request=schemas.EvaluationRequest,
    response=schemas.EvaluationAnswer,
    example=examples.EVALUATION,
)
def evaluation() -> Response:
    """Answer one question; a denial is 200 (AuthZEN section 6)."""
    asked = _question(json_object(), PresentedTokens())
    return jsonify(_decide([asked])[0])


@blueprint.post("/access/v1/evaluations")
@requires(Scope.ACCESS_EVALUATE, by=client_caller)
@operation(
    summary="Decide many accesses",
    tag="decisions",
    request=schemas.EvaluationsRequest,
    response=schemas.EvaluationsAnswer,
    example=examples.EVALUATIONS,
)
def evaluations() -> Response:
    """Answer many questions in their order; none at all is the single question (section 7.1)."""
    body = json_object()
    batch = validated(schemas.EvaluationsRequest, body)
    if not batch.evaluations:
        asked = _question(body, PresentedTokens())
        return jsonify(_decide([asked])[0])
    tokens = PresentedTokens()
    questions = read_batch(body, batch.evaluations, lambda item: _question(item, tokens))
    return jsonify({"evaluations": evaluate_batch(questions, batch.options.evaluations_semantic, _decide)})


@blueprint.get("/.well-known/authzen-configuration")
@public("AuthZEN section 9: clients find the endpoints before they can authenticate")
@operation(summary="Where the decision endpoints are", tag="decisions", response=schemas.Metadata)
def metadata() -> Response:
    """Give the metadata of the policy decision point, plain and signed (section 9.1)."""
    services = current_services()
    base = services.infrastructure.settings.issuer
    plain = endpoints(base, tuple(Searched)) | {
        "access_request_endpoint": f"{base}/access/v1/request",
        "capabilities": list(_CAPABILITIES),
        "supported_obligations": sorted({CUSTOM, *WIRE_NAMES.values()}),
        "jwks_uri": f"{base}/.well-known/jwks.json",
    }
    return jsonify(plain | {"signed_metadata": services.registers.tokens.sign_metadata(plain)})


def _question(body: Mapping[str, Any], tokens: PresentedTokens) -> AccessRequest:
    """Read one question and the token it may come with. Raises InvalidInput."""
    asked = validated(schemas.EvaluationRequest, body)
    return tokens.take(access_request(asked), asked.context)


def _decide(questions: list[AccessRequest]) -> list[dict[str, Any]]:
    services, caller = current_services(), current_caller()
    answers = services.uses.access.evaluate_all(questions, caller)
    return [rendered(answer, caller, services) for answer in answers]
