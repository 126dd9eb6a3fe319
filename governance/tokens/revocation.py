"""Tokens that die before their time (RFC 7009), one by one or with their agreement.

1. A revoked token id stays on the list until the token would have expired anyway.
2. Revoking an agreement kills every token that names it and was issued in or before that second; a token issued after
   the agreement is active again is good.
3. A token dies with the client it was issued to, and with the person it is about and their issuer: while one of them
   is suspended or deleted, and for good when it was issued up to their ``not_before``, or to the network's, which a
   restore moves: nobody knows then which were issued, or revoked.
4. A token dies with the key that signed it.
5. Only the client a token was issued to may revoke it. Whatever is presented, the answer is the same: RFC 7009
   section 2.2 lets nobody probe for tokens.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from governance.federation import FederationDirectory, Registered, person_name
from governance.tokens import _store
from governance.tokens.access import API_SECONDS, AccessClaims
from governance.tokens.errors import TokenFault, TokenRefused

LEEWAY = 60  # seconds by which clocks may differ
EVERY_SECOND = 2**53 - 1  # later than any: the largest integer that every reader of JSON keeps


@dataclass(frozen=True, slots=True)
class Revoked:
    """What is dead before its time, for whoever verifies tokens without asking us.

    ``tokens`` are ids with when each no longer matters, ``agreements`` those that ever left the policy. ``ended`` has,
    by the name of what a token rests on, the last second of issue that is dead (rules 3 and 4), for as long as a token
    issued then may live: ``client ID``, ``identity_provider ISSUER``, ``person NAMES PSEUDONYM``, ``key KID``, ``*``.
    """

    tokens: Mapping[str, datetime] = field(default_factory=dict)
    agreements: frozenset[str] = frozenset()
    ended: Mapping[str, int] = field(default_factory=dict)


def revoked(session: Session, now: datetime, federation: FederationDirectory) -> Revoked:
    """Give all that is dead before its time."""
    tokens, agreements = _store.revoked(session)
    since = now - timedelta(seconds=API_SECONDS + LEEWAY)
    ended = {f"key {kid}": EVERY_SECOND for kid in _store.withdrawn_keys(session, since)}
    for one in federation.ended_since(session, since):
        if one.not_before is not None:
            name = "*" if one.kind is Registered.NETWORK else f"{one.kind.value} {one.name}"
            ended[name] = int(one.not_before.timestamp()) if one.in_force else EVERY_SECOND
    return Revoked(tokens, agreements, ended)


def revoke_token(session: Session, jti: str, expires_at: int, now: datetime) -> bool:
    """Put a token on the list; False when it was there. ``expires_at`` is its ``exp``, seconds since 1970."""
    return _store.revoke_token(session, jti, now, datetime.fromtimestamp(expires_at + LEEWAY, UTC))


def revoke_agreement(session: Session, agreement_id: str, now: datetime) -> None:
    """Kill every token issued under the agreement so far (rule 2)."""
    _store.revoke_agreement(session, agreement_id, now)


def check(session: Session, claims: AccessClaims, federation: FederationDirectory) -> None:
    """Refuse a token that was revoked, or whose agreement was, or whom it rests on; raises TokenRefused."""
    agreement = claims.agreement.id if claims.agreement is not None else None
    revoked, until = _store.revocations(session, claims.jti, agreement, claims.kid)
    if revoked:
        raise TokenRefused(TokenFault.REVOKED, "The token was revoked, or its key withdrawn.")
    if until is not None and claims.issued_at <= int(until.timestamp()):
        raise TokenRefused(TokenFault.REVOKED, "What the token stands on was suspended or ended.")
    if not federation.admits(session, datetime.fromtimestamp(claims.issued_at, UTC), *_rests_on(claims)):
        raise TokenRefused(TokenFault.REVOKED, "Whom the token rests on was suspended or ended.")


def _rests_on(claims: AccessClaims) -> list[tuple[Registered, str]]:
    """Name the registrations that a token rests on (rule 3)."""
    found = [(Registered.CLIENT, claims.client_id)]
    if claims.subject_issuer is not None:
        found.append((Registered.IDENTITY_PROVIDER, claims.subject_issuer))
        named_by = claims.named_by or claims.ods or claims.subject_issuer
        found.append((Registered.PERSON, person_name(named_by, claims.subject)))
    return found
