"""Why a token is refused, and the errors OAuth defines for saying so."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from governance.errors import GovernanceError, Unauthenticated


class TokenFault(StrEnum):
    """What is wrong with a token, ``token.detail``; for the log and the tests, never a hint about keys or targets."""

    ALGORITHM = "token.algorithm"
    AUDIENCE = "token.audience"
    BINDING = "token.binding"
    CLAIM = "token.claim"
    CLAIM_MISSING = "token.claim_missing"
    CLIENT = "token.client"
    CRITICAL_HEADER = "token.critical_header"
    DELEGATED = "token.delegated"
    EXPIRED = "token.expired"
    ISSUED_AT = "token.issued_at"
    ISSUER = "token.issuer"
    KEY = "token.key"
    LIFETIME = "token.lifetime"
    MALFORMED = "token.malformed"
    NOT_YET_VALID = "token.not_yet_valid"
    NUMBER = "token.number"
    ORGANISATION = "token.organisation"
    REPLAYED = "token.replayed"
    REVOKED = "token.revoked"
    ROLE = "token.role"
    SIGNATURE = "token.signature"
    TARGET = "token.target"
    TYPE = "token.type"


class TokenRefused(Unauthenticated):
    """A token that must not be believed; ``fault`` says which check it failed, ``detail`` says it in words.

    ``client_id`` is whose token it is where its signature, ours, holds; it is for our own log and does not go out.
    """

    client_id: str | None = None

    def __init__(self, fault: TokenFault, detail: str) -> None:
        super().__init__(fault.value, detail)
        self.fault = fault


@contextmanager
def token_of(client_id: object) -> Iterator[None]:
    """Say of a token that is refused within the block whose it is: its signature was found good."""
    try:
        yield
    except TokenRefused as error:
        error.client_id = client_id if isinstance(client_id, str) else None
        raise


class OAuthErrorCode(StrEnum):
    """Error codes of the token endpoints: RFC 6749 5.2, RFC 8693 2.2.2, RFC 9396 5, RFC 9449 5."""

    ACCESS_DENIED = "access_denied"
    INVALID_AUTHORIZATION_DETAILS = "invalid_authorization_details"
    INVALID_CLIENT = "invalid_client"
    INVALID_DPOP_PROOF = "invalid_dpop_proof"
    INVALID_GRANT = "invalid_grant"
    INVALID_REQUEST = "invalid_request"
    INVALID_SCOPE = "invalid_scope"
    INVALID_TARGET = "invalid_target"
    SERVER_ERROR = "server_error"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    UNSUPPORTED_TOKEN_TYPE = "unsupported_token_type"


class OAuthError(GovernanceError):
    """An answer of the token endpoints that says no (RFC 6749 section 5.2).

    Args:
        error: the registered code that goes out.
        description: a sentence for the developer of the client; never names a target, a study or a person.
        status: the HTTP status, 401 only for ``invalid_client``.
        cause: the precise fault, for our own log and metrics; it does not go out.
    """

    def __init__(
        self, error: OAuthErrorCode | str, description: str, status: int = 400, cause: str | None = None
    ) -> None:
        super().__init__(str(error), description)
        self.error = str(error)
        self.description = description
        self.status = status
        self.cause = cause
