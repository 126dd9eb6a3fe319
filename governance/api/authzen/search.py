"""Searches: AuthZEN Authorization API 1.0, section 8. Who may, which studies, what: each hit is a permit.

A hit carries its type and id, an action its name, and nothing else. Sent back with what the search said of that member,
for instance a subject's assurance and device, it is a permit.
"""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify

from governance.access import Searched
from governance.api.authzen import examples, requests, schemas
from governance.api.authzen.pages import PageTokens
from governance.api.authzen.presented import PresentedTokens
from governance.api.authzen.protocol import repeated
from governance.decisions import AccessRequest
from governance.vocabulary import Scope
from governance.web import client_caller, current_caller, current_services, operation, requires
from governance.web.body import json_object, validated

blueprint = Blueprint("authzen_search", __name__)


@blueprint.post("/access/v1/search/subject")
@requires(Scope.ACCESS_EVALUATE, by=client_caller)
@operation(
    summary="Search for those who may do something with a study",
    tag="decisions",
    request=schemas.SubjectSearchRequest,
    response=schemas.SearchAnswer,
    example=examples.SUBJECTS,
)
def subjects() -> Response:
    """Find subjects by pseudonym, or services by client id (section 8.2)."""
    body = json_object()
    asked = validated(schemas.SubjectSearchRequest, body)
    return _answer(Searched.SUBJECT, requests.subject_search(asked), body, asked.page)


@blueprint.post("/access/v1/search/resource")
@requires(Scope.ACCESS_EVALUATE, by=client_caller)
@operation(
    summary="Search for the studies somebody may do something with",
    tag="decisions",
    request=schemas.ResourceSearchRequest,
    response=schemas.SearchAnswer,
    example=examples.RESOURCES,
)
def resources() -> Response:
    """Find studies by instance UID (section 8.3)."""
    body = json_object()
    asked = validated(schemas.ResourceSearchRequest, body)
    return _answer(Searched.RESOURCE, _with_token(requests.resource_search(asked), asked.context), body, asked.page)


@blueprint.post("/access/v1/search/action")
@requires(Scope.ACCESS_EVALUATE, by=client_caller)
@operation(
    summary="Search for what somebody may do with a study",
    tag="decisions",
    request=schemas.ActionSearchRequest,
    response=schemas.SearchAnswer,
    example=examples.ACTIONS,
)
def actions() -> Response:
    """Find actions by name (section 8.4); an action that is sent is ignored."""
    body = json_object()
    asked = validated(schemas.ActionSearchRequest, body)
    return _answer(Searched.ACTION, _with_token(requests.action_search(asked), asked.context), body, asked.page)


def _with_token(request: AccessRequest | None, context: schemas.Context) -> AccessRequest | None:
    return None if request is None else PresentedTokens().take(request, context)


def _answer(
    searched: Searched, asked: AccessRequest | None, body: Mapping[str, Any], wanted: schemas.SearchPage
) -> Response:
    """Search one page and render it: section 8.1.2, with where the search is in the log as its context."""
    services, caller = current_services(), current_caller()
    search = {"searched": searched.value, "caller": caller.id, "request": repeated(searched, body)}
    tokens = PageTokens(services.infrastructure.settings.key_encryption_key.get_secret_value(), search)
    page = tokens.page(wanted)
    found = services.uses.search.search(searched, asked, caller, page)
    return jsonify(tokens.answer(page, found, [_entity(searched, hit) for hit in found.hits]))


def _entity(searched: Searched, hit: AccessRequest) -> dict[str, Any]:
    if searched is Searched.ACTION:
        return {"name": hit.action.value}
    if searched is Searched.RESOURCE:
        return {"type": requests.STUDY, "id": hit.study_uid}
    return {"type": hit.subject.type.value, "id": hit.subject.id}
