"""Secrets of registered services (``client_secret_basic``, RFC 6749 section 2.3.1): hashed with scrypt (RFC 7914).

1. A secret is 32 characters or more, for a machine to keep: nobody remembers it, so nobody guesses it.
2. Only its hash is kept, with a salt of its own, in a form that names its cost, so that the cost can grow.
3. A service that is not known, or has no secret, costs as much as a wrong one.
4. A hash costs much on purpose, so a process makes one at a time and few wait for it. A secret that was right is
   remembered by a keyed digest, and costs nothing from then on: who sends wrong ones takes nothing from who proved a
   right one, nor from anybody who has no secret.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
import threading
from collections.abc import Callable
from urllib.parse import unquote_plus

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from governance.errors import TooManyRequests
from governance.lru import LruCache
from governance.tokens.errors import TokenFault, TokenRefused

MINIMUM, MAXIMUM = 32, 256  # characters
_N, _R, _P = 2**14, 8, 1  # RFC 7914 section 2: 16 MiB and some tens of milliseconds
_N_MAXIMUM = 2**20
_SALT = _LENGTH = 32  # bytes
IN_LINE = 4  # secrets of a process that are looked at or wait for that; the next is told to come again
_REMEMBERED = 1_000  # right secrets
_SECRET = re.compile(r"[\x21-\x7e]{32,256}")


def acceptable(secret: str) -> bool:
    """Say whether a secret may be registered: 32 to 256 printable ASCII characters without spaces, not all alike."""
    return _SECRET.fullmatch(secret) is not None and len(set(secret)) >= 8


def hash_secret(secret: str, salt: bytes | None = None) -> str:
    """Give what is kept of a secret: ``scrypt$n$r$p$salt$hash``."""
    salt = os.urandom(_SALT) if salt is None else salt
    derived = Scrypt(salt=salt, length=_LENGTH, n=_N, r=_R, p=_P).derive(secret.encode())
    return "$".join(["scrypt", str(_N), str(_R), str(_P), _text(salt), _text(derived)])


def matches(secret: str, kept: str | None) -> bool:
    """Say whether a secret is the one that was kept; compared in constant time, and None costs the same."""
    name, n, r, p, salt, expected = (kept or _NOBODY).split("$")
    if name != "scrypt" or int(n) > _N_MAXIMUM:
        return False
    kdf = Scrypt(salt=base64.b64decode(salt), length=_LENGTH, n=int(n), r=int(r), p=int(p))
    try:
        kdf.verify(secret.encode(), base64.b64decode(expected))
    except InvalidKey:
        return False
    return kept is not None


class SecretCheck:
    """Looks at secrets, one at a time, and remembers which were right (rule 4)."""

    def __init__(self) -> None:
        self._key = os.urandom(_LENGTH)
        self._right: LruCache[str, bytes] = LruCache(_REMEMBERED)
        self._line = threading.BoundedSemaphore(IN_LINE)
        self._turn = threading.Lock()

    def holds(self, client_id: str, secret: str, kept: str | None, pay: Callable[[], None]) -> bool:
        """Say whether a secret is the one that was kept of a client.

        Args:
            client_id: whom the secret is said to be of.
            secret: what was sent.
            kept: what is on file now; None without a secret, or without such a client.
            pay: is called before a secret is looked at that is not remembered; it may raise TooManyRequests.

        Raises:
            TooManyRequests: as many wait already as may.
        """
        digest = hmac.digest(self._key, f"{kept}\0{secret}".encode(), hashlib.sha256)
        if kept is not None and hmac.compare_digest(self._right.get(client_id, b""), digest):
            return True
        pay()
        if not self._line.acquire(blocking=False):
            raise TooManyRequests("rate.secrets", "Too many secrets are being looked at. Ask again.", retry_after=1)
        try:
            with self._turn:
                right = matches(secret, kept)
        finally:
            self._line.release()
        if right:
            self._right.put(client_id, digest)
        return right


def read_basic(credential: str) -> tuple[str, str]:
    """Take client id and secret out of HTTP Basic (RFC 7617), as RFC 6749 section 2.3.1 encodes them.

    Raises:
        TokenRefused: it is not that.
    """
    try:
        name, colon, secret = base64.b64decode(credential, validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        name = colon = secret = ""
    if not colon or not name or len(secret) > 3 * MAXIMUM:
        raise TokenRefused(TokenFault.MALFORMED, "The credential is not client id and secret as HTTP Basic has them.")
    return unquote_plus(name), unquote_plus(secret)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


_NOBODY = hash_secret("", bytes(_SALT))
