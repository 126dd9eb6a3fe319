"""Keyed pseudonyms: HMAC-SHA256 (RFC 2104) with a domain for each kind of identifier."""

import base64
import hashlib
import hmac
import re
from functools import lru_cache

KEY_MINIMUM = 32  # bytes
_LENGTH = 26  # base32 characters: 130 bits, so that a collision in a region's lifetime is not a concern
_ENOUGH = 20  # bytes of the digest that fill that many characters in whole base32 groups
CACHED = 8_192  # pseudonyms of a process: the people and studies of a busy hour, about 2 MB
_ORDINARY = 64  # characters of the longest UID (DICOM PS3.5 section 9.1); what is longer is not cached
_FORM = re.compile(r"[pst]-[a-z2-7]{26}")


def is_person(value: str) -> bool:
    """Say whether a value is the pseudonym of a patient or of a member of staff."""
    return _FORM.fullmatch(value) is not None and value[0] in "ps"


class Pseudonymiser:
    """Makes the same pseudonym of the same identifier, always, and lets nobody without the key go back.

    A value that already is a pseudonym of the asked kind passes unchanged, so feeds may speak either.

    One decision and its record ask for the same few pseudonyms many times, so the last :data:`CACHED` are kept with
    their identifiers: in this process's memory alone, beside the key that made them, and never written anywhere.

    Args:
        key: at least 32 random bytes; raises ValueError when shorter.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_MINIMUM:
            raise ValueError(f"a pseudonym key is at least {KEY_MINIMUM} bytes")
        self._keys = {
            domain: hmac.new(key, f"pseudonym/{domain}".encode(), hashlib.sha256).digest() for domain in "acpst"
        }
        self._cached = lru_cache(CACHED)(self._make)

    def patient(self, reference: str) -> str:
        """Give ``p-…`` of an NHS number (spaces ignored) or of a source's own patient reference."""
        return self._give("p", reference.replace(" ", ""))

    def subject(self, reference: str) -> str:
        """Give ``s-…`` of a user's or service's identifier."""
        return self._give("s", reference)

    def study(self, uid: str) -> str:
        """Give ``t-…`` of a study instance UID."""
        return self._give("t", uid)

    def address(self, reference: str) -> str:
        """Give ``a-…`` of a network address; nothing that somebody sends passes for one."""
        return self._give("a", reference)

    def client(self, reference: str) -> str:
        """Give ``c-…`` of the id of a client that nobody registered; nothing that somebody sends passes for one."""
        return self._give("c", reference)

    def _give(self, domain: str, value: str) -> str:
        return self._cached(domain, value) if len(value) <= _ORDINARY else self._make(domain, value)

    def _make(self, domain: str, value: str) -> str:
        if value.startswith(domain) and _FORM.fullmatch(value):
            return value
        digest = hmac.digest(self._keys[domain], value.encode(), "sha256")
        return f"{domain}-{base64.b32encode(digest[:_ENOUGH])[:_LENGTH].decode().lower()}"
