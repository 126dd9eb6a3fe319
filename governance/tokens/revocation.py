"""Tokens that die before their time (RFC 7009), one by one or with their agreement.

1. A revoked token id stays on the list until the token would have expired anyway.
2. Revoking an agreement kills every token that names it and was issued in or before that second; a token issued after
   the agreement is active again is good.
3. After a restore every token of before is dead, whatever it names: nobody knows which were issued, or revoked.
4. Only the client a token was issued to may revoke it. Whatever is presented, the answer is the same: RFC 7009
   section 2.2 lets nobody probe for tokens.
"""

from datetime import UTC, datetime

from sqlmodel import Session

from governance.tokens import _store
from governance.tokens.access import AccessClaims
from governance.tokens.errors import TokenFault, TokenRefused


def revoke_token(session: Session, jti: str, expires_at: int, now: datetime) -> bool:
    """Put a token on the list; False when it was there. ``expires_at`` is its ``exp``, seconds since 1970."""
    return _store.revoke_token(session, jti, now, datetime.fromtimestamp(expires_at + 60, UTC))


def revoke_agreement(session: Session, agreement_id: str, now: datetime) -> None:
    """Kill every token issued under the agreement so far (rule 2)."""
    _store.revoke_agreement(session, agreement_id, now)


def revoke_all(session: Session, now: datetime) -> None:
    """Kill every token issued so far (rule 3)."""
    _store.revoke_all(session, now)


def check(session: Session, claims: AccessClaims) -> None:
    """Refuse a token that was revoked, or whose agreement was; raises TokenRefused."""
    agreement = claims.agreement.id if claims.agreement is not None else None
    revoked, until = _store.revocations(session, claims.jti, agreement)
    if revoked:
        raise TokenRefused(TokenFault.REVOKED, "The token was revoked.")
    if until is not None and claims.issued_at <= int(until.timestamp()):
        raise TokenRefused(TokenFault.REVOKED, "What the token stands on was suspended or ended.")
