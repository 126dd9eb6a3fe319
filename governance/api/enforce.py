"""Doors for enforcement points that speak no API of ours. Here: nginx ``auth_request``.

nginx asks with a GET of a fixed URL and hands over the original request in headers that its configuration sets. It
understands 2xx (let through), 401 and 403 (refuse); anything else becomes a 500 for the client, which is closed too.
"""

import hmac

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from governance.enforcement import Check
from governance.errors import GovernanceError, Unauthenticated
from governance.federation import ServiceClient
from governance.tokens import Presentation
from governance.web import current_services, operation, public
from governance.web.enforcement_keys import enforcement_key
from governance.web.problems import problem_of

blueprint = Blueprint("enforce", __name__)
_DOOR = "nginx"


@blueprint.get("/enforce/nginx")
@public("the enforcement point proves itself with its own key in X-Enforcement-Key, checked before anything else")
@operation(summary="Admit a DICOMweb request (nginx auth_request)", tag="enforcement", status=204)
def nginx() -> ResponseReturnValue:
    """Answer 204, 401, 403 or 503 for the request described by X-Original-Method and X-Original-URI."""
    services = current_services()
    try:
        archive = _archive()
        admitted = services.enforcement.admit(archive, _check())
    except GovernanceError as error:
        response = problem_of(error)
        response.headers["X-Governance-Reason"] = error.reason
        services.metrics.enforced(door=_DOOR, status=response.status_code)
        return response
    services.metrics.enforced(door=_DOOR, status=204)
    headers = {"X-Governance-Decision": admitted.decision_id, "X-Governance-Log-Index": str(admitted.index)}
    return Response(status=204, headers=headers)


def _archive() -> ServiceClient:
    """Step 0: find the archive whose enforcement point asks, by its key; raises Unauthenticated."""
    services = current_services()
    client_id = request.headers.get("X-Enforcement-Point", "")
    given = request.headers.get("X-Enforcement-Key", "")
    expected = enforcement_key(services.settings.key_encryption_key, client_id)
    archive = services.enforcement.archive(client_id)
    if not hmac.compare_digest(given.encode(), expected.encode()) or archive is None:
        raise Unauthenticated("enforcement.key", "The enforcement point did not prove itself.")
    return archive


def _check() -> Check:
    """Read the original request and the credential that came with it."""
    method = request.headers.get("X-Original-Method", "")
    uri = request.headers.get("X-Original-URI", "")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    presentation = None
    if scheme.lower() == "dpop":
        url = request.headers.get("X-Original-URL", "")
        presentation = Presentation(scheme, tuple(request.headers.getlist("DPoP")), method, url)
    return Check(method, uri, token if scheme.lower() in {"bearer", "dpop"} else None, presentation)
