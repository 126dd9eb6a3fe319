"""Verifying our own access tokens (RFC 9068 section 4).

1. ``typ`` is ``at+jwt``: an ID token or a proof, even one of ours, is not an access token.
2. The algorithm is ES256, the key one we publish now, chosen by ``kid`` among ours only.
3. The signature.
4. Issuer, one audience, expiry, issue time, and the shape of the rest (access.table).
5. Not revoked: this is :class:`governance.tokens.revocation.RevocationList`'s, and the caller owes it.
6. Bound to a key: whoever takes the token from a request owes the proof (dpop.py), :meth:`TokenService.verify_access`
   does it.

Steps 1 to 3 say the same of the same bytes as long as the key is published, so what passed them is remembered by its
digest; steps 4 to 6 are done each time.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from governance.tokens import _jose, access
from governance.tokens.access import AccessClaims
from governance.tokens.claims import report
from governance.tokens.errors import TokenFault, TokenRefused
from governance.tokens.keys import KeyRing

ALGORITHMS = frozenset({"ES256"})
_REMEMBERED = 4096  # tokens whose signature was found good; some megabytes


class AccessVerifier:
    """Verifies tokens of one issuer with its own keys."""

    def __init__(self, issuer: str, keys: KeyRing) -> None:
        self._issuer = issuer
        self._keys = keys
        self._signed: dict[bytes, tuple[str, Mapping[str, Any]]] = {}  # digest of a token -> key id, claims

    def verify(self, token: str, audience: str | None, now: datetime) -> AccessClaims:
        """Take a compact token and give its claims (steps 1 to 4).

        Args:
            token: what was presented.
            audience: who must be addressed; None when the caller compares it.
            now: the one instant of this use case.

        Raises:
            TokenRefused: which check failed.
        """
        claims = self._claims(token, now)
        report("access_token", access.table(self._issuer, audience).verify(claims, int(now.timestamp())))  # step 4
        return access.read(claims)

    def _claims(self, token: str, now: datetime) -> Mapping[str, Any]:
        """Give the claims of a token that passes steps 1 to 3."""
        published = [key.public_jwk for key in self._keys.published(now)]
        digest = hashlib.sha256(token.encode()).digest()
        kid, claims = self._signed.get(digest, ("", {}))
        if any(key["kid"] == kid for key in published):
            return claims
        unverified = _jose.parse(token)
        if unverified.media_type != access.MEDIA_TYPE:  # step 1
            raise TokenRefused(TokenFault.TYPE, "The token is not an access token.")
        if unverified.kid is None:
            raise TokenRefused(TokenFault.KEY, "The token does not name its key.")
        key = _jose.select_key(published, unverified, ALGORITHMS)  # step 2
        claims = _jose.verify(unverified, key)  # step 3
        if len(self._signed) >= _REMEMBERED:
            self._signed.clear()
        self._signed[digest] = (unverified.kid, claims)
        return claims
