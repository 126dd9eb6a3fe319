"""One signing key for each issuer, made when it is first needed and never written down."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

_RSA_BITS = 2048
_THUMBPRINT_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A private key, and its public half as a JWK with kid, use and alg."""

    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    public_jwk: Mapping[str, Any]

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Sign claims as a JWT."""
        header = {"kid": self.public_jwk["kid"]}
        return jwt.encode(dict(claims), self.private, self.public_jwk["alg"], headers=header)


class IssuerKeys:
    """The keys of every issuer of this process."""

    def __init__(self) -> None:
        self._made: dict[str, IssuerKey] = {}
        self._lock = Lock()

    def key(self, ods: str, algorithm: str) -> IssuerKey:
        """Give an issuer's key, making it for ES256 or RS256 the first time."""
        with self._lock:
            if ods not in self._made:
                self._made[ods] = make_key(algorithm)
            return self._made[ods]


def make_key(algorithm: str) -> IssuerKey:
    """Make a key for ES256 or RS256; its kid is the RFC 7638 thumbprint."""
    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    if algorithm == "RS256":
        private = rsa.generate_private_key(65537, _RSA_BITS)
        members = dict(RSAAlgorithm.to_jwk(private.public_key(), as_dict=True))
    else:
        private = ec.generate_private_key(ec.SECP256R1())
        members = dict(ECAlgorithm.to_jwk(private.public_key(), as_dict=True))
    members = {name: members[name] for name in _THUMBPRINT_MEMBERS[members["kty"]]}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
    kid = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
    return IssuerKey(private, {**members, "kid": kid, "use": "sig", "alg": algorithm})
