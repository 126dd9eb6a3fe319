"""One-time identifiers: a ``jti`` is good once, whoever presents it second; an identity token is good for one client.

1. An identifier is named by its use and its owner (client or key), so two clients may choose the same ``jti``.
2. Only a SHA-256 digest is stored, until the token it came from could no longer be accepted: its expiry plus the
   clock leeway (claims.LEEWAY).
3. Taking it is one atomic insert in the caller's write transaction: two requests cannot both win, on any worker.
4. An identity token is bound to the client that uses it first: two digests, the token's and the token's with its
   client's. Whoever finds the first and not the second is another client. What names a token is what was signed of it,
   for a signature can be written in two ways. A client that may not ask about the person without the token binds
   nothing: whoever picked up another trust's token does not take it from that trust's own clients.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from governance.tokens import _store
from governance.tokens.claims import LEEWAY
from governance.tokens.errors import TokenFault, TokenRefused


@dataclass(frozen=True, slots=True)
class UsedToken:
    """An identity token as its uses name it: the bytes that were signed, and when it expires (seconds since 1970)."""

    signed: bytes
    expires_at: float


def use_once(session: Session, use: str, owner: str, jti: str, expires_at: float) -> None:
    """Use up an identifier.

    Args:
        session: a write transaction.
        use: what it is an identifier of, such as ``client_assertion``.
        owner: the client id or key thumbprint within which it is unique.
        jti: the identifier.
        expires_at: seconds since 1970 after which its token is refused anyway.

    Raises:
        TokenRefused: it was used before.
    """
    digest = hashlib.sha256(f"{use}\0{owner}\0{jti}".encode()).digest()
    if not _store.use_once(session, digest, _until(expires_at)):
        raise TokenRefused(TokenFault.REPLAYED, "This token was presented before; make a new one for each request.")


def bound(session: Session, token: UsedToken, client_id: str) -> bool:
    """Say whether a client used this identity token before.

    Raises:
        TokenRefused: another client did.
    """
    used, own = _digests(token, client_id)
    known = _store.used(session, (used, own))
    if own in known:
        return True
    if used in known:
        raise TokenRefused(TokenFault.REPLAYED, "The identity token is in use by another client.")
    return False


def bind(session: Session, token: UsedToken, client_id: str) -> None:
    """Bind an identity token to the client that uses it first.

    Args:
        session: a write transaction.
        token: the token, verified.
        client_id: the client that presents it.

    Raises:
        TokenRefused: another client used it before.
    """
    used, own = _digests(token, client_id)
    if _store.use_once(session, used, _until(token.expires_at)):
        _store.use_once(session, own, _until(token.expires_at))
    else:
        bound(session, token, client_id)


def _digests(token: UsedToken, client_id: str) -> tuple[bytes, bytes]:
    used = hashlib.sha256(b"identity_token\0" + token.signed).digest()
    return used, hashlib.sha256(used + client_id.encode()).digest()


def _until(expires_at: float) -> datetime:
    return datetime.fromtimestamp(int(expires_at), UTC) + timedelta(seconds=LEEWAY + 1)
