"""What this room writes into the audit log: that a token was issued or revoked, by its id, never the token."""

from datetime import datetime

from governance.audit import Facts
from governance.audit.event import Authority, Subject
from governance.federation import ServiceClient
from governance.tokens.access import AccessClaims


def issued(now: datetime, client: ServiceClient, jti: str, scopes: frozenset[str]) -> Facts:
    """Say that a client got a token for this service's own API."""
    return Facts(
        time=now,
        subject=_subject(client),
        authority=Authority(token_jti=jti),
        detail={"act": "issue", "grant": "client_credentials", "scope": " ".join(sorted(scopes))},
    )


def revoked(now: datetime, client: ServiceClient, claims: AccessClaims) -> Facts:
    """Say that a client revoked one of its tokens."""
    agreement = claims.agreement.id if claims.agreement else None
    return Facts(
        time=now,
        subject=_subject(client),
        authority=Authority(claims.decision_id, claims.jti, agreement),
        detail={"act": "revoke"},
    )


def _subject(client: ServiceClient) -> Subject:
    return Subject(client.client_id, client.kind, ods=client.ods)
