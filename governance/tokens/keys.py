"""Our signing keys: ES256, sealed at rest, rotated with overlap.

1. A private key is stored only encrypted: AES-256-GCM under a key derived (HKDF-SHA256, RFC 5869) from the
   key-encryption key, its ``kid`` as associated data, so one row cannot be passed off as another.
2. ``kid`` is the RFC 7638 thumbprint: the same key has the same name everywhere.
3. Rotation publishes the next key ``lead`` before it signs, and keeps the last one published ``overlap`` after it
   stopped, so that a verifier with a cached key set never meets a key it cannot know.
4. A compromised key is withdrawn at once: no lead, no overlap, whatever it signed is dead, and it never comes back.
5. Each process keeps the keys it decrypted for ``REFRESH``; lead must be longer than that. A job looks several times a
   second whether they changed (:meth:`KeyRing.refresh`), and each token presented is held to what was withdrawn.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwt.algorithms import ECAlgorithm
from sqlmodel import Session

from governance.storage import Database
from governance.storage.exclusive import exclusive
from governance.tokens import _store
from governance.tokens._jose import thumbprint
from governance.tokens._store import SealedKey

REFRESH = timedelta(seconds=30)
_MATTER = "signing keys"  # which key signs is decided by one process at a time
_NONCE = 12  # bytes, NIST SP 800-38D section 8.2
_KEK = 32  # bytes


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key we sign with from ``signs_from``, and publish until ``published_until`` (None: no end is set)."""

    kid: str
    private: ec.EllipticCurvePrivateKey
    public_jwk: dict[str, Any]
    signs_from: datetime
    published_until: datetime | None


class KeyRing:
    """The signing keys of this issuer.

    Args:
        database: where the sealed keys are.
        kek: the key-encryption key, 32 bytes; raises ValueError for another length.
        lead: how long the next key is published before it signs.
        overlap: how long the last key stays published after it stopped signing; longer than any token lives.
        random: source of random bytes (length in, bytes out).
    """

    def __init__(
        self,
        database: Database,
        kek: bytes,
        lead: timedelta = timedelta(minutes=10),
        overlap: timedelta = timedelta(minutes=15),
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        if len(kek) != _KEK:
            raise ValueError(f"the key-encryption key is {_KEK} bytes")
        derived = HKDF(hashes.SHA256(), _KEK, salt=None, info=b"governance/tokens/signing-key/1").derive(kek)
        self._cipher = AESGCM(derived)
        self._database = database
        self._lead = lead
        self._overlap = overlap
        self._random = random
        self._cached: tuple[datetime, tuple[SealedKey, ...], tuple[SigningKey, ...]] | None = None

    def ensure(self, now: datetime) -> str:
        """Give the kid of the key that signs now, making the first key when there is none."""
        with self._database.transaction() as session:
            exclusive(session, _MATTER)
            kid = self._signing_or_new(session, now)
        self._cached = None
        return kid

    def rotate(self, now: datetime) -> str:
        """Publish a new key that takes over after the lead, and set the end of the present ones; gives its kid."""
        with self._database.transaction() as session:
            exclusive(session, _MATTER)
            held = self._load(session, now)
            takes_over = now + self._lead if held else now
            _retire(session, [key for key in held if key.published_until is None], takes_over + self._overlap)
            kid = self._add(session, takes_over)
        self._cached = None
        return kid

    def withdraw(self, kid: str, now: datetime) -> str:
        """Withdraw a compromised key at once and give the kid of the key that signs from now on."""
        with self._database.transaction() as session:
            successor = self.withdraw_in(session, kid, now)
        self._cached = None
        return successor

    def withdraw_in(self, session: Session, kid: str, now: datetime) -> str:
        """Do the same in the caller's transaction, after which :meth:`refresh` is to be called."""
        exclusive(session, _MATTER)
        _store.withdraw_key(session, kid, now)
        _store.retire_keys(session, [kid], now)
        return self._signing_or_new(session, now)

    def refresh(self, now: datetime) -> None:
        """Take up what another process changed; only what changed is decrypted."""
        self._held(now)

    def _held(self, now: datetime) -> tuple[SigningKey, ...]:
        with self._database.reading() as session:
            rows = tuple(_store.published_keys(session, now))
        cached = self._cached
        keys = cached[2] if cached is not None and cached[1] == rows else tuple(map(self._open, rows))
        self._cached = now, rows, keys
        return keys

    def current(self, now: datetime) -> SigningKey:
        """Give the key that signs now, making the first one when there is none."""
        signing = [key for key in self.published(now) if key.signs_from <= now]
        if not signing:
            self.ensure(now)
            signing = [key for key in self.published(now) if key.signs_from <= now]
        return signing[-1]

    def published(self, now: datetime) -> tuple[SigningKey, ...]:
        """Give every key a verifier may meet now, oldest first."""
        cached = self._cached
        fresh = cached is not None and cached[0] <= now < cached[0] + REFRESH
        held = cached[2] if cached is not None and fresh else self._held(now)
        return tuple(key for key in held if key.published_until is None or key.published_until > now)

    def jwks(self, now: datetime) -> dict[str, Any]:
        """Give the public JWK set (RFC 7517 section 5)."""
        return {"keys": [key.public_jwk for key in self.published(now)]}

    def _load(self, session: Session, now: datetime) -> tuple[SigningKey, ...]:
        return tuple(self._open(row) for row in _store.published_keys(session, now))

    def _signing_or_new(self, session: Session, now: datetime) -> str:
        signing = [key.kid for key in self._load(session, now) if key.signs_from <= now]
        return signing[-1] if signing else self._add(session, now)

    def _open(self, row: SealedKey) -> SigningKey:
        plain = self._cipher.decrypt(row.sealed[:_NONCE], row.sealed[_NONCE:], row.kid.encode())
        private = serialization.load_der_private_key(plain, None)
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise TypeError("a stored signing key is not an EC key")
        return SigningKey(row.kid, private, public_jwk(private), row.signs_from, row.published_until)

    def _add(self, session: Session, signs_from: datetime) -> str:
        private = ec.generate_private_key(ec.SECP256R1())
        kid = str(public_jwk(private)["kid"])
        plain = private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        nonce = self._random(_NONCE)
        sealed = nonce + self._cipher.encrypt(nonce, plain, kid.encode())
        _store.add_key(session, SealedKey(kid, sealed, signs_from, None))
        return kid


def public_jwk(private: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """Give the public half of a key as a JWK with kid, use and alg (RFC 7517 section 4)."""
    members: dict[str, Any] = dict(ECAlgorithm.to_jwk(private.public_key(), as_dict=True))
    members.pop("key_ops", None)
    return {**members, "kid": thumbprint(members), "use": "sig", "alg": "ES256"}


def _retire(session: Session, keys: list[SigningKey], until: datetime) -> None:
    if keys:
        _store.retire_keys(session, [key.kid for key in keys], until)
