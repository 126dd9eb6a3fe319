"""Operations: liveness, readiness, metrics, and the API's own description."""

from flask import Blueprint, Response, current_app, json, jsonify, request
from pydantic import BaseModel, ConfigDict

from governance.api.parameters import GROUPS, PARAMETERS
from governance.bootstrap.readiness import SAID_ONLY, UNKNOWN_HISTORY, detection_pace, history, parts
from governance.detection import Pace
from governance.vocabulary import Scope
from governance.web import current_services, operation, public, requires
from governance.web.openapi import build
from governance.web.openapi.page import STYLE, page

blueprint = Blueprint("operations", __name__)
_DESCRIPTION = "api-description"


class Health(BaseModel):
    """Whether the process answers and has all its threads."""

    status: str


class OpenApi(BaseModel):
    """An OpenAPI 3.1 document."""

    model_config = ConfigDict(extra="allow")

    openapi: str


class Readiness(BaseModel):
    """Whether the service can do its work, and which part cannot; ``posture`` is the state it is in meanwhile.

    ``detection`` says how the reading of the log comes along, None when the database does not tell. It is no part:
    decisions are made and recorded without it.
    ``log_history`` is said only: a log that was tampered with still takes records, and images are needed.
    ``history`` says how far the check of the whole log is.
    """

    ready: bool
    parts: dict[str, bool]
    posture: str
    detection: Pace | None
    history: str


@blueprint.get("/healthz")
@public("a supervisor asks before anybody can sign in; it says only that the process runs")
@operation(
    summary="Say whether the process answers",
    tag="operations",
    response=Health,
    also={503: ("The process lost a thread that it cannot be without, and is about to end.", Health)},
)
def healthz() -> Response:
    """Answer 200 while the process runs, 503 once it lost a thread that it cannot be without and is about to end."""
    lost = current_services().infrastructure.vital.dead
    response = jsonify(Health(status="a thread is lost" if lost else "ok").model_dump())
    response.status_code = 503 if lost else 200
    return response


@blueprint.get("/readyz")
@public("a load balancer asks before it sends traffic; it names parts, never their content")
@operation(
    summary="Say whether decisions can be made and recorded",
    tag="operations",
    response=Readiness,
    also={503: ("A part does not work.", Readiness)},
)
def readyz() -> Response:
    """Answer 200 when every part works that deciding and recording need, 503 with the same body when one does not."""
    services = current_services()
    found = parts(services.infrastructure, services.uses)
    ready = all(works for name, works in found.items() if name not in SAID_ONLY)
    state = "deciding" if ready else "closed: what cannot be decided and recorded is denied"
    pace = detection_pace(services.infrastructure, services.uses) if found["database"] else None
    said = history(services.infrastructure) if found["database"] else UNKNOWN_HISTORY
    response = jsonify(Readiness(ready=ready, parts=found, posture=state, detection=pace, history=said).model_dump())
    response.status_code = 200 if ready else 503
    return response


@blueprint.get("/metrics")
@requires(Scope.METRICS_READ)
@operation(summary="Prometheus metrics", tag="operations", response_media="text/plain")
def metrics() -> Response:
    """Give the metrics in the exposition format the scraper accepts."""
    body, content_type = current_services().infrastructure.metrics.render(request.headers.get("Accept", ""))
    return Response(body, content_type=content_type)


@blueprint.get("/openapi.json")
@public("the description of the API names no data")
@operation(summary="This description", tag="operations", response=OpenApi)
def openapi() -> Response:
    """Give the OpenAPI 3.1 document."""
    return Response(_made("json"), content_type="application/json")


@blueprint.get("/docs")
@public("the description of the API names no data")
@operation(summary="The description for people", tag="operations", response_media="text/html")
def docs() -> str:
    """Give the API's operations as one page: parameters, bodies, examples and errors, grouped by who asks."""
    return _made("page")


@blueprint.get("/docs/page.css")
@public("how the description looks names no data")
@operation(summary="The style of the description for people", tag="operations", response_media="text/css")
def docs_style() -> Response:
    """Give the page's style sheet."""
    return Response(STYLE, content_type="text/css; charset=utf-8")


def _made(form: str) -> str:
    """Give the description in one of its forms; both are made when the first is asked for, and kept."""
    made: dict[str, str] | None = current_app.extensions.get(_DESCRIPTION)
    if made is None:
        document = build(current_app, current_services().infrastructure.settings.issuer, PARAMETERS, GROUPS)
        made = current_app.extensions[_DESCRIPTION] = {"json": json.dumps(document), "page": page(document)}
    return made[form]
