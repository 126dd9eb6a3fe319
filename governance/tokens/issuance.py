"""Minting access tokens (RFC 9068) and signing metadata: ES256 under the key that signs now."""

from collections.abc import Callable, Mapping
from datetime import datetime

from governance.tokens import _jose, access
from governance.tokens.access import AccessGrant, MintedToken
from governance.tokens.keys import KeyRing

_METADATA_TYPE = "JWT"


class Issuer:
    """Signs access tokens and metadata.

    Args:
        issuer: the ``iss`` of every token, a URL.
        keys: the signing keys.
        new_id: makes a fresh token id.
    """

    def __init__(self, issuer: str, keys: KeyRing, new_id: Callable[[], str]) -> None:
        self._issuer = issuer
        self._keys = keys
        self._new_id = new_id

    def mint(self, grant: AccessGrant, now: datetime) -> MintedToken:
        """Sign a token for the grant; its lifetime is cut to what the grant's kind allows."""
        jti = grant.jti or self._new_id()
        key = self._keys.current(now)
        claims = access.claims_of(grant, self._issuer, jti, int(now.timestamp()))
        token = _jose.sign(claims, key.private, {"typ": access.MEDIA_TYPE, "kid": key.kid})
        return MintedToken(token, jti, grant.lifetime)

    def sign_metadata(self, claims: Mapping[str, object], now: datetime) -> str:
        """Sign metadata; its ``typ`` keeps it from ever passing for an access token."""
        key = self._keys.current(now)
        stated = {**claims, "iss": self._issuer, "iat": int(now.timestamp())}
        return _jose.sign(stated, key.private, {"typ": _METADATA_TYPE, "kid": key.kid})
