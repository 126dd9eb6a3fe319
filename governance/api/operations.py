"""Operations: liveness, readiness, metrics, and the API's own description."""

from flask import Blueprint, Response, current_app, json, jsonify, render_template_string, request
from pydantic import BaseModel

from governance.bootstrap.readiness import parts
from governance.vocabulary import Scope
from governance.web import current_services, operation, public, requires
from governance.web.openapi import build

blueprint = Blueprint("operations", __name__)


class Health(BaseModel):
    """Whether the process answers."""

    status: str


class Readiness(BaseModel):
    """Whether the service can do its work, and which part cannot; ``posture`` is the state it is in meanwhile."""

    ready: bool
    parts: dict[str, bool]
    posture: str


@blueprint.get("/healthz")
@public("a supervisor asks before anybody can sign in; it says only that the process runs")
@operation(summary="Say whether the process answers", tag="operations", response=Health)
def healthz() -> Response:
    """Answer while the process runs."""
    return jsonify(Health(status="ok").model_dump())


@blueprint.get("/readyz")
@public("a load balancer asks before it sends traffic; it names parts, never their content")
@operation(summary="Say whether decisions can be made and recorded", tag="operations", response=Readiness)
def readyz() -> Response:
    """Answer 200 when every part works, 503 with the same body when one does not."""
    services = current_services()
    found = parts(services.infrastructure, services.uses)
    ready = all(found.values())
    state = "deciding" if ready else "closed: what cannot be decided and recorded is denied"
    response = jsonify(Readiness(ready=ready, parts=found, posture=state).model_dump())
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
@operation(summary="This description", tag="operations")
def openapi() -> Response:
    """Give the OpenAPI 3.1 document."""
    document = build(current_app, current_services().infrastructure.settings.issuer)
    return Response(json.dumps(document), content_type="application/json")


@blueprint.get("/docs")
@public("the description of the API names no data")
@operation(summary="The description for people", tag="operations", response_media="text/html")
def docs() -> str:
    """Give the API's operations as one plain page."""
    document = build(current_app, current_services().infrastructure.settings.issuer)
    return render_template_string(_DOCS, document=document)


_DOCS = """<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>API of imaging governance</title></head>
<body><main><h1>API of imaging governance</h1>
<p>Version {{ document.info.version }}. The machine-readable form is at <a href="/openapi.json">/openapi.json</a>.</p>
<table><caption>Operations</caption>
<thead><tr><th scope="col">Method</th><th scope="col">Path</th>
<th scope="col">What it does</th><th scope="col">Scope</th></tr></thead>
<tbody>{% for path, methods in document.paths.items() %}{% for method, op in methods.items() %}
<tr><td>{{ method | upper }}</td><td><code>{{ path }}</code></td><td>{{ op.summary }}</td>
<td>{{ op.security[0].bearer[0] if op.security else "none" }}</td></tr>{% endfor %}{% endfor %}</tbody></table>
</main></body></html>"""
