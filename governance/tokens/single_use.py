"""One-time identifiers: a ``jti`` is good once, whoever presents it second.

1. An identifier is named by its use and its owner (client or key), so two clients may choose the same ``jti``.
2. Only a SHA-256 digest is stored, until the token it came from could no longer be accepted: its expiry plus the
   clock leeway (claims.LEEWAY).
3. Taking it is one atomic insert in the caller's write transaction: two requests cannot both win, on any worker.
"""

import hashlib
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from governance.tokens import _store
from governance.tokens.claims import LEEWAY
from governance.tokens.errors import TokenFault, TokenRefused


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
    until = datetime.fromtimestamp(int(expires_at), UTC) + timedelta(seconds=LEEWAY + 1)
    if not _store.use_once(session, digest, until):
        raise TokenRefused(TokenFault.REPLAYED, "This token was presented before; make a new one for each request.")
