"""The endpoint that Envoy's ``ext_authz`` filter asks (HTTP service, ``path_prefix: /enforce/envoy``).

Envoy repeats the original request with its method, its path and query behind the prefix, its Host and its
Authorization, without the body. It understands 200 (forward), 5xx (its ``status_on_error``), and gives anything else to
the client as it is, body and allowed headers included. What the gateway alone knows is set by its configuration:
X-Enforcement-Point, X-Enforcement-Key, and X-Original-Origin, where its clients reach it (the Host header is whatever a
client wrote).

The path is read as it was sent, before the server in front of us decodes it. The reader of DICOMweb URLs decodes once
and refuses everything that then is not plain.
"""

from flask import Blueprint, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from werkzeug.routing import BaseConverter

from governance.api.points._admission import answer, archive_by_headers, credential
from governance.archives import Admission, Check
from governance.web import current_services, operation, public
from governance.web.addresses import sent_path

blueprint = Blueprint("enforce_envoy", __name__)
_PREFIX = "/enforce/envoy"
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


class _Anything(BaseConverter):
    """The rest of a path, whatever it is: an odd one is a refusal to be recorded, not a page that is not there."""

    regex = ".*"
    part_isolating = False


@blueprint.record
def _convert(state: BlueprintSetupState) -> None:
    state.app.url_map.converters["anything"] = _Anything


@blueprint.route(
    f"{_PREFIX}/<anything:original>", methods=_METHODS, provide_automatic_options=False, merge_slashes=False
)
@public("the enforcement point proves itself with its own key in X-Enforcement-Key, checked before anything else")
@operation(summary="Admit a DICOMweb request (Envoy ext_authz)", tag="enforcement")
def envoy(original: str) -> ResponseReturnValue:  # noqa: ARG001 - read as it was sent
    """Answer 200, 401, 403 or 503 for the request that this one repeats."""
    return answer("envoy", _admit, 200)


def _admit() -> Admission:
    archive = archive_by_headers()
    encoded = sent_path().removeprefix(_PREFIX)
    query = request.query_string.decode("latin-1")
    uri = f"{encoded}?{query}" if query else encoded
    found = credential(request.method, request.headers.get("X-Original-Origin", "") + encoded)
    return current_services().uses.enforcement.admit(archive, Check.of_url(request.method, uri, found))
