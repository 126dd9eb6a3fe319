"""Tokens that carry a few words to us past their bearer, good for one matter and no other.

A token is a body and an HMAC-SHA256 over it and over the matter it belongs to. It keeps no state here, and any process
of the service can read it. Its body can be read by whoever holds it, so nothing identifying goes into one.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

_TAG = 32  # bytes of HMAC-SHA256


class BoundTokens:
    """Reads and makes the tokens of one matter.

    Args:
        key_encryption_key: the service's own key; the tokens' key is derived from it.
        label: what the tokens are for; those of another label are none of ours.
        matter: everything the token must be presented with again, unchanged.
    """

    def __init__(self, key_encryption_key: bytes, label: bytes, matter: Mapping[str, Any]) -> None:
        self._key = hmac.digest(key_encryption_key, label, "sha256")
        self._digest = hashlib.sha256(json.dumps(matter, sort_keys=True).encode()).digest()

    def make(self, body: list[Any]) -> str:
        """Make the token that carries a body, base64url."""
        raw = json.dumps(body).encode()
        return base64.urlsafe_b64encode(self._tag(raw) + raw).rstrip(b"=").decode()

    def read(self, token: str) -> list[Any] | None:
        """Give the body of a token of ours for this matter; None for any other text."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return None
        tag, body = raw[:_TAG], raw[_TAG:]
        if not hmac.compare_digest(tag, self._tag(body)):
            return None
        read: list[Any] = json.loads(body)
        return read

    def _tag(self, body: bytes) -> bytes:
        return hmac.digest(self._key, self._digest + body, "sha256")
