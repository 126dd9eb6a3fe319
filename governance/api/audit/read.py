"""Audit out: search the log, read one entry, prove that it is there. Every look is itself recorded.

Pages hold :data:`~governance.api.audit.schemas.LIMIT_DEFAULT` events unless asked otherwise, and
:data:`~governance.api.audit.schemas.LIMIT_MAXIMUM` at most; a cursor is an index, so no late event is ever skipped.
"""

from dataclasses import replace

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from governance.api.audit import schemas
from governance.api.audit._explained import rendered
from governance.api.audit._looks import Look, after, page, record_look, scoped, visible_entry
from governance.audit import InclusionProof, Query
from governance.vocabulary import Scope
from governance.web import current_caller, current_services, operation, requires
from governance.web.body import query as read_query
from governance.web.body import validated

blueprint = Blueprint("audit_out", __name__)
OCTETS = "application/octet-stream"
PLAIN = "text/plain"


@blueprint.get("/audit/v1/events")
@requires(Scope.AUDIT_READ)
@operation(summary="Search audit events", tag="audit", query=schemas.EventsQuery, response=schemas.EventsPage)
def events() -> Response:
    """Give a page of events that match; identifiers in the address are pseudonyms."""
    asked = read_query(schemas.EventsQuery)
    return _page("/audit/v1/events", asked, replace(_query(asked), patient=asked.patient, study=asked.study))


@blueprint.post("/audit/v1/events/search")
@requires(Scope.AUDIT_READ)
@operation(
    summary="Search audit events by identifiers",
    tag="audit",
    request=schemas.EventsSearch,
    response=schemas.EventsPage,
)
def search() -> Response:
    """Give a page of events that match; identifiers in the body become pseudonyms before anything is looked up."""
    asked = validated(schemas.EventsSearch)
    known = current_services().infrastructure.pseudonymiser
    query = replace(
        _query(asked),
        patient=known.patient(asked.patient) if asked.patient else None,
        study=known.study(asked.study) if asked.study else None,
        subject=known.subject(asked.user) if asked.user else asked.subject,
    )
    return _page("/audit/v1/events/search", asked, query)


@blueprint.get("/audit/v1/events/<int:index>")
@requires(Scope.AUDIT_READ)
@operation(summary="Read one audit event", tag="audit", response=schemas.RecordedEventView)
def event(index: int) -> Response:
    """Give one event as the log holds it, and the reason that detection found for it."""
    services, caller = current_services(), current_caller()
    found = visible_entry(services, caller, index)
    record_look(services, caller, Look("/audit/v1/events/{index}"), 1)
    return jsonify(rendered(services, [found])[0])


@blueprint.get("/audit/v1/events/<int:index>/entry")
@requires(Scope.AUDIT_READ)
@operation(summary="The bytes of one audit event as they were hashed", tag="audit", response_media=OCTETS)
def entry(index: int) -> Response:
    """Give the canonical bytes of one event, which its proof is about; sealed fields stay sealed in them."""
    services, caller = current_services(), current_caller()
    visible_entry(services, caller, index)
    found = services.infrastructure.audit.entry_bytes(index)
    record_look(services, caller, Look("/audit/v1/events/{index}/entry"), 1)
    return Response(found, content_type=OCTETS)


@blueprint.get("/audit/v1/events/<int:index>/proof")
@requires(Scope.AUDIT_READ)
@operation(
    summary="Prove that an audit event is in the log",
    tag="audit",
    response=schemas.ProofView,
    response_also=(PLAIN,),
)
def proof(index: int) -> ResponseReturnValue:
    """Give the inclusion proof, as JSON or (``Accept: text/plain``) as a C2SP tlog-proof@v1 file."""
    services, caller = current_services(), current_caller()
    found = visible_entry(services, caller, index)
    made = services.infrastructure.audit.proof(index)
    record_look(services, caller, Look("/audit/v1/events/{index}/proof"), 1)
    if request.accept_mimetypes.best_match(["application/json", PLAIN], "application/json") == PLAIN:
        return Response(made.text(), content_type="text/plain; charset=utf-8")
    return jsonify(_proof_view(made, found.leaf_hash).model_dump())


def _query(asked: schemas.EventFilters) -> Query:
    return Query(
        subject=asked.subject,
        custodian=asked.custodian,
        source_id=asked.source_id,
        kind=asked.kind,
        outcome=asked.outcome,
        decision_id=asked.decision_id,
        agreement_id=asked.agreement_id,
        token_jti=asked.token_jti,
        since=asked.since,
        until=asked.until,
    )


def _page(endpoint: str, asked: schemas.EventFilters, query: Query) -> Response:
    services, caller = current_services(), current_caller()
    newest_first = asked.order == "newest"
    query = scoped(query, caller)
    if asked.cursor is not None:
        query = after(query, asked.cursor, newest_first=newest_first)
    found, cursor = page(services.infrastructure.audit_search, query, asked.limit, newest_first=newest_first)
    filters = asked.model_dump(exclude_none=True, exclude={"cursor", "limit", "order"})
    look = Look(endpoint, tuple(filters), query.patient, query.study)
    recorded_as = record_look(services, caller, look, len(found))
    return jsonify({"events": rendered(services, found), "cursor": cursor, "recorded_as": recorded_as})


def _proof_view(made: InclusionProof, leaf_hash: bytes) -> schemas.ProofView:
    return schemas.ProofView(
        index=made.index,
        leaf_hash=leaf_hash.hex(),
        size=made.size,
        hashes=[each.hex() for each in made.hashes],
        checkpoint=made.checkpoint,
        text=made.text(),
        entry=f"/audit/v1/events/{made.index}/entry",
    )
