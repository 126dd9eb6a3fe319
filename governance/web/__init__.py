"""Web: what every HTTP endpoint shares, and nothing of what any of them does.

Rules of this room:

1. One map turns an error into a status and a problem document (RFC 9457); anything unmapped is an opaque 500.
2. Every route says who may call it, with :func:`requires` or :func:`public`; one that says nothing is refused at start.
3. Every API route describes itself with :func:`operation`; ``/openapi.json`` is built from that and from nothing else.
4. No error, header or log line repeats what the caller sent.

Example: ``@requires(Scope.AUDIT_READ)`` above a view opens it to callers that hold the scope, and to nobody else.
"""

from governance.web.authentication import Caller, current_caller, public, requires, subject_of
from governance.web.client_credentials import client_caller
from governance.web.openapi import operation
from governance.web.services import current_services

__all__ = [
    "Caller",
    "client_caller",
    "current_caller",
    "current_services",
    "operation",
    "public",
    "requires",
    "subject_of",
]
