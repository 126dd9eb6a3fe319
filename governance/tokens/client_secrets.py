"""Secrets of registered services (``client_secret_basic``, RFC 6749 section 2.3.1): hashed with scrypt (RFC 7914).

1. A secret is 32 characters or more, for a machine to keep: nobody remembers it, so nobody guesses it.
2. Only its hash is kept, with a salt of its own, in a form that names its cost, so that the cost can grow.
3. A service that is not known, or has no secret, costs as much as a wrong one.
"""

import base64
import binascii
import os
import re
from urllib.parse import unquote_plus

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from governance.tokens.errors import TokenFault, TokenRefused

MINIMUM, MAXIMUM = 32, 256  # characters
_N, _R, _P = 2**14, 8, 1  # RFC 7914 section 2: 16 MiB and some tens of milliseconds
_N_MAXIMUM = 2**20
_SALT = _LENGTH = 32  # bytes
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
