"""OPA as our client: bundles out, decision logs and statuses in (OPA's Bundle, Decision Log and Status APIs)."""

import re
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import UnsupportedMediaType

from governance.api.edges import opa_schemas as schemas
from governance.edges import DECISION_LOG
from governance.edges.bundle import MEDIA_TYPE
from governance.edges.edges import read_status
from governance.edges.log import entries_of
from governance.errors import Forbidden
from governance.intake import Sender
from governance.tokens.bundle_key import ALGORITHM
from governance.vocabulary import Scope
from governance.web import current_caller, current_services, operation, public, requires
from governance.web.body import inflated, json_value, parsed

blueprint = Blueprint("opa", __name__)
UPLOAD_MAXIMUM = 4 * 1024 * 1024  # bytes of an upload as sent; OPA sends 32 KiB unless configured otherwise
INFLATED_MAXIMUM = 32 * 1024 * 1024  # bytes of it unpacked
_WAIT = re.compile(r"(?:^|[;,])\s*wait\s*=\s*(\d{1,6})\s*(?=[;,]|$)")


class _Unchanged(Response):
    """A 304 that keeps its media type: OPA reads from it that the server knows long polling."""

    def get_wsgi_headers(self, environ: Any) -> Any:
        """Give the headers, the media type among them."""
        headers = super().get_wsgi_headers(environ)
        headers["Content-Type"] = MEDIA_TYPE
        return headers


@blueprint.get("/opa/v1/bundles/<name>.tar.gz")
@requires(Scope.BUNDLES_READ)
@operation(
    summary="A signed bundle, of the policy or of revocations, for an OPA",
    tag="opa",
    headers={
        "If-None-Match": "The ETag of the bundle that OPA has.",
        "Prefer": "modes=snapshot and wait=<seconds>: answer when it differs (RFC 7240).",
    },
    response_media=MEDIA_TYPE,
    also={304: ("OPA has this bundle.", None)},
)
def bundle(name: str) -> Response:
    """Give the bundle when it differs from If-None-Match, at once or within ``Prefer: wait``; else 304."""
    held = request.headers.get("If-None-Match")
    bundles = current_services().uses.bundles
    found = bundles.newer(name, held, _wait(), current_caller().id)
    if found is None:
        response: Response = _Unchanged(status=304)
        response.headers["ETag"] = held or ""
        return response
    response = Response(found.content, content_type=MEDIA_TYPE)
    response.headers["ETag"] = found.etag
    return response


@blueprint.get("/opa/v1/keys")
@public("public keys: every edge verifies bundles with them, and takes them up over a way it trusts")
@operation(summary="The public keys of bundles", tag="opa", response=schemas.VerificationKeys)
def keys() -> Response:
    """Give the key that signs bundles and the next one, as the ``keys`` of an OPA's configuration."""
    found = current_services().registers.bundle_keys.published()
    listed = {key.kid: schemas.VerificationKey(algorithm=ALGORITHM, key=key.public_pem) for key in found}
    return jsonify(schemas.VerificationKeys(keys=listed).model_dump())


@blueprint.post("/opa/v1/logs")
@requires(Scope.AUDIT_WRITE)
@operation(
    summary="Record the decisions of an OPA",
    tag="opa",
    request=schemas.DecisionLog,
    response=schemas.LogAnswer,
)
def logs() -> Response:
    """Answer 200 once every entry is recorded, or kept if it cannot be read; a bad entry never loses its neighbours."""
    upload, edge = _upload(), _edge()
    taken = current_services().uses.intake.take(DECISION_LOG, entries_of(upload), edge)
    return jsonify(schemas.answer_of(taken).model_dump())


@blueprint.post("/opa/v1/status")
@requires(Scope.AUDIT_WRITE)
@operation(summary="Keep the status of an OPA", tag="opa", request=schemas.Status, status=204)
def status() -> Response:
    """Answer 204 once the status is kept as the edge's last."""
    current_services().uses.edges.report(_edge().name, read_status(json_value(parts=True)))
    return Response(status=204)


@blueprint.get("/opa/v1/edges")
@requires(Scope.FEDERATION_READ)
@operation(summary="The edges and how far each is behind", tag="opa", response=schemas.EdgeList)
def edges() -> Response:
    """Give the edges of the caller's trust; of every trust to a region-wide caller."""
    services, ods = current_services(), current_caller().ods
    shown = [schemas.edge_of(state) for state in services.uses.edges.states() if ods is None or state.ods == ods]
    return jsonify(schemas.EdgeList(revision=services.uses.bundles.revision, edges=shown).model_dump())


def _wait() -> float:
    """Give the seconds of ``Prefer: …wait=<s>`` (RFC 7240 section 4.3, with OPA's semicolons); 0 without."""
    match = _WAIT.search(request.headers.get("Prefer", ""))
    return float(match[1]) if match else 0.0


def _edge() -> Sender:
    """Find the edge that calls: the registered client behind the token."""
    services, caller = current_services(), current_caller()
    with services.infrastructure.database.reading() as session:
        client = services.registers.federation.client(session, caller.id)
    if client is None or Scope.BUNDLES_READ.value not in client.scopes:
        raise Forbidden("edge.unknown", f"Only a client that holds {Scope.BUNDLES_READ.value} is an edge.")
    return Sender(client.client_id, client.ods)


def _upload() -> Any:
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "gzip":
        return parsed(inflated(UPLOAD_MAXIMUM, INFLATED_MAXIMUM), parts=True)
    if encoding != "identity":
        raise UnsupportedMediaType("The body's content encoding must be gzip or none.")
    return json_value(UPLOAD_MAXIMUM, parts=True)
