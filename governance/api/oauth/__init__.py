"""OAuth: the token endpoint and what stands beside it.

``blueprints()`` names the endpoints of this audience.
"""

from flask import Blueprint

from governance.api.oauth.endpoints import blueprint as endpoints


def blueprints() -> tuple[Blueprint, ...]:
    """Give the blueprints of this audience."""
    return (endpoints,)
