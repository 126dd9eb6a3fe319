"""The trusts' own OPAs: their bundles, status and decision logs.

``blueprints()`` names the endpoints of this audience.
"""

from flask import Blueprint

from governance.api.edges.opa import blueprint as opa


def blueprints() -> tuple[Blueprint, ...]:
    """Give the blueprints of this audience."""
    return (opa,)
