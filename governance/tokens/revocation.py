"""Tokens that die before their time (RFC 7009), one by one or with their agreement.

1. A revoked token id stays on the list until the token would have expired anyway.
2. Revoking an agreement kills every token that names it and was issued in or before that second; a token issued after
   the agreement is active again is good.
3. After a restore every token of before is dead, whatever it names: nobody knows which were issued, or revoked.
4. A token dies with the client it was issued to, and with the account and the issuer of the person it is about: while
   one of them is suspended or deleted, and for good when it was issued up to their ``not_before``.
5. A token dies with the key that signed it.
6. Only the client a token was issued to may revoke it. Whatever is presented, the answer is the same: RFC 7009
   section 2.2 lets nobody probe for tokens.
"""

from datetime import UTC, datetime

from sqlmodel import Session

from governance.federation import FederationDirectory, Registered, person_name
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
    """Name the registrations that a token rests on (rule 4)."""
    found = [(Registered.CLIENT, claims.client_id)]
    if claims.subject_issuer is not None:
        found.append((Registered.IDENTITY_PROVIDER, claims.subject_issuer))
        found.append((Registered.PERSON, person_name(claims.subject_issuer, claims.subject)))
    return found
