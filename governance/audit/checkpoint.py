"""Checkpoints: the C2SP tlog-checkpoint text inside a C2SP signed note. Pure text, no keys and no input or output.

1. The text is three lines: origin, tree size in decimal, root hash in base64; each ends in a newline.
2. A note is the text, an empty line, then signature lines ``— <name> <base64(key id || signature)>``.
3. Only the text is signed. Signatures by unknown keys are ignored, never trusted: a note is nothing until
   ``signer.NoteVerifier`` has verified it.
4. Parsing is strict: leading zeroes, missing newlines, control characters and other alphabets are refused.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

ED25519 = b"\x01"
MAXIMUM_NOTE = 64_000  # characters; a note with 16 post-quantum signatures is still accepted
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_NAME = re.compile(r"[^\s+]+")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log at one size: origin, number of leaves, root hash (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Give the note text that is signed (tlog-checkpoint, section "Note text")."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: the key's name, its 4-byte id, and the signature bytes."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A parsed, not yet verified, note: the signed text, what it says, and its signatures."""

    text: str
    checkpoint: Checkpoint
    signatures: tuple[NoteSignature, ...]


def check_name(name: str) -> str:
    """Give back a key name or origin that a note can carry; raises ValueError for spaces, plus signs and empty text."""
    if not _NAME.fullmatch(name):
        raise ValueError("a key name is not empty and has neither spaces nor plus signs")
    return name


def key_id(name: str, public_key: bytes) -> bytes:
    """Give the 4-byte id of an Ed25519 key (signed-note, section "Ed25519 signatures")."""
    return sha256(name.encode() + b"\n" + ED25519 + public_key).digest()[:4]


def assemble(text: str, signatures: Sequence[NoteSignature]) -> str:
    """Give the signed note made of its text and signatures."""
    lines = [f"— {line.name} {base64.b64encode(line.key_id + line.signature).decode()}\n" for line in signatures]
    return f"{text}\n{''.join(lines)}"


def parse(note: str) -> SignedNote:
    """Take a signed note apart; raises ValueError when it is not a checkpoint note. Nothing is verified here."""
    if len(note) > MAXIMUM_NOTE or _CONTROL.search(note):
        raise ValueError("a note is short text without control characters")
    body, gap, tail = note.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise ValueError("a note is text, an empty line and signature lines, and ends in a newline")
    lines = body.split("\n")
    if len(lines) < 3 or not all(lines):
        raise ValueError("a checkpoint is at least three lines, none of them empty")
    if not _SIZE.fullmatch(lines[1]):
        raise ValueError("a tree size is decimal, without leading zeroes")
    checkpoint = Checkpoint(lines[0], int(lines[1]), decode_hash(lines[2]))
    signatures = tuple(_signature(line) for line in tail[:-1].split("\n"))
    return SignedNote(body + "\n", checkpoint, signatures)


def decode_hash(text: str) -> bytes:
    """Give the 32 bytes of a base64 hash line; raises ValueError for anything else."""
    digest = _decode(text)
    if len(digest) != _HASH_BYTES or base64.b64encode(digest).decode() != text:
        raise ValueError("a hash is 32 bytes in standard base64")
    return digest


def _signature(line: str) -> NoteSignature:
    dash, name, encoded = [*line.split(" "), "", "", ""][:3]
    raw = _decode(encoded)
    if dash != "—" or not _NAME.fullmatch(name) or len(raw) < 5 or line.count(" ") != 2:
        raise ValueError("a signature line is a dash, a key name and base64 of the key id and the signature")
    return NoteSignature(name, raw[:4], raw[4:])


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("the text is not standard base64") from None
