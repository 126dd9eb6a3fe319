"""A tenant's policy decision point: AuthZEN Authorization API 1.0 whole, under ``/tenants/{tenant}``.

The metadata is where section 9.2.1 puts it for that base, ``/.well-known/authzen-configuration/tenants/{tenant}``, and
under the tenant's bare name. A tenant that does not offer a search has no such endpoint (404).
"""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify

from governance.access import Searched
from governance.api.authzen import schemas as authzen_schemas
from governance.api.authzen import tenants_schemas as schemas
from governance.api.authzen.pages import PageTokens
from governance.api.authzen.protocol import endpoints, evaluate_batch, read_batch, repeated
from governance.errors import NotFound
from governance.tenants import Entity, Question, Tenant, TenantAnswer
from governance.vocabulary import Scope
from governance.web import client_caller, current_caller, current_services, operation, public, requires
from governance.web.body import json_object, validated

blueprint = Blueprint("tenants", __name__)
_BASE = "/tenants/<tenant>/access/v1"


@blueprint.post(f"{_BASE}/evaluation")
@requires(Scope.TENANTS_EVALUATE, by=client_caller)
@operation(
    summary="Decide one access for a tenant",
    tag="tenants",
    request=schemas.TenantEvaluationRequest,
    response=authzen_schemas.EvaluationAnswer,
)
def evaluation(tenant: str) -> Response:
    """Answer one question; a denial is 200 (AuthZEN section 6)."""
    asked = _admitted(tenant)
    return jsonify(_decided(asked, [_question(json_object())])[0])


@blueprint.post(f"{_BASE}/evaluations")
@requires(Scope.TENANTS_EVALUATE, by=client_caller)
@operation(
    summary="Decide many accesses for a tenant",
    tag="tenants",
    request=authzen_schemas.EvaluationsRequest,
    response=authzen_schemas.EvaluationsAnswer,
)
def evaluations(tenant: str) -> Response:
    """Answer many questions in their order; none at all is the single question (section 7.1)."""
    asked, body = _admitted(tenant), json_object()
    batch = validated(authzen_schemas.EvaluationsRequest, body)
    if not batch.evaluations:
        return jsonify(_decided(asked, [_question(body)])[0])
    questions = read_batch(body, batch.evaluations, _question)
    answers = evaluate_batch(questions, batch.options.evaluations_semantic, lambda some: _decided(asked, some))
    return jsonify({"evaluations": answers})


@blueprint.post(f"{_BASE}/search/subject")
@requires(Scope.TENANTS_EVALUATE, by=client_caller)
@operation(
    summary="Search for those who may do something with a tenant's resource",
    tag="tenants",
    request=schemas.TenantSubjectSearchRequest,
    response=authzen_schemas.SearchAnswer,
)
def subjects(tenant: str) -> Response:
    """Find subjects of a type (section 8.2)."""
    asked, body = _searched(tenant, Searched.SUBJECT), json_object()
    read = validated(schemas.TenantSubjectSearchRequest, body)
    question = Question(_open(read.subject), read.action.model_dump(), read.resource.model_dump(), read.context)
    return _found(asked, Searched.SUBJECT, question, body, read.page)


@blueprint.post(f"{_BASE}/search/resource")
@requires(Scope.TENANTS_EVALUATE, by=client_caller)
@operation(
    summary="Search for the resources of a tenant somebody may do something with",
    tag="tenants",
    request=schemas.TenantResourceSearchRequest,
    response=authzen_schemas.SearchAnswer,
)
def resources(tenant: str) -> Response:
    """Find resources of a type (section 8.3)."""
    asked, body = _searched(tenant, Searched.RESOURCE), json_object()
    read = validated(schemas.TenantResourceSearchRequest, body)
    question = Question(read.subject.model_dump(), read.action.model_dump(), _open(read.resource), read.context)
    return _found(asked, Searched.RESOURCE, question, body, read.page)


@blueprint.post(f"{_BASE}/search/action")
@requires(Scope.TENANTS_EVALUATE, by=client_caller)
@operation(
    summary="Search for what somebody may do with a tenant's resource",
    tag="tenants",
    request=schemas.TenantActionSearchRequest,
    response=authzen_schemas.SearchAnswer,
)
def actions(tenant: str) -> Response:
    """Find actions by name (section 8.4); an action that is sent is ignored."""
    asked, body = _searched(tenant, Searched.ACTION), json_object()
    read = validated(schemas.TenantActionSearchRequest, body)
    question = Question(read.subject.model_dump(), {}, read.resource.model_dump(), read.context)
    return _found(asked, Searched.ACTION, question, body, read.page)


@blueprint.get("/.well-known/authzen-configuration/tenants/<tenant>")
@public("AuthZEN section 9: clients find the endpoints before they can authenticate")
@operation(summary="Where a tenant's endpoints are", tag="tenants", response=schemas.TenantMetadata)
def metadata(tenant: str) -> Response:
    """Give the metadata of a tenant's policy decision point, plain and signed (section 9.1)."""
    return _metadata(tenant)


@blueprint.get("/.well-known/authzen-configuration/<tenant>")
@public("AuthZEN section 9: clients find the endpoints before they can authenticate")
@operation(summary="Where a tenant's endpoints are, by its bare name", tag="tenants", response=schemas.TenantMetadata)
def short_metadata(tenant: str) -> Response:
    """Give the same as :func:`metadata`."""
    return _metadata(tenant)


def _metadata(name: str) -> Response:
    services = current_services()
    tenant = services.uses.tenants.tenant(name)
    issuer = services.infrastructure.settings.issuer
    plain = endpoints(f"{issuer}/tenants/{tenant.name}", tenant.searches)
    plain["jwks_uri"] = f"{issuer}/.well-known/jwks.json"
    return jsonify(plain | {"signed_metadata": services.registers.tokens.sign_metadata(plain)})


def _admitted(name: str) -> Tenant:
    return current_services().uses.tenants.admitted(name, current_caller())


def _searched(name: str, kind: Searched) -> Tenant:
    tenant = _admitted(name)
    if kind not in tenant.searches:
        raise NotFound("tenant.search", "The tenant does not offer this search.")
    return tenant


def _question(body: Mapping[str, Any]) -> Question:
    read = validated(schemas.TenantEvaluationRequest, body)
    return Question(read.subject.model_dump(), read.action.model_dump(), read.resource.model_dump(), read.context)


def _open(searched: schemas.TenantSearched) -> dict[str, Any]:
    return searched.model_dump() | {"id": ""}


def _decided(tenant: Tenant, questions: list[Question]) -> list[dict[str, Any]]:
    answers = current_services().uses.tenants.evaluate_all(tenant, questions, current_caller())
    return [_rendered(tenant, answer) for answer in answers]


def _rendered(tenant: Tenant, answer: TenantAnswer) -> dict[str, Any]:
    """Render an answer: the rules' own context, and in it where the decision is recorded, if the tenant wants it."""
    context = dict(answer.context)
    if tenant.receipts:
        context |= {"id": answer.id, "policy_revision": answer.revision, "log_index": answer.index}
    if answer.reasons:
        context["reasons"] = [reason.value for reason in answer.reasons]
    return {"decision": answer.permit} | ({"context": context} if context else {})


def _found(
    tenant: Tenant,
    searched: Searched,
    question: Question,
    body: Mapping[str, Any],
    wanted: authzen_schemas.SearchPage,
) -> Response:
    """Search one page and render it (section 8.1.2); a page token holds for these rules and data only."""
    services, caller = current_services(), current_caller()
    search = {
        "searched": searched.value,
        "caller": caller.id,
        "request": repeated(searched, body),
        "tenant": tenant.name,
        "revision": tenant.policy.revision,
    }
    tokens = PageTokens(services.infrastructure.settings.key_encryption_key.get_secret_value(), search)
    page = tokens.page(wanted)
    found = services.uses.tenants.search(tenant, searched, question, caller, page)
    answer = tokens.answer(page, found, [_entity(searched, hit) for hit in found.hits])
    if not tenant.receipts:
        del answer["context"]
        if "page" not in body and found.after is None:  # nobody asked for a page, and there is no other
            del answer["page"]
    return jsonify(answer)


def _entity(searched: Searched, hit: Entity) -> dict[str, Any]:
    """Render a hit: its type and id, or an action's name, and nothing else the data has of it (section 8)."""
    return {"name": hit.id} if searched is Searched.ACTION else {"type": hit.type, "id": hit.id}
