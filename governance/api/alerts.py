"""Alerts: list them, read one, review it, and follow them as they change (server-sent events).

A caller of a trust sees the alerts that concern their trust; nobody sees or reviews an alert about themselves.
"""

from collections.abc import Iterator

from flask import Blueprint, Response, jsonify, request

from governance.alerts import AlertQuery, AlertStream, Notice, Viewer
from governance.api import alerts_schemas as schemas
from governance.errors import Fault, InvalidInput
from governance.federation import Registered
from governance.vocabulary import Scope
from governance.web import current_caller, current_services, operation, requires
from governance.web.body import query as read_query
from governance.web.body import validated

blueprint = Blueprint("alerts", __name__)
STREAM = "text/event-stream"
_LAST_WORD = ": this is the end; go on after the last id\n\n"  # without it a stream broke off
_LONGEST_ID = 18  # digits
_CLOSED = {409: "Somebody closed it already."}
_SPOKEN = {409: "It is closed, or your trust has given its verdict."}


@blueprint.get("/alerts/v1/alerts")
@requires(Scope.ALERTS_READ)
@operation(summary="List alerts", tag="alerts", query=schemas.AlertsQuery, response=schemas.AlertsPage)
def alerts() -> Response:
    """Give a page of alerts, newest first."""
    asked = read_query(schemas.AlertsQuery)
    query = AlertQuery(
        kind=asked.kind,
        state=asked.state,
        to_review=asked.review is not None,
        awaiting=asked.awaiting,
        severity=asked.severity,
        rule=asked.rule,
        ods=asked.ods,
        subject=asked.subject,
        patient=asked.patient,
        before=asked.cursor,
    )
    page = current_services().uses.alerts.list(viewer(), query, asked.limit)
    answer = schemas.AlertsPage(alerts=[schemas.view_of(each) for each in page.alerts], cursor=page.next_before)
    return _answer(answer)


@blueprint.get("/alerts/v1/alerts/<alert_id>")
@requires(Scope.ALERTS_READ)
@operation(summary="Read one alert", tag="alerts", response=schemas.AlertView)
def alert(alert_id: str) -> Response:
    """Give one alert with its evidence, its history, and what explains each of its events."""
    return _answer(schemas.view_of(*current_services().uses.alerts.whole(viewer(), alert_id)))


@blueprint.post("/alerts/v1/alerts/<alert_id>/assign")
@requires(Scope.ALERTS_REVIEW)
@operation(
    summary="Put somebody in charge of an alert",
    tag="alerts",
    request=schemas.Assignment,
    response=schemas.AlertView,
    refusals=_CLOSED,
)
def assign(alert_id: str) -> Response:
    """Assign an alert; a new one is under investigation from here on."""
    services, asked = current_services(), validated(schemas.Assignment)
    assignee = services.infrastructure.pseudonymiser.subject(asked.assignee) if asked.assignee else current_caller().id
    return _answer(schemas.view_of(services.uses.alerts.assign(viewer(), alert_id, assignee)))


@blueprint.post("/alerts/v1/alerts/<alert_id>/comment")
@requires(Scope.ALERTS_REVIEW)
@operation(
    summary="Add words to an alert's history",
    tag="alerts",
    request=schemas.Comment,
    response=schemas.AlertView,
    example={"comment": "Asked the line manager."},
)
def comment(alert_id: str) -> Response:
    """Comment on an alert."""
    asked = validated(schemas.Comment)
    return _answer(schemas.view_of(current_services().uses.alerts.comment(viewer(), alert_id, asked.comment)))


@blueprint.post("/alerts/v1/alerts/<alert_id>/close")
@requires(Scope.ALERTS_REVIEW)
@operation(
    summary="Give your trust's verdict on an alert; as the region, close it for all",
    tag="alerts",
    request=schemas.Closing,
    response=schemas.AlertView,
    refusals=_SPOKEN,
    example={"verdict": "justified", "reason": "The patient was referred that morning; the referral came late."},
)
def close(alert_id: str) -> Response:
    """Give a verdict; the alert closes once nobody else's is wanted. A trust that speaks twice gets a conflict."""
    asked = validated(schemas.Closing)
    closed = current_services().uses.alerts.close(viewer(), alert_id, asked.verdict, asked.reason, asked.capacity)
    return _answer(schemas.view_of(closed))


@blueprint.get("/alerts/v1/stream")
@requires(Scope.ALERTS_READ)
@operation(
    summary="Follow alerts as they change (server-sent events)",
    tag="alerts",
    headers={"Last-Event-ID": "The id of the last message seen: the stream goes on after it."},
    response_media=STREAM,
)
def stream() -> Response:
    """Send changes as they are committed, from now or after ``Last-Event-ID``; ends now and then, and is resumed."""
    services, reader = current_services(), viewer()
    began = services.infrastructure.clock.now()

    def admits() -> bool:
        with services.infrastructure.database.reading() as session:
            return services.registers.federation.admits(session, began, (Registered.CLIENT, reader.id))

    opened = services.uses.alerts.streams.open(reader, _last_event_id(), admits)
    response = Response(_messages(opened), content_type=f"{STREAM}; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx must pass each message on at once
    response.call_on_close(opened.close)
    return response


def viewer() -> Viewer:
    """Give the caller of this request as a viewer of alerts."""
    caller = current_caller()
    return Viewer(caller.id, caller.ods, caller.kind == "person")


def message(notice: Notice | None) -> str:
    """Write one message of the stream (WHATWG HTML section 9.2); None is a comment that keeps the line open.

    Its event is the kind, ``alert`` or ``notice``, so that a reader may listen to one alone.
    """
    if notice is None:
        return ": still here\n\n"
    view = schemas.NoticeView(change=notice.change, told=notice.told, alert=schemas.view_of(notice.alert))
    return f"id: {notice.sequence}\nevent: {notice.alert.kind.value}\ndata: {view.model_dump_json()}\n\n"


def _messages(opened: AlertStream) -> Iterator[str]:
    yield "retry: 2000\n\n"
    for notice in opened:
        yield message(notice)
    yield _LAST_WORD


def _last_event_id() -> int | None:
    text = request.headers.get("Last-Event-ID")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID):
        raise InvalidInput([Fault("Last-Event-ID", "is the id of a message of this stream")])
    return int(text)


def _answer(model: schemas.AlertsPage | schemas.AlertView) -> Response:
    return jsonify(model.model_dump(mode="json"))
