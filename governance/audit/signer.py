"""The signing key of the log: Ed25519 (RFC 8032) over C2SP signed notes. The only user of cryptography in this room.

1. The private key stays inside ``NoteSigner`` and has no representation.
2. A note counts only when a known key (same name and same id) has a valid signature on it; a bad signature by a known
   key refuses the whole note, signatures by unknown keys are ignored.
3. ``ed25519_valid`` is what the independent checker is handed, so that it shares no code with the writer.
"""

from __future__ import annotations

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from governance.audit import checkpoint
from governance.audit.checkpoint import Checkpoint, NoteSignature


class NoteSigner:
    """Signs checkpoints under one key name, which by convention is the log's origin."""

    __slots__ = ("_private_key", "key_id", "name", "public_key")

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        """Take the key's name and the key; raises ValueError when a note cannot carry the name."""
        self.name = checkpoint.check_name(name)
        self._private_key = private_key
        self.public_key = private_key.public_key().public_bytes_raw()
        self.key_id = checkpoint.key_id(name, self.public_key)

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> NoteSigner:
        """Make a signer from the 32 secret bytes of RFC 8032; raises ValueError for any other length."""
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    def sign(self, text: str) -> str:
        """Give the signed note of a note text, which must end in a newline."""
        if not text.endswith("\n"):
            raise ValueError("a note text ends in a newline")
        signature = self._private_key.sign(text.encode())
        return checkpoint.assemble(text, [NoteSignature(self.name, self.key_id, signature)])

    def sign_record(self, message: bytes) -> bytes:
        """Sign the record of a signing; it begins with a NUL (ValueError otherwise), so it is never a note's text."""
        if not message.startswith(b"\x00"):
            raise ValueError("a record of a signing begins with its domain")
        return self._private_key.sign(message)

    def record_holds(self, message: bytes, signature: bytes) -> bool:
        """Say whether a record of a signing was signed by this key."""
        return ed25519_valid(self.public_key, signature, message)

    def verifier_key(self) -> str:
        """Give the public key as one line to hand to verifiers: ``name+hex key id+base64(0x01 || key)``."""
        encoded = base64.b64encode(checkpoint.ED25519 + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    def verifier(self) -> NoteVerifier:
        """Give the verifier of this signer's notes."""
        return NoteVerifier(self.name, self.public_key)


class NoteVerifier:
    """Verifies checkpoints of one key."""

    __slots__ = ("_key_id", "_public_key", "name")

    def __init__(self, name: str, public_key: bytes) -> None:
        """Take the key's name and its 32 public bytes."""
        self.name = checkpoint.check_name(name)
        self._public_key = public_key
        self._key_id = checkpoint.key_id(name, public_key)

    def verify(self, note: str) -> Checkpoint:
        """Give what a note says once this key's signature on it holds; raises ValueError otherwise."""
        parsed = checkpoint.parse(note)
        ours = [line for line in parsed.signatures if (line.name, line.key_id) == (self.name, self._key_id)]
        message = parsed.text.encode()
        if not ours or not all(ed25519_valid(self._public_key, line.signature, message) for line in ours):
            raise ValueError("the note has no valid signature by the expected key")
        return parsed.checkpoint


def ed25519_valid(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether an Ed25519 signature holds (RFC 8032 section 5.1.7); False for malformed keys and signatures."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
