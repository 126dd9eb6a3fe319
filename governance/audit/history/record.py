"""One record of a signing: what was signed, when, and after what. Pure bytes, no keys.

1. What is signed of a record is :meth:`SigningRecord.message`. It begins with a NUL, which no note can hold (C2SP
   signed-note refuses control characters), so neither signature can stand for the other.
2. The chain is made of :meth:`SigningRecord.digest`, over the record and its signature: each record names that of the
   one before, so the newest signature vouches for all.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from governance.storage import to_microseconds

DOMAIN = b"\x00imaging-governance log signing v1\n"
FIRST = bytes(32)  # the hash before the first record


@dataclass(frozen=True, slots=True)
class SigningRecord:
    """One signing: its place in the chain, the head that was signed, the hash of the note, the record before, when."""

    number: int
    origin: str
    size: int
    root: bytes
    note_hash: bytes
    previous: bytes
    signed_at: datetime

    def message(self) -> bytes:
        """Give the bytes that are signed: the domain, then one line a field."""
        hashes = (base64.b64encode(value).decode() for value in (self.root, self.note_hash, self.previous))
        lines = (str(self.number), self.origin, str(self.size), *hashes, str(to_microseconds(self.signed_at)))
        return DOMAIN + "".join(f"{line}\n" for line in lines).encode()

    def digest(self, signature: bytes) -> bytes:
        """Give the hash that the next record names: of these bytes and their signature."""
        return sha256(self.message() + signature).digest()


def hash_note(note: str) -> bytes:
    """Give the hash of a note as a record names it: of the whole note, its signatures too."""
    return sha256(note.encode()).digest()
