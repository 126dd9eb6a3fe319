"""Verifying our own access tokens (RFC 9068 section 4).

1. ``typ`` is ``at+jwt``: an ID token or a proof, even one of ours, is not an access token.
2. The algorithm is ES256, the key one we publish now, chosen by ``kid`` among ours only.
3. The signature.
4. Issuer, one audience, expiry, issue time, and the shape of the rest (access.table).
5. Not revoked: this is :mod:`governance.tokens.revocation`'s, and the caller checks it.
6. Bound to a key: whoever takes the token from a request checks the proof (dpop.py), :meth:`TokenService.verify_access`
   does it.

Steps 1 to 3 say the same of the same bytes as long as the key is published, so what passed them is cached by its
digest. Step 4 says the same within one second, which is all that its checks see of the time. Steps 5 and 6 are done
each time.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.lru import LruCache
from governance.tokens import _jose, access
from governance.tokens.access import AccessClaims
from governance.tokens.claims import report
from governance.tokens.errors import TokenFault, TokenRefused, token_of
from governance.tokens.keys import KeyRing

ALGORITHMS = frozenset({"ES256"})
_CACHED = 4096  # tokens presented last whose signature was found good; some megabytes


@dataclass(slots=True)
class _Signed:
    """A token that passed steps 1 to 3; ``passed`` is how it last passed step 4: for whom, in which second, as what.

    One value, put there at once: threads share it.
    """

    kid: str
    claims: Mapping[str, Any]
    passed: tuple[str | None, int, AccessClaims] | None = None


class AccessVerifier:
    """Verifies tokens of one issuer with its own keys."""

    def __init__(self, issuer: str, keys: KeyRing) -> None:
        self._issuer = issuer
        self._keys = keys
        self._known: LruCache[bytes, _Signed] = LruCache(_CACHED)  # by the digest of the token

    def verify(self, token: str, audience: str | None, now: datetime) -> AccessClaims:
        """Take a compact token and give its claims (steps 1 to 4).

        Args:
            token: what was presented.
            audience: who must be addressed; None when the caller compares it.
            now: the one instant of this use case.

        Raises:
            TokenRefused: which check failed.
        """
        signed, second = self._signed(token, now), int(now.timestamp())
        passed = signed.passed
        if passed is None or passed[:2] != (audience, second):
            with token_of(signed.claims.get("client_id")):
                report("access_token", access.table(self._issuer, audience).verify(signed.claims, second))  # step 4
                passed = signed.passed = audience, second, access.read(signed.claims, signed.kid)
        return passed[2]

    def _signed(self, token: str, now: datetime) -> _Signed:
        """Give a token that passes steps 1 to 3."""
        published = self._keys.published(now)
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None and any(key.kid == known.kid for key in published):
            return known
        unverified = _jose.parse(token)
        if unverified.media_type != access.MEDIA_TYPE:  # step 1
            raise TokenRefused(TokenFault.TYPE, "The token is not an access token.")
        if unverified.kid is None:
            raise TokenRefused(TokenFault.KEY, "The token does not name its key.")
        key = _jose.select_key([key.public_jwk for key in published], unverified, ALGORITHMS)  # step 2
        claims = _jose.verify(unverified, key)  # step 3
        made = _Signed(unverified.kid, claims)
        self._known.put(digest, made)
        return made
