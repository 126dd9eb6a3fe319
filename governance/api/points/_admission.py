"""What the endpoints of every enforcement point share: who asks, with which credential, and how an answer is written.

1. Step 0: an enforcement point proves itself with the key of its archive before anything else is looked at. An attempt
   without it leaves its trail, counted: anybody may make as many as they like.
2. A credential is read in one place; a bound token needs the original URL, which only the gateway can vouch for.
3. A refusal carries its reason in ``X-Governance-Reason``, an admission its decision and its place in the log.
"""

import hmac
from collections.abc import Callable

from flask import Response, g, request

from governance.archives import Admission, Credential
from governance.errors import GovernanceError, Unauthenticated
from governance.federation import ServiceClient
from governance.tokens import Presentation
from governance.vocabulary import EventKind
from governance.web import current_services
from governance.web.enforcement_keys import enforcement_key
from governance.web.problems import problem_of
from governance.web.refusals import note


def archive_by_headers() -> ServiceClient:
    """Find the archive whose gateway asks, by X-Enforcement-Point and X-Enforcement-Key; raises Unauthenticated."""
    return archive_of(request.headers.get("X-Enforcement-Point", ""), request.headers.get("X-Enforcement-Key", ""))


def archive_of(client_id: str, given: str) -> ServiceClient:
    """Find the archive whose enforcement point gives its client id and key (step 0); raises Unauthenticated."""
    services = current_services()
    secret = services.infrastructure.settings.key_encryption_key.get_secret_value()
    archive, key = services.uses.enforcement.archive_and_key(client_id)
    expected = enforcement_key(secret, client_id, key.generation)
    if not hmac.compare_digest(given.encode(), expected.encode()) or archive is None or not key.in_force:
        note(EventKind.NODE_AUTH, "enforcement.key", claimed=client_id or None)
        raise Unauthenticated("enforcement.key", "The enforcement point did not prove itself.")
    g.client = archive
    return archive


def credential(method: str, url: str) -> Credential:
    """Read the credential of the original request, whose Authorization and DPoP headers came on.

    Args:
        method: of the original request.
        url: where its client sent it, as the gateway knows it; a proof of possession must name it (RFC 9449).
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "dpop":
        return Credential(token, Presentation(scheme, tuple(request.headers.getlist("DPoP")), method, url))
    return Credential(token if scheme.lower() == "bearer" else None)


def answer(endpoint: str, admit: Callable[[], Admission], status: int) -> Response:
    """Ask, and answer ``status`` for an admission, 401, 403 or 503 for a refusal; counted under the endpoint's name."""
    metrics = current_services().infrastructure.metrics
    try:
        admitted = admit()
    except GovernanceError as error:
        response = problem_of(error)
        response.headers["X-Governance-Reason"] = error.reason
        metrics.enforced(endpoint=endpoint, status=response.status_code)
        return response
    metrics.enforced(endpoint=endpoint, status=status)
    headers = {"X-Governance-Decision": admitted.decision_id, "X-Governance-Log-Index": str(admitted.index)}
    return Response(status=status, headers=headers)
