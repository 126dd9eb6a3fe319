"""The key that signs policy bundles for the OPAs of trusts: ES256, and none of the keys that sign tokens.

1. It is a key of its own. An OPA holds the public half in its configuration, so a key that is replaced as often as the
   token keys are would stop every edge at each rotation; and whoever verifies tokens must not take a bundle's signature
   for one, nor an edge a token's.
2. It is derived (HKDF-SHA256, RFC 5869) from the key-encryption key and a generation number: nothing more to store, and
   every process signs with the same one.
3. The next generation is published beside the present one. Edges take both up, then the generation is raised: there is
   no moment at which an edge meets a key it does not hold.
4. A generation that was withdrawn is skipped for good: the next one signs, and the one after it is published beside it.
5. Signatures are deterministic (RFC 6979): the same content gives the same bytes in every process.
"""

import base64
import itertools
import json
from collections.abc import Collection, Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from governance.storage import Database
from governance.tokens import _store
from governance.tokens.keys import public_jwk

ALGORITHM = "ES256"
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256, SP 800-186 section 3.2.1.3
_SEED = 48  # bytes: 128 bits more than the order has, so that the remainder has no bias (FIPS 186-5 A.2.1)
_COORDINATE = 32  # bytes, RFC 7518 section 3.4


class BundleKey:
    """One generation of the key.

    Args:
        key_encryption_key: what it is derived from.
        generation: which one, from 1.
    """

    def __init__(self, key_encryption_key: bytes, generation: int) -> None:
        info = f"governance/tokens/bundle-key/{generation}".encode()
        seed = HKDF(hashes.SHA256(), _SEED, salt=None, info=info).derive(key_encryption_key)
        self._private = ec.derive_private_key(int.from_bytes(seed) % (_ORDER - 1) + 1, ec.SECP256R1())
        self.kid = str(public_jwk(self._private)["kid"])

    @property
    def public_pem(self) -> str:
        """Give the public half as OPA's configuration takes it (RFC 7468 section 13)."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._private.public_key().public_bytes(serialization.Encoding.PEM, form).decode()

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Sign claims as a compact JWT (RFC 7515 section 7.1) that names the key."""
        header = {"alg": ALGORITHM, "kid": self.kid, "typ": "JWT"}
        signed = f"{_segment(_json(header))}.{_segment(_json(claims))}"
        method = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        r, s = decode_dss_signature(self._private.sign(signed.encode(), method))
        return f"{signed}.{_segment(r.to_bytes(_COORDINATE) + s.to_bytes(_COORDINATE))}"


def published_bundle_keys(
    key_encryption_key: bytes, generation: int, withdrawn: Collection[str] = ()
) -> tuple[BundleKey, BundleKey]:
    """Give the key that signs now and the one that will sign after it (rules 3 and 4).

    Args:
        key_encryption_key: what they are derived from.
        generation: the first that may sign.
        withdrawn: ids of keys that may not.
    """
    made = (BundleKey(key_encryption_key, number) for number in itertools.count(generation))
    good = (key for key in made if key.kid not in withdrawn)
    return next(good), next(good)


class BundleKeys:
    """The keys of bundles as they are now: those of the settings' generation and after it that were not withdrawn.

    Args:
        database: where the withdrawn keys are.
        key_encryption_key: what the keys are derived from.
        generation: the first that may sign.
    """

    def __init__(self, database: Database, key_encryption_key: bytes, generation: int) -> None:
        self._database = database
        self._key_encryption_key = key_encryption_key
        self._generation = generation
        self._known: tuple[frozenset[str], tuple[BundleKey, BundleKey]] | None = None

    def published(self) -> tuple[BundleKey, BundleKey]:
        """Give the key that signs and the next one; looks each time which were withdrawn."""
        with self._database.reading() as session:
            withdrawn = _store.withdrawn_keys(session)
        known = self._known
        if known is None or known[0] != withdrawn:
            keys = published_bundle_keys(self._key_encryption_key, self._generation, withdrawn)
            known = self._known = withdrawn, keys
        return known[1]

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Sign with the key that signs now."""
        return self.published()[0].sign(claims)

    def kid(self) -> str:
        """Give the id of the key that signs now."""
        return self.published()[0].kid


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
