"""The checker's own reading of signed notes (C2SP signed-note and tlog-checkpoint), written apart from the signer's."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

SignatureCheck = Callable[[bytes, bytes, bytes], bool]
"""Takes public key, signature and message; says whether the Ed25519 signature holds."""


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key whose checkpoints are believed: its name and its 32 public bytes."""

    name: str
    public_key: bytes

    @property
    def id(self) -> bytes:
        """Give the four bytes that announce this key on a signature line."""
        return sha256(self.name.encode() + b"\n\x01" + self.public_key).digest()[:4]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a verified checkpoint claims: the size of the log and the root over it, under the name of an origin."""

    size: int
    root: bytes
    origin: str = ""


def read_key(line: str) -> TrustedKey:
    """Read ``name+hex id+base64(0x01 || key)``; raises ValueError for another kind of key or an id that is not its."""
    name, key_id, encoded = [*line.strip().split("+", 2), "", ""][:3]
    raw = base64.b64decode(encoded, validate=True)
    if len(raw) != 33 or raw[0] != 1:
        raise ValueError("the key is not an Ed25519 key")
    key = TrustedKey(name, raw[1:])
    if key.id.hex() != key_id:
        raise ValueError("the key id does not fit the key")
    return key


def verified_claim(note: str, keys: Sequence[TrustedKey], holds: SignatureCheck) -> Claim:
    """Give what a checkpoint note claims once a trusted key's signature on it holds.

    Raises ValueError, in plain words, for a note that is malformed, unsigned or wrongly signed.
    """
    if not isinstance(note, str):
        raise ValueError("the checkpoint is malformed")  # noqa: TRY004  a column that was altered, not a caller's slip
    cut = note.rfind("\n\n")
    text, lines = note[: cut + 1], note[cut + 2 :].splitlines()
    body = text.split("\n")
    if cut < 0 or len(body) < 4 or not body[1].isdecimal():
        raise ValueError("the checkpoint is malformed")
    good = False
    for line in lines:
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        if dash != "—":
            raise ValueError("the checkpoint is malformed")
        raw = base64.b64decode(encoded)
        for key in keys:
            if (key.name, key.id) == (name, raw[:4]):
                if not holds(key.public_key, raw[4:], text.encode()):
                    raise ValueError("the signature of the checkpoint does not hold")
                good = True
    if good and body[0] not in {key.name for key in keys}:
        raise ValueError("the checkpoint is of another log")
    if not good:
        raise ValueError("the checkpoint is not signed by a trusted key")
    return Claim(int(body[1]), base64.b64decode(body[2]), body[0])
