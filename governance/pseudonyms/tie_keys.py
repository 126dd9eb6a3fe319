"""Tie keys: how a trust says which patient somebody is without naming them, so that the words of two trusts compare.

A ``patient_key`` is HMAC-SHA-256 (RFC 2104) of the ten digits of an NHS number under a key that the region's trusts and
this service share. It is written as 64 hexadecimal characters or as base64 or base64url of the 32 bytes, with or
without the id of the tie key and a colon before it (``2026a:…``). While a key is rotated there are two, and what was
made under either compares.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping

from governance.vocabulary import is_nhs_number

_HASH = 32  # bytes
_HEX = re.compile(r"[0-9a-fA-F]{64}")
_PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}:")
_FORM = re.compile(r"k-[0-9a-f]{64}")


class TieKeys:
    """Makes the keys of patients.

    Args:
        keys: the tie keys in force, by their ids.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = tuple(keys[name] for name in sorted(keys))

    def keys_of(self, reference: str) -> tuple[str, ...]:
        """Give a patient's key ``k-…`` under each tie key; none of a reference that is no NHS number."""
        digits = reference.replace(" ", "")
        if not is_nhs_number(digits):
            return ()
        return tuple(f"k-{hmac.digest(key, digits.encode(), 'sha256').hex()}" for key in self._keys)


def read_patient_key(text: str) -> str | None:
    """Give a keyed hash as it is kept, ``k-…``; None for what has no form of one."""
    if _FORM.fullmatch(text):
        return text
    bare = _PREFIX.sub("", text, count=1)
    if _HEX.fullmatch(bare):
        return f"k-{bare.lower()}"
    try:
        found = base64.b64decode(bare.replace("-", "+").replace("_", "/") + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return f"k-{found.hex()}" if len(found) == _HASH else None


def is_patient_key(value: str | None) -> bool:
    """Say whether a value is a patient's key as it is kept, of whom nobody knows yet who that is."""
    return value is not None and _FORM.fullmatch(value) is not None
