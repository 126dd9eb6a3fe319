"""The key that signs what this service sends of its own accord: Ed25519, and none of the keys that sign tokens.

1. A message is signed as HTTP Message Signatures has it (RFC 9421), over method, address, content type, the digest of
   the content (RFC 9530) and the message's id.
2. The key is derived (HKDF-SHA256, RFC 5869) from the key-encryption key and a generation number, as that of bundles
   is: whoever verifies tokens never meets it, and every process signs with the same one.
3. The next generation is published beside the present one, at ``/.well-known/http-message-signatures-directory``.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

from governance.tokens._jose import thumbprint

TAG = "imaging-governance"  # says what the signature is for (RFC 9421 section 2.3)
COVERED = ("@method", "@target-uri", "content-type", "idempotency-key")  # and content-digest
_SEED = 32  # bytes


@dataclass
class _Message:
    """A request as the library reads and signs it."""

    method: str
    url: str
    headers: dict[str, str]


class MessageKey:
    """One generation of the key.

    Args:
        key_encryption_key: what it is derived from.
        generation: which one, from 1.
    """

    def __init__(self, key_encryption_key: bytes, generation: int) -> None:
        info = f"governance/tokens/message-key/{generation}".encode()
        seed = HKDF(hashes.SHA256(), _SEED, salt=None, info=info).derive(key_encryption_key)
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        raw = self._private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        members = {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(raw).rstrip(b"=").decode()}
        self.kid = thumbprint(members)
        self.public_jwk: dict[str, Any] = {**members, "kid": self.kid, "use": "sig", "alg": "EdDSA"}  # RFC 8037

    def signed(self, url: str, headers: Mapping[str, str], body: bytes, at: datetime) -> dict[str, str]:
        """Give the headers of a POST with its signature among them.

        Args:
            url: where it goes.
            headers: ``Content-Type`` and ``Idempotency-Key`` at least; all are sent as they are given.
            body: what is sent.
            at: when it is signed.
        """
        message = _Message("POST", url, dict(headers))
        signer = HTTPMessageSigner(
            signature_algorithm=algorithms.ED25519,
            key_resolver=MappingKeyResolver(public_keys={}, private_keys={self.kid: self._private}),
        )
        signer.sign(
            message,
            key_id=self.kid,
            created=at,
            label="sig1",
            tag=TAG,
            covered_component_ids=COVERED,
            body=body,
        )
        return message.headers


@dataclass(frozen=True)
class MessageKeys:
    """The key that signs now, and the one after it."""

    present: MessageKey
    next: MessageKey

    @classmethod
    def of(cls, key_encryption_key: bytes, generation: int) -> "MessageKeys":
        """Derive them: ``generation`` signs."""
        return cls(MessageKey(key_encryption_key, generation), MessageKey(key_encryption_key, generation + 1))

    def published(self) -> dict[str, Any]:
        """Give the public JWK set (RFC 7517 section 5)."""
        return {"keys": [self.present.public_jwk, self.next.public_jwk]}
