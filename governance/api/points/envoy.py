"""The endpoint that Envoy's ``ext_authz`` filter asks (HTTP service, ``path_prefix: /enforce/envoy``).

Envoy repeats the original request with its method, its path and query behind the prefix, its Host and its
Authorization, without the body. It understands 200 (forward), 5xx (its ``status_on_error``), and gives anything else to
the client as it is, body and allowed headers included. What the gateway alone knows is set by its configuration:
X-Enforcement-Point, X-Enforcement-Key, and X-Original-Origin, where its clients reach it (the Host header is whatever a
client wrote).

The server in front of us decodes the path; it is encoded again here. The reader of DICOMweb URLs decodes once, refuses
everything that then is not plain, and so reads the same.
"""

from urllib.parse import quote

from flask import Blueprint, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from werkzeug.routing import BaseConverter

from governance.api.points._admission import answer, archive_by_headers, credential
from governance.archives import Admission, Check
from governance.web import current_services, operation, public

blueprint = Blueprint("enforce_envoy", __name__)
_PREFIX = "/enforce/envoy"
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_PLAIN = "/:@!$&'()*+,;=~"  # what stands in a path unencoded (RFC 3986 section 3.3)


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
def envoy(original: str) -> ResponseReturnValue:
    """Answer 200, 401, 403 or 503 for the request that this one repeats."""
    return answer("envoy", lambda: _admit(f"/{original}"), 200)


def _admit(path: str) -> Admission:
    archive = archive_by_headers()
    encoded = quote(path, safe=_PLAIN)
    query = request.query_string.decode("latin-1")
    uri = f"{encoded}?{query}" if query else encoded
    found = credential(request.method, request.headers.get("X-Original-Origin", "") + encoded)
    return current_services().uses.enforcement.admit(archive, Check.of_url(request.method, uri, found))
