"""What introspection returns of a token, and to whom (RFC 7662, IHE IUA ITI-102).

1. Only the archive a token is addressed to, or a client with the scope ``tokens.introspect``, learns that it is active.
2. Everybody else, and everything not active, gets ``{"active": false}`` and nothing more (section 2.2).
3. The actor, the binding, the authorization details and the agreement are returned as they are in the token: a resource
   server that only introspects must be able to enforce as strictly as one that verifies.
"""

from governance.federation import ServiceClient
from governance.tokens.access import AccessClaims
from governance.vocabulary import Scope

INACTIVE: dict[str, object] = {"active": False}


def may_learn(claims: AccessClaims, client: ServiceClient) -> bool:
    """Say whether the client may learn about the token (rule 1)."""
    return Scope.TOKENS_INTROSPECT.value in client.scopes or client.token_audience == claims.audience


def describe(claims: AccessClaims) -> dict[str, object]:
    """Give the introspection response of an active token (RFC 7662 section 2.2)."""
    return {
        **claims.claims,
        "active": True,
        "token_type": "DPoP" if claims.confirmation else "Bearer",
    }
