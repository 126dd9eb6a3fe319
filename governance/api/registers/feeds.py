"""Context feeds: studies, relationships, staff and patients, as newline-delimited JSON upserts.

1. One bad line never loses its neighbours; the answer names it and every field that is wrong.
2. What one commit changes and the record of it are one transaction. A long feed is cut into commits of ``COMMIT`` rows,
   so that it never keeps decisions waiting; sending a feed again is harmless, so a broken call is simply repeated.
3. Only counts are recorded: the log learns that a feed was taken, not whom it named.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TypeVar

from flask import Blueprint, Response, jsonify, request
from sqlmodel import Session
from werkzeug.exceptions import UnsupportedMediaType

from governance.api.registers import feed_schemas as schemas
from governance.api.registers._changes import record_change
from governance.catalogue import parse_studies
from governance.federation import parse_staff
from governance.feeds import Limits, Parsed
from governance.relationships import parse_edges, parse_patients
from governance.storage.upsert import chunks
from governance.vocabulary import Scope
from governance.web import current_services, operation, requires
from governance.web.body import raw

blueprint = Blueprint("context", __name__)

MEDIA_TYPE = "application/x-ndjson"
BODY = 16 * 1024 * 1024  # bytes in one call
LIMITS = Limits(lines=50_000, line_bytes=16_384)
COMMIT = 2_000  # rows in one transaction: some tens of milliseconds of the write lock
Row = TypeVar("Row")


@blueprint.post("/catalogue/v1/studies")
@requires(Scope.CONTEXT_WRITE)
@operation(
    summary="Insert or replace studies",
    tag="context",
    request=schemas.StudyLine,
    request_media=MEDIA_TYPE,
    response=schemas.FeedAnswer,
)
def studies() -> Response:
    """Take the studies feed."""
    services = current_services()
    return _take(
        "studies",
        parse_studies(_body(), services.infrastructure.pseudonymiser, LIMITS),
        services.registers.catalogue.upsert,
    )


@blueprint.post("/relationships/v1/edges")
@requires(Scope.CONTEXT_WRITE)
@operation(
    summary="Insert or replace relationships",
    tag="context",
    request=schemas.EdgeLine,
    request_media=MEDIA_TYPE,
    response=schemas.FeedAnswer,
)
def edges() -> Response:
    """Take the edges feed."""
    services = current_services()
    return _take(
        "edges",
        parse_edges(_body(), services.infrastructure.pseudonymiser, LIMITS),
        services.registers.relationships.upsert_edges,
    )


@blueprint.post("/relationships/v1/staff")
@requires(Scope.CONTEXT_WRITE)
@operation(
    summary="Insert or replace members of staff",
    tag="context",
    request=schemas.StaffLine,
    request_media=MEDIA_TYPE,
    response=schemas.FeedAnswer,
)
def staff() -> Response:
    """Take the staff feed."""
    services = current_services()
    return _take(
        "staff",
        parse_staff(_body(), services.infrastructure.pseudonymiser, LIMITS),
        services.registers.federation.upsert_staff,
    )


@blueprint.post("/relationships/v1/patients")
@requires(Scope.CONTEXT_WRITE)
@operation(
    summary="Insert or replace patients",
    tag="context",
    request=schemas.PatientLine,
    request_media=MEDIA_TYPE,
    response=schemas.FeedAnswer,
)
def patients() -> Response:
    """Take the patients feed."""
    services = current_services()
    parsed = parse_patients(_body(), services.infrastructure.pseudonymiser, services.infrastructure.clock.now(), LIMITS)
    return _take("patients", parsed, services.registers.relationships.upsert_patients)


def _body() -> bytes:
    if request.mimetype != MEDIA_TYPE:
        raise UnsupportedMediaType(f"The body must be {MEDIA_TYPE}.")
    return raw(BODY)


def _take(feed: str, parsed: Parsed[Row], upsert: Callable[[Session, Sequence[Row]], None]) -> Response:
    """Store the good rows, record each commit, and answer which lines were not taken."""
    services = current_services()
    now = services.infrastructure.clock.now()
    rejected = len(parsed.faults)
    for rows in chunks(parsed.rows, COMMIT) if parsed.rows else [()]:
        with services.infrastructure.database.transaction() as session:
            upsert(session, rows)
            record_change(services, session, now, {"feed": feed, "accepted": len(rows), "rejected": rejected})
        services.infrastructure.metrics.feed_lines_taken(feed=feed, outcome="accepted", count=len(rows))
        services.infrastructure.metrics.feed_lines_taken(feed=feed, outcome="rejected", count=rejected)
        rejected = 0
    return jsonify({"accepted": len(parsed.rows), "rejected": [asdict(fault) for fault in parsed.faults]})
