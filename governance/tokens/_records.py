"""What this room writes into the audit log: that a token was issued or revoked, by its id, never the token."""

from collections.abc import Mapping
from datetime import datetime

from governance.audit.event import Authority, Event, JsonValue, Source, Subject
from governance.federation import ServiceClient
from governance.tokens.access import AccessClaims
from governance.vocabulary import EventKind, Outcome


def issued(
    source: Source, event_id: str, now: datetime, client: ServiceClient, jti: str, scopes: frozenset[str]
) -> Event:
    """Record that a client got a token for this service's own API."""
    detail: dict[str, JsonValue] = {"act": "issue", "grant": "client_credentials", "scope": " ".join(sorted(scopes))}
    return _event(source, event_id, now, client, Authority(token_jti=jti), detail)


def revoked(source: Source, event_id: str, now: datetime, client: ServiceClient, claims: AccessClaims) -> Event:
    """Record that a client revoked one of its tokens."""
    agreement = claims.agreement.id if claims.agreement else None
    return _event(
        source, event_id, now, client, Authority(claims.decision_id, claims.jti, agreement), {"act": "revoke"}
    )


def _event(
    source: Source,
    event_id: str,
    now: datetime,
    client: ServiceClient,
    authority: Authority,
    detail: Mapping[str, JsonValue],
) -> Event:
    return Event(
        id=event_id,
        time=now,
        source=source,
        kind=EventKind.TOKEN,
        outcome=Outcome.SUCCESS,
        subject=Subject(client.client_id, client.kind, ods=client.ods),
        authority=authority,
        detail=detail,
    )
