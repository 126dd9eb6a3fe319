"""Openings: what shows an outsider that one sealed field of an entry is what somebody says it is.

1. Beside its envelopes an entry carries, for each field in them, SHA-256(domain || name || 0x00 || salt || value), in
   base64 without padding.
2. Each field has a salt of 16 random bytes of its own, kept inside the envelope. Without it a commitment tells nothing:
   the ten digits of an NHS number cannot be tried. With the owner's key the salts are gone for good.
3. An opening is the name, the salt and the value of one field. It shows that field, and nothing of any other.
4. Entries of before have no commitments: there is nothing to open in them.
"""

from __future__ import annotations

import base64
import json
from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass, fields
from hashlib import sha256

from governance.audit.event import Identity

SALT = 16  # bytes
_DOMAIN = b"imaging-governance/sealed-field/v1\x00"
_PREFIXES = {each.name: _DOMAIN + each.name.encode() + b"\x00" for each in fields(Identity)}


@dataclass(frozen=True, slots=True)
class Opening:
    """One opened field of the entry at ``index``: what it says, and the salt that its commitment was made with."""

    index: int
    field: str
    salt: bytes
    value: str

    def text(self) -> str:
        """Give the opening as the file that is handed to an outsider, beside the entry and its proof: one JSON line."""
        salt = base64.b64encode(self.salt).decode()
        return json.dumps({"field": self.field, "index": self.index, "salt": salt, "value": self.value}) + "\n"


def commit(values: Mapping[str, str], salts: bytes, committed: dict[str, str]) -> None:
    """Put the commitments to the fields of one envelope among those of its entry, by name, as entries write them.

    Args:
        values: the fields.
        salts: :data:`SALT` random bytes for each, in the order of the names, used for nothing else.
        committed: the commitments of the entry.
    """
    at = 0
    for name in sorted(values):
        value = values[name].encode("utf-8", "surrogatepass")
        digest = sha256(_PREFIXES[name] + salts[at : at + SALT] + value).digest()
        committed[name] = b2a_base64(digest, newline=False)[:-1].decode()
        at += SALT


def opening(index: int, values: Mapping[str, str], salts: bytes, field: str) -> Opening:
    """Open one field of what an envelope of the entry at an index holds, salts beside it."""
    at = sorted(values).index(field) * SALT
    return Opening(index, field, salts[at : at + SALT], values[field])
