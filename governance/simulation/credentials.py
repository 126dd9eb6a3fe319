"""Keys of simulated services: made here, kept in files that only their owner can read."""

import base64
import json
import os
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

_THUMBPRINT = ("crv", "kty", "x", "y")  # RFC 7638 section 3.2


@dataclass(frozen=True, slots=True)
class Credentials:
    """A service's client id and its ES256 key (PEM), with the key's id."""

    client_id: str
    kid: str
    private_key: str

    @classmethod
    def made(cls, client_id: str) -> "Credentials":
        """Make fresh credentials."""
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return cls(client_id, thumbprint(_public(key)), pem.decode())

    @classmethod
    def read(cls, path: Path) -> "Credentials":
        """Read credentials from their file; raises OSError, ValueError, TypeError for anything else."""
        return cls(**json.loads(path.read_text()))

    def write(self, path: Path) -> None:
        """Write the file, readable by its owner only."""
        write_private(path, json.dumps(asdict(self)))

    def assertion(self, endpoint: str, now: int, lifetime: int = 60) -> str:
        """Make a client assertion (RFC 7523 section 3): good for one request to a token endpoint.

        Args:
            endpoint: URL of the token endpoint.
            now: seconds since 1970.
            lifetime: seconds.
        """
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": endpoint,
            "iat": now,
            "exp": now + lifetime,
            "jti": str(uuid.uuid4()),
        }
        return jwt.encode(claims, self.private_key, algorithm="ES256", headers={"kid": self.kid})

    def jwks(self) -> dict[str, Any]:
        """Give the public key set to register (RFC 7517)."""
        key = serialization.load_pem_private_key(self.private_key.encode(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("the key is not an elliptic curve key")
        return {"keys": [_public(key) | {"kid": self.kid, "alg": "ES256", "use": "sig"}]}


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def thumbprint(jwk: dict[str, Any]) -> str:
    """Give the RFC 7638 SHA-256 thumbprint of an elliptic curve JWK."""
    canonical = json.dumps({name: jwk[name] for name in _THUMBPRINT}, separators=(",", ":"), sort_keys=True)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(canonical.encode())
    return base64.urlsafe_b64encode(digest.finalize()).rstrip(b"=").decode()


def _public(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(key.public_key()))
    return made
