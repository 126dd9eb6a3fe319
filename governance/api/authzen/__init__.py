"""AuthZEN: one question, pages of them, searches and access requests, the network's and a tenant's alike.

``blueprints()`` names the endpoints of this audience.
"""

from flask import Blueprint

from governance.api.authzen.access_requests import blueprint as access_requests
from governance.api.authzen.evaluate import blueprint as evaluate
from governance.api.authzen.search import blueprint as search
from governance.api.authzen.tenants import blueprint as tenants


def blueprints() -> tuple[Blueprint, ...]:
    """Give the blueprints of this audience."""
    return (access_requests, evaluate, search, tenants)
