"""The endpoint that nginx's ``auth_request`` asks.

nginx asks with a GET of a fixed URL and hands over the original request in headers that its configuration sets. It
understands 2xx (let through), 401 and 403 (refuse); anything else becomes a 500 for the client, which is closed too.
"""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from governance.api.points._admission import answer, archive_by_headers, credential
from governance.archives import Admission, Check
from governance.web import current_services, operation, public

blueprint = Blueprint("enforce", __name__)


@blueprint.get("/enforce/nginx")
@public("the enforcement point proves itself with its own key in X-Enforcement-Key, checked before anything else")
@operation(
    summary="Admit a DICOMweb request (nginx auth_request)",
    tag="enforcement",
    headers={
        "X-Enforcement-Point": "The client id of the archive.",
        "X-Enforcement-Key": "The key of the archive's gateway.",
        "X-Original-Method": "The method of the request that nginx got.",
        "X-Original-URI": "Its path and query.",
        "X-Original-URL": "Its whole address, as a DPoP proof names it.",
        "Authorization": "The caller's access token.",
        "DPoP": "The caller's proof of possession, where the token is bound to a key.",
    },
    status=204,
)
def nginx() -> ResponseReturnValue:
    """Answer 204, 401, 403 or 503 for the request described by X-Original-Method and X-Original-URI."""
    return answer("nginx", _admit, 204)


def _admit() -> Admission:
    archive = archive_by_headers()
    method = request.headers.get("X-Original-Method", "")
    found = credential(method, request.headers.get("X-Original-URL", ""))
    check = Check.of_url(method, request.headers.get("X-Original-URI", ""), found)
    return current_services().uses.enforcement.admit(archive, check)
