"""OAuth: the token endpoint and those beside it (introspection, revocation, metadata, keys).

Rules:

1. Errors have the shape of RFC 6749 section 5.2, for OAuth clients read no other.
2. Every answer is ``no-store``; nothing is taken from the query string.
3. A client proves itself by one method in one request.

Example: ``POST /oauth/token`` with ``grant_type=client_credentials`` and a client assertion gives a token.
"""

from flask import Blueprint

from governance.api.oauth.endpoints import blueprint as endpoints


def blueprints() -> tuple[Blueprint, ...]:
    """Give the blueprints of this audience."""
    return (endpoints,)
