"""Audit in: native events as NDJSON or a JSON array."""

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import UnsupportedMediaType

from governance.api.audit import schemas
from governance.api.audit.event_schemas import NativeEvent
from governance.audit import Event
from governance.errors import GovernanceError, InvalidInput
from governance.feeds import in_one_line
from governance.formats import Context, event_items, event_lines, parse_event, parse_line
from governance.intake import Carrier, Intake, Sender, Taken
from governance.vocabulary import Scope
from governance.web import current_caller, current_services, operation, requires
from governance.web.body import json_value, raw

blueprint = Blueprint("audit_in", __name__)
BODY_MAXIMUM = 16 * 1024 * 1024  # bytes of one body
NDJSON = "application/x-ndjson"
_FORMAT = "native"
_EXAMPLE = (
    '{"id": "pacs-4711", "time": "2026-11-03T09:30:00Z", "source": {"id": "pacs-rrk", "ods": "RRK"}, '
    '"kind": "access", "outcome": "success", "subject": {"id": "radiologist.rkb", "type": "practitioner", '
    '"role": "consultant_radiologist", "ods": "RKB"}, "purpose": "TREAT", "resource": {"study_uid": '
    '"1.2.826.0.1.3680043.10.1999.1.1", "patient": "9990000018", "modality": "CT", "custodian": "RRK"}}\n'
)


@blueprint.post("/audit/v1/events")
@requires(Scope.AUDIT_WRITE)
@operation(
    summary="Record native audit events, one a line",
    tag="audit",
    request=NativeEvent,
    request_media=NDJSON,
    request_also=("application/json",),
    response=schemas.IngestAnswer,
    example=_EXAMPLE,
)
def record() -> Response:
    """Answer 200 once every accepted event is durable and in order; a bad line never loses its neighbours."""
    caller = current_caller()
    taken = _taken(current_services().uses.intake, Sender(caller.id, caller.ods))
    return jsonify(schemas.ingested(taken).model_dump())


def _taken(intake: Intake, sender: Sender) -> Taken:
    if request.mimetype == NDJSON:
        return intake.take(LINES, event_lines(raw(BODY_MAXIMUM)), sender)
    if request.mimetype == "application/json":
        return intake.take(ITEMS, event_items(json_value(BODY_MAXIMUM, parts=True)), sender)
    raise UnsupportedMediaType(f"The body must be {NDJSON} or application/json.")


def _read_line(line: bytes, _sender: Sender, context: Context) -> tuple[Event, ...]:
    return (parse_line(line, context.now),)


def _read_item(item: object, _sender: Sender, context: Context) -> tuple[Event, ...]:
    return (parse_event(item, context.now),)


def _line_reason(_line: bytes, error: GovernanceError) -> str:
    return in_one_line(error.faults) if isinstance(error, InvalidInput) else error.detail


LINES = Carrier(_FORMAT, _read_line, reason=_line_reason)
ITEMS = Carrier(_FORMAT, _read_item)
