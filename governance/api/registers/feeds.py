"""Context feeds: studies, relationships, staff and patients, as upserts: newline-delimited JSON, or a JSON array.

What a feed does is in :mod:`governance.registers.feeds`; each endpoint takes a body of ``BODY`` bytes at most.
"""

from dataclasses import asdict

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import UnsupportedMediaType

from governance.api.registers import examples
from governance.api.registers import feed_schemas as schemas
from governance.api.registers._writer import current_writer
from governance.feeds import lines_of
from governance.registers import Taken
from governance.vocabulary import Scope
from governance.web import current_services, operation, requires
from governance.web.body import raw

blueprint = Blueprint("context", __name__)

MEDIA_TYPE = "application/x-ndjson"
JSON = "application/json"
BODY = 16 * 1024 * 1024  # bytes in one call


@blueprint.post("/catalogue/v1/studies")
@requires(Scope.CONTEXT_WRITE)
@operation(
    summary="Put studies on file, or add to those on file",
    tag="context",
    request=schemas.StudyLine,
    request_media=MEDIA_TYPE,
    request_also=(JSON,),
    response=schemas.FeedAnswer,
    example=examples.STUDY,
)
def studies() -> Response:
    """Take the studies feed."""
    return _answer(current_services().uses.feeds.studies(current_writer(), _body()))


@blueprint.post("/relationships/v1/edges")
@requires(Scope.CONTEXT_WRITE)
@operation(
    summary="Insert or replace relationships",
    tag="context",
    request=schemas.EdgeLine,
    request_media=MEDIA_TYPE,
    request_also=(JSON,),
    response=schemas.FeedAnswer,
    example=examples.EDGE,
)
def edges() -> Response:
    """Take the edges feed."""
    return _answer(current_services().uses.feeds.edges(current_writer(), _body()))


@blueprint.post("/relationships/v1/staff")
@requires(Scope.CONTEXT_WRITE)
@operation(
    summary="Insert or replace members of staff",
    tag="context",
    request=schemas.StaffLine,
    request_media=MEDIA_TYPE,
    request_also=(JSON,),
    response=schemas.FeedAnswer,
    example=examples.STAFF,
)
def staff() -> Response:
    """Take the staff feed."""
    return _answer(current_services().uses.feeds.staff(current_writer(), _body()))


@blueprint.post("/relationships/v1/patients")
@requires(Scope.CONTEXT_WRITE)
@operation(
    summary="Insert or replace what a trust says of patients",
    tag="context",
    request=schemas.PatientLine,
    request_media=MEDIA_TYPE,
    request_also=(JSON,),
    response=schemas.FeedAnswer,
    example=examples.PATIENT,
)
def patients() -> Response:
    """Take the patients feed."""
    return _answer(current_services().uses.feeds.patients(current_writer(), _body()))


def _body() -> bytes:
    if request.mimetype == MEDIA_TYPE:
        return raw(BODY)
    if request.mimetype == JSON:
        return lines_of(raw(BODY))
    raise UnsupportedMediaType(f"The body must be {MEDIA_TYPE} or {JSON}.")


def _answer(taken: Taken) -> Response:
    """Say how many lines were taken, which were not, and which do not count yet."""
    body: dict[str, object] = {"accepted": taken.accepted, "rejected": [asdict(fault) for fault in taken.rejected]}
    if taken.waiting:
        body["waiting"] = [asdict(line) for line in taken.waiting]
    return jsonify(body)
