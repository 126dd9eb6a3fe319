"""Audit in: native events as NDJSON or a JSON array."""

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import UnsupportedMediaType

from governance.api.audit import schemas
from governance.audit import Event
from governance.bootstrap import Services
from governance.feeds import LineFault, Parsed
from governance.formats import parse_items, parse_lines
from governance.intake.tally import tally
from governance.vocabulary import Scope
from governance.web import current_caller, current_services, operation, requires
from governance.web.body import json_value, raw

blueprint = Blueprint("audit_in", __name__)
BODY_MAXIMUM = 16 * 1024 * 1024  # bytes of one body
NDJSON = "application/x-ndjson"
_FORMAT = "native"


@blueprint.post("/audit/v1/events")
@requires(Scope.AUDIT_WRITE)
@operation(
    summary="Record native audit events, one a line",
    tag="audit",
    response=schemas.IngestAnswer,
    request_media=NDJSON,
)
def record() -> Response:
    """Answer 200 once every accepted event is durable and in order; a bad line never loses its neighbours."""
    services, caller = current_services(), current_caller()
    parsed = _parsed(services)
    faults = list(parsed.faults)
    taken: list[tuple[int, Event]] = []
    for number, event in zip(parsed.numbers, parsed.rows, strict=True):
        if caller.ods is not None and event.source.ods != caller.ods:
            faults.append(LineFault(number, "/source/ods: this caller reports for its own trust only"))
        else:
            taken.append((number, event))
    return _answer(services, taken, faults)


def _parsed(services: Services) -> Parsed[Event]:
    now = services.infrastructure.clock.now()
    if request.mimetype == NDJSON:
        return parse_lines(raw(BODY_MAXIMUM), now)
    if request.mimetype == "application/json":
        return parse_items(json_value(BODY_MAXIMUM), now)
    raise UnsupportedMediaType(f"The body must be {NDJSON} or application/json.")


def _answer(services: Services, taken: list[tuple[int, Event]], faults: list[LineFault]) -> Response:
    receipts = services.infrastructure.audit.append([event for _, event in taken])
    faults += [
        LineFault(number, receipt.refused)
        for (number, _), receipt in zip(taken, receipts, strict=True)
        if receipt.refused is not None
    ]
    counted = tally(receipts)
    counts = {"accepted": counted.accepted, "duplicate": counted.duplicates, "rejected": len(faults)}
    for result, count in counts.items():
        if count:
            services.infrastructure.metrics.events_taken(format_name=_FORMAT, result=result, count=count)
    faults.sort(key=lambda fault: fault.line)
    answer = schemas.IngestAnswer(
        accepted=counted.accepted,
        duplicates=counted.duplicates,
        rejected=[schemas.Rejected(line=fault.line, reason=fault.reason) for fault in faults],
        first_index=counted.first_index,
        last_index=counted.last_index,
    )
    return jsonify(answer.model_dump())
