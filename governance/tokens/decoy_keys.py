"""Keys of nobody, so that a client that is not known costs as much to refuse as one that is.

A wrong signature takes as long to find wrong as its algorithm takes, and nothing else of a refusal does. Where there is
no key to verify with, one of these is used, and the refusal stands whatever the verification says.
"""

import secrets
from collections.abc import Mapping
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from governance.tokens import _jose
from governance.tokens._jose import Jwk, Unverified
from governance.tokens.errors import TokenRefused

_RSA_BITS = 2048
_CURVES: Mapping[str, ec.EllipticCurve] = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


def spend(unverified: Unverified) -> None:
    """Spend what verifying a token costs, and say nothing of the outcome."""
    key = _key(unverified.algorithm)
    if key is not None:
        try:
            _jose.verify(unverified, key)
        except TokenRefused:
            return


@cache
def _key(algorithm: str) -> Jwk | None:
    """Give a key of the algorithm, None for one that is refused without looking at any key."""
    if algorithm in _CURVES:
        return ECAlgorithm.to_jwk(ec.generate_private_key(_CURVES[algorithm]).public_key(), as_dict=True)
    if algorithm == "EdDSA":
        return OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate().public_key(), as_dict=True)
    if algorithm in {"PS256", "RS256", "RS512"}:  # an odd number of the right size: nobody need know its factors
        modulus = secrets.token_bytes(_RSA_BITS // 8)
        return {"kty": "RSA", "e": "AQAB", "n": _jose.encoded(bytes([modulus[0] | 0x80]) + modulus[1:-1] + b"\x01")}
    return None
