"""Signatures over the canonical text of an agreement.

Rules:

1. What is signed is the UTF-8 canonical text (RFC 8785), nothing before it and nothing after it.
2. Ed25519 (RFC 8032) and ES256 (ECDSA on P-256 with SHA-256; the signature is ``r || s``, RFC 7518 section 3.4).
3. The algorithm is a property of the registered key. A signature never chooses it.
4. A key's id is derived from the key (SHA-256 of its SubjectPublicKeyInfo), so an id can never name another key.
5. A key of one party never counts for another, and a revoked key counts for nobody, whenever it signed.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import cast

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from governance.agreements.record import Algorithm, PartyKey, Signature

_P256_BYTES = 32
_SIGNATURE_BYTES = 64
_BASE64URL = re.compile(r"[A-Za-z0-9_-]{86}")
PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


def read_public_key(pem: str) -> tuple[Algorithm, str, str]:
    """Take a PEM public key and give its algorithm, its id and its normalised PEM.

    Raises:
        ValueError: not a PEM public key, or neither Ed25519 nor P-256.
    """
    try:
        key = serialization.load_pem_public_key(pem.encode("utf-8"))
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("must be a public key in PEM (SubjectPublicKeyInfo)") from None
    algorithm = _algorithm(key)
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    normal = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return algorithm, _encode(hashlib.sha256(der).digest()), normal.decode("ascii")


def public_key_of(private_pem: str) -> str:
    """Give the PEM public key that belongs to a PEM private key; raises ValueError."""
    public = _private(private_pem).public_key()
    made = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return made.decode("ascii")


def new_private_key() -> str:
    """Make an Ed25519 key pair and give the private key, PKCS#8 PEM without a passphrase."""
    key = ed25519.Ed25519PrivateKey.generate()
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return encoded.decode("ascii")


def sign(text: str, private_pem: str) -> str:
    """Sign a canonical text and give the signature, base64url without padding; raises ValueError for a wrong key."""
    key = _private(private_pem)
    message = text.encode("utf-8")
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return _encode(key.sign(message))
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return _encode(r.to_bytes(_P256_BYTES, "big") + s.to_bytes(_P256_BYTES, "big"))


def verify(text: str, signature: str, public_pem: str) -> bool:
    """Say whether a base64url signature is right for the text under a registered public key; never raises for one."""
    raw = _decode(signature)
    if raw is None:
        return False
    key = serialization.load_pem_public_key(public_pem.encode("ascii"))
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(raw, text.encode("utf-8"))
        elif isinstance(key, ec.EllipticCurvePublicKey):
            r, s = (int.from_bytes(half, "big") for half in (raw[:_P256_BYTES], raw[_P256_BYTES:]))
            key.verify(encode_dss_signature(r, s), text.encode("utf-8"), ec.ECDSA(hashes.SHA256()))
        else:
            return False
    except InvalidSignature:
        return False
    return True


class SignatureBook:
    """Says which parties' signatures count, and caches what it verified.

    Whether a signature is right for a text under a key never changes, so compiling again does not verify again; whether
    the key still counts is asked anew each time.
    """

    def __init__(self) -> None:
        self._verified: dict[tuple[str, str, str], bool] = {}

    def valid(
        self, text: str, digest: str, signatures: Iterable[Signature], keys: Mapping[str, PartyKey]
    ) -> frozenset[str]:
        """Give the ODS codes whose signature counts now: known key, of that party, not revoked, right for the text.

        Args:
            text: the canonical text.
            digest: its ``text_hash``.
            signatures: what is on file for it.
            keys: every registered key by id.
        """
        return frozenset(
            signature.ods
            for signature in signatures
            if (key := keys.get(signature.key_id)) is not None
            and key.ods == signature.ods
            and key.revoked_at is None
            and key.algorithm == signature.algorithm
            and self._verify(text, digest, signature.signature, key)
        )

    def _verify(self, text: str, digest: str, signature: str, key: PartyKey) -> bool:
        known = (digest, signature, key.key_id)
        if known not in self._verified:
            self._verified[known] = verify(text, signature, key.public_key)
        return self._verified[known]


def _algorithm(key: object) -> Algorithm:
    if isinstance(key, ed25519.Ed25519PublicKey):
        return Algorithm.ED25519
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return Algorithm.ES256
    raise ValueError("must be an Ed25519 or a P-256 (ES256) key")


def _private(pem: str) -> PrivateKey:
    try:
        key = serialization.load_pem_private_key(pem.encode("utf-8"), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("must be a private key in PEM without a passphrase") from None
    _algorithm(key.public_key())
    return cast("PrivateKey", key)  # the line above refused every other kind


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes | None:
    """Read a 64-byte base64url value; one spelling only, so a signature cannot be written in two ways."""
    if not _BASE64URL.fullmatch(text):
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "==")
    except binascii.Error:
        return None
    return raw if len(raw) == _SIGNATURE_BYTES and _encode(raw) == text else None
