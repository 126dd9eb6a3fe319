"""What a client may discover about the token endpoints (RFC 8414, with RFC 9396, RFC 9449 and IHE IUA ITI-103).

``response_types_supported`` is REQUIRED by RFC 8414 section 2, and an empty array is forbidden by section 3.2. There is
no authorization endpoint here, so the registered value ``none`` is given: no token ever comes from one.
"""

from collections.abc import Sequence

from governance.tokens import client_authentication, dpop
from governance.tokens.access import STUDY_TYPE
from governance.tokens.exchange_request import GRANT_TYPE
from governance.vocabulary import Scope

TOKEN_PATH = "/oauth/token"
INTROSPECTION_PATH = "/oauth/introspect"
REVOCATION_PATH = "/oauth/revoke"
JWKS_PATH = "/.well-known/jwks.json"


def server_metadata(issuer: str, client_methods: Sequence[str]) -> dict[str, object]:
    """Give the authorization server metadata of an issuer whose clients authenticate so (RFC 8414 section 2)."""
    methods = list(client_methods)
    algorithms = list(client_authentication.ALGORITHMS)
    return {
        "issuer": issuer,
        "token_endpoint": issuer + TOKEN_PATH,
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint": issuer + INTROSPECTION_PATH,
        "introspection_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint": issuer + REVOCATION_PATH,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "jwks_uri": issuer + JWKS_PATH,
        "grant_types_supported": ["client_credentials", GRANT_TYPE],
        "response_types_supported": ["none"],
        "scopes_supported": [scope.value for scope in Scope],
        "authorization_details_types_supported": [STUDY_TYPE],
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
        "access_token_format": "ihe-jwt",
    }
