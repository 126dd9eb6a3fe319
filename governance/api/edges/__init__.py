"""The trusts' own OPAs: their bundles, status and decision logs (OPA's management APIs).

Rules:

1. An edge is the registered client behind the token: what it sends is recorded as its own.
2. An upload is answered once every entry is recorded or kept; a bad entry costs its neighbours nothing.

Example: ``GET /opa/v1/bundles/imaging.tar.gz`` with ``Prefer: wait=30`` gives the bundle as soon as it differs.
"""

from flask import Blueprint

from governance.api.edges.opa import blueprint as opa


def blueprints() -> tuple[Blueprint, ...]:
    """Give the blueprints of this audience."""
    return (opa,)
