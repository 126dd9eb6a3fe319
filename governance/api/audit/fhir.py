"""FHIR endpoints of the audit: ITI-20 (record, one or a batch) and ITI-81 (retrieve).

1. An event is answered 201 with its Location after it is durable. Sent again byte for byte, it is answered 200 with the
   Location it has: the log holds it once.
2. In a batch every entry has its own answer, and a bad one never loses its neighbours.
3. Recorded is recorded: update, patch and delete are 405.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from werkzeug.exceptions import UnsupportedMediaType

from governance import __version__
from governance.api.audit import fhir_outcome
from governance.api.audit import fhir_schemas as schemas
from governance.api.audit._looks import (
    SCAN_CHUNK,
    SCAN_MAXIMUM,
    Look,
    after,
    may_see,
    record_look,
    scoped,
    visible_entry,
)
from governance.api.audit.fhir_capability import capability_statement
from governance.api.audit.fhir_outcome import issue, issues_of, outcome, resource_response
from governance.api.audit.fhir_search import Search, read_search
from governance.audit import Event, Query
from governance.bootstrap import Services
from governance.errors import Fault, InvalidInput, NotFound
from governance.formats import Context, build_audit_event, bundle_entries, parse_audit_event, resource_from_xml
from governance.intake import Carrier, Part, Sender, Taken
from governance.vocabulary import Scope
from governance.web import Caller, current_caller, current_services, operation, public, requires
from governance.web.body import check_texts, json_object, raw
from governance.web.characters import check_form
from governance.web.openapi import Errors
from governance.web.problems import status_of

blueprint = Blueprint("fhir", __name__)
fhir_outcome.install(blueprint)

FHIR = "application/fhir+json"
ONE_MAXIMUM = 1024 * 1024  # bytes of one AuditEvent
BATCH_MAXIMUM = 16 * 1024 * 1024  # bytes of a batch
_JSON = (FHIR, "application/json")
_XML = frozenset({"application/fhir+xml", "application/xml", "text/xml"})
_CURSOR = "_cursor"
_ALSO = ("application/fhir+xml",)


@blueprint.post("/fhir/AuditEvent")
@requires(Scope.AUDIT_WRITE)
@operation(
    summary="Record one FHIR AuditEvent (ITI-20)",
    tag="audit",
    request=schemas.AuditEvent,
    request_media=FHIR,
    request_also=_ALSO,
    response_media=FHIR,
    status=201,
    errors=Errors.FHIR,
    also={200: ("The log held this event already; Location says where.", None)},
)
def create() -> Response:
    """Answer 201 and the Location once the event is durable; 200 when the log already held it."""
    services = current_services()
    (part,) = _taken(services, [_resource(ONE_MAXIMUM)]).parts
    if part.failure is not None:
        raise part.failure
    response = Response(status=201 if part.new else 200, content_type=f"{FHIR}; charset=utf-8")
    response.headers["Location"] = _location(services, part)
    return response


@blueprint.post("/fhir")
@requires(Scope.AUDIT_WRITE)
@operation(
    summary="Record a batch of FHIR AuditEvents (ITI-20)",
    tag="audit",
    request=schemas.Bundle,
    request_media=FHIR,
    request_also=_ALSO,
    response=schemas.Bundle,
    response_media=FHIR,
    errors=Errors.FHIR,
)
def batch() -> Response:
    """Answer with a batch-response: one entry for each of the batch, once all of them are durable."""
    services = current_services()
    taken = _taken(services, bundle_entries(_resource(BATCH_MAXIMUM, many=True)))
    answers = [_entry_answer(services, part) for part in taken.parts]
    return resource_response({"resourceType": "Bundle", "type": "batch-response", "entry": answers})


@blueprint.get("/fhir/AuditEvent")
@requires(Scope.AUDIT_READ)
@operation(
    summary="Search AuditEvents (ITI-81)",
    tag="audit",
    query=schemas.AuditEventQuery,
    response=schemas.Bundle,
    response_media=FHIR,
    errors=Errors.FHIR,
)
def search() -> Response:
    """Give a searchset of the AuditEvents that match; the parameters are those of the CapabilityStatement."""
    return _search(list(request.args.items(multi=True)))


@blueprint.post("/fhir/AuditEvent/_search")
@requires(Scope.AUDIT_READ)
@operation(
    summary="Search AuditEvents by form (ITI-81)",
    tag="audit",
    request=schemas.AuditEventQuery,
    request_media="application/x-www-form-urlencoded",
    response=schemas.Bundle,
    response_media=FHIR,
    errors=Errors.FHIR,
)
def search_by_form() -> Response:
    """Search as with GET, with the parameters in the body, as is needed to ask about a person."""
    check_form()
    return _search(list(request.form.items(multi=True)))


@blueprint.get("/fhir/AuditEvent/<identifier>")
@requires(Scope.AUDIT_READ)
@operation(
    summary="Read one AuditEvent",
    tag="audit",
    response=schemas.AuditEvent,
    response_media=FHIR,
    errors=Errors.FHIR,
)
def read(identifier: str) -> Response:
    """Give one AuditEvent by its id, which is its index in the log."""
    services, caller = current_services(), current_caller()
    if not identifier.isascii() or not identifier.isdigit() or len(identifier) > 18:
        raise NotFound("audit.no_entry", "There is no such AuditEvent.")
    found = visible_entry(services, caller, int(identifier))
    record_look(services, caller, Look("/fhir/AuditEvent/{id}"), 1)
    return resource_response(build_audit_event(found))


@blueprint.route("/fhir/AuditEvent/<identifier>", methods=["PUT", "PATCH", "DELETE"])
@public("nobody may change what is recorded, so nobody needs to sign in to be told")
@operation(
    summary="Refused: what is recorded stays as it is",
    tag="audit",
    response=schemas.OperationOutcome,
    response_media=FHIR,
    status=405,
    errors=Errors.FHIR,
)
def unchangeable(identifier: str) -> Response:
    """Answer 405 with what is allowed instead."""
    del identifier
    refused = resource_response(outcome([issue("not-supported", "A recorded AuditEvent cannot be changed.")]), 405)
    refused.headers["Allow"] = "GET, HEAD"
    return refused


@blueprint.get("/fhir/metadata")
@public("FHIR R4 section 2.21: a client reads what a server can do before it signs in")
@operation(
    summary="CapabilityStatement",
    tag="audit",
    response=schemas.CapabilityStatement,
    response_media=FHIR,
    errors=Errors.FHIR,
)
def metadata() -> Response:
    """Give the CapabilityStatement of these endpoints."""
    services = current_services()
    today = services.infrastructure.clock.now().date().isoformat()
    return resource_response(
        capability_statement(f"{services.infrastructure.settings.issuer}/fhir", __version__, today)
    )


def _resource(maximum: int, *, many: bool = False) -> dict[str, Any]:
    if request.mimetype in _XML:
        return resource_from_xml(raw(maximum))
    if request.mimetype in _JSON:
        resource = json_object(maximum, _JSON, parts=True)
        if not many:
            check_texts(resource)
        return resource
    raise UnsupportedMediaType("The body must be application/fhir+json or application/fhir+xml.")


def _taken(services: Services, resources: Sequence[Any]) -> Taken:
    caller = current_caller()
    return services.uses.intake.take(AUDIT_EVENTS, enumerate(resources, 1), Sender(caller.id, caller.ods))


def _read(resource: Any, _sender: Sender, context: Context) -> tuple[Event, ...]:
    if not isinstance(resource, dict):
        raise InvalidInput([Fault("", "the entry has no resource")])
    return parse_audit_event(resource, context)


AUDIT_EVENTS: Carrier[Any] = Carrier("fhir", _read, names_trust=True)


def _entry_answer(services: Services, part: Part) -> dict[str, Any]:
    if part.failure is not None:
        failed = status_of(part.failure)
        issues = outcome(issues_of(part.failure, failed))
        return {"response": {"status": f"{failed.value} {failed.phrase}", "outcome": issues}}
    status = "201 Created" if part.new else "200 OK"
    return {"response": {"status": status, "location": _location(services, part)}}


def _location(services: Services, part: Part) -> str:
    return f"{services.infrastructure.settings.issuer}/fhir/AuditEvent/{part.receipts[0].index}"


def _search(pairs: list[tuple[str, str]]) -> Response:
    services, caller = current_services(), current_caller()
    asked = read_search([pair for pair in pairs if pair[0] != _CURSOR], services.infrastructure.pseudonymiser)
    start = next((value for name, value in pairs if name == _CURSOR), "")
    found, cursor = _find(services, caller, asked, start)
    names = tuple(dict.fromkeys(name for name, _ in asked.parameters))
    look = Look("/fhir/AuditEvent", names, asked.query.patient, asked.query.study)
    record_look(services, caller, look, len(found))
    base = f"{services.infrastructure.settings.issuer}/fhir/AuditEvent"
    links = [{"relation": "self", "url": f"{base}?{urlencode(asked.parameters)}"}]
    if cursor is not None:
        following = urlencode([*asked.parameters, (_CURSOR, str(cursor))])
        links.append({"relation": "next", "url": f"{base}?{following}"})
    entries = [
        {"fullUrl": f"{base}/{resource['id']}", "resource": resource, "search": {"mode": "match"}} for resource in found
    ]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "link": links}
    return resource_response(bundle | ({"entry": entries} if entries else {}))


def _find(services: Services, caller: Caller, asked: Search, start: str) -> tuple[list[dict[str, Any]], int | None]:
    """Give the matching resources of one page and the index to go on behind, None at the end."""
    query = _from_cursor(scoped(asked.query, caller), asked, start)
    found: list[dict[str, Any]] = []
    looked = 0
    while looked < SCAN_MAXIMUM:
        chunk = services.infrastructure.audit_search.find(query, SCAN_CHUNK, newest_first=asked.newest_first)
        for event in chunk:
            looked += 1
            resource = build_audit_event(event)
            wanted = asked.only in {None, event.index} and may_see(caller, event)
            if wanted and all(test(event, resource) for test in asked.tests):
                found.append(resource)
                if len(found) == asked.count:
                    return found, event.index
        if len(chunk) < SCAN_CHUNK:
            return found, None
        query = after(query, chunk[-1].index, newest_first=asked.newest_first)
    return found, chunk[-1].index


def _from_cursor(query: Query, asked: Search, cursor: str) -> Query:
    """Go on where the page before ended, or straight to the one event that was asked for by its id."""
    if asked.only is not None:
        return after(query, asked.only + (1 if asked.newest_first else -1), newest_first=asked.newest_first)
    if not cursor:
        return query
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise InvalidInput([Fault(f"/{_CURSOR}", "is not a cursor this service gave")])
    return after(query, int(cursor), newest_first=asked.newest_first)
