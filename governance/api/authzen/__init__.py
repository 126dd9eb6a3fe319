"""AuthZEN: one question, pages of them, searches and access requests, the network's and a tenant's alike.

Rules:

1. A denial is an answer (200); an error is a question that could not be understood, decided or recorded.
2. What is found by a search can be sent back in an evaluation as it is.
3. Members that AuthZEN lets callers add are ignored; in an evaluation a code that is not known is a fault.

Example: ``POST /access/v1/evaluation`` with subject, action, resource and context gives ``{"decision": ...}``.
"""

from flask import Blueprint

from governance.api.authzen.access_requests import blueprint as access_requests
from governance.api.authzen.evaluate import blueprint as evaluate
from governance.api.authzen.search import blueprint as search
from governance.api.authzen.tenants import blueprint as tenants


def blueprints() -> tuple[Blueprint, ...]:
    """Give the blueprints of this audience."""
    return (access_requests, evaluate, search, tenants)
