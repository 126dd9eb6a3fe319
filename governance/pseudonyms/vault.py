"""Envelope encryption of identifying fields: AES-256-GCM (NIST SP 800-38D) under a data key of each owner.

What is encrypted is the fields as JSON in ASCII; then, where bytes are sealed beside them, a NUL, which no JSON holds,
and those bytes.
"""

import base64
import hmac
import json
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from io import BytesIO
from itertools import repeat
from json.encoder import encode_basestring_ascii as _quote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlmodel import Session

from governance.pseudonyms import _store

_END = b"\x00"  # of the fields, where something is sealed beside them
_NONCE = 12  # bytes, SP 800-38D section 8.2
_KEY = 32  # bytes
_ROWS = b"imaging-governance/rows/1"  # what the key is derived for that digests of rows are made with
_OPENERS = 1_024  # owners whose keys a check of the whole vault has at hand


class DataKeys:
    """The data keys of some owners, each still wrapped: what was sealed for them opens with nothing to be looked up.

    A key is unwrapped for one envelope and not kept. Made for one piece of work and dropped with it, so that who is
    forgotten meanwhile is forgotten by the next.

    Args:
        unwrap: gives a data key of an owner and its wrapped form.
        wrapped: the wrapped keys of the owners on file, None of those that are forgotten.
    """

    def __init__(self, unwrap: Callable[[str, bytes], bytes], wrapped: Mapping[str, bytes | None]) -> None:
        self._unwrap = unwrap
        self._wrapped = wrapped

    def has(self, owner: str | None) -> bool:
        """Say whether an owner has a key."""
        return owner is not None and self._wrapped.get(owner) is not None

    def forgotten(self, owner: str) -> bool:
        """Say whether an owner's key was destroyed."""
        return self._wrapped.get(owner, b"") is None

    def unseal(self, owner: str, sealed: str) -> dict[str, str] | None:
        """Decrypt what :meth:`Vault.seal` made; None when the owner has no key here.

        Raises:
            ValueError: the text was altered or belongs to another owner.
        """
        wrapped = self._wrapped.get(owner)
        if wrapped is None:
            return None
        plain = _decrypt(AESGCM(self._unwrap(owner, wrapped)), base64.urlsafe_b64decode(sealed), owner)
        fields: dict[str, str] = json.loads(plain.partition(_END)[0])
        return fields


class OwnerForgotten(Exception):
    """The owner's key was destroyed: nothing more may be sealed for them."""


class Vault:
    """Seals and unseals the identifying fields of an owner (a pseudonym).

    ``rows_key`` is the key that the log's digests of register rows are made with: without it nobody who reads the log
    can try what a row may say.

    Args:
        key_encryption_key: 32 bytes that wrap every data key; raises ValueError for another length.
        random: source of random bytes (length in, bytes out).
    """

    def __init__(self, key_encryption_key: bytes, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        if len(key_encryption_key) != _KEY:
            raise ValueError(f"the key-encryption key is {_KEY} bytes")
        self._wrapper = AESGCM(key_encryption_key)
        self.rows_key = hmac.digest(key_encryption_key, _ROWS, "sha256")
        self._random = random
        self._opener = lru_cache(_OPENERS)(lambda owner, wrapped: AESGCM(self._unwrap(owner, wrapped)))

    def seal(self, session: Session, owner: str, fields: Mapping[str, str]) -> str:
        """Encrypt fields for their owner; gives base64url text bound to the owner.

        Raises:
            OwnerForgotten: the owner's key was destroyed.
        """
        return _text(self._encrypt(AESGCM(self._data_key(session, owner)), _plain(fields, b""), owner))

    def seal_many(
        self, session: Session, items: Sequence[tuple[str, Mapping[str, str]]], beside: Sequence[bytes] = ()
    ) -> list[str | None]:
        """Seal the fields of many ``(owner, fields)`` pairs with one look-up; None for owners that are forgotten.

        Args:
            session: the caller's write transaction.
            items: owners, and the fields of each envelope.
            beside: bytes to seal beside the fields, for each envelope or for none.
        """
        owners = sorted({owner for owner, _ in items})
        on_file = _store.wrapped_keys(session, owners)
        keys = self._new_keys(session, [owner for owner in owners if owner not in on_file])
        keys |= {owner: self._unwrap(owner, wrapped) for owner, wrapped in on_file.items() if wrapped is not None}
        ciphers = {owner: AESGCM(key) for owner, key in keys.items()}
        nonces = BytesIO(self._random(_NONCE * len(items)))
        return [
            _text(_encrypted(ciphers[owner], nonces.read(_NONCE), _plain(fields, more), owner))
            if owner in ciphers
            else None
            for (owner, fields), more in zip(items, beside or repeat(b""))  # noqa: B905  the bytes may be endless
        ]

    def unseal(self, session: Session, owner: str, sealed: str) -> dict[str, str] | None:
        """Decrypt what :meth:`seal` made; None once the owner's key is destroyed.

        Raises:
            ValueError: the text was altered or belongs to another owner.
        """
        opened = self.unseal_all(session, owner, sealed)
        return None if opened is None else opened[0]

    def unseal_all(self, session: Session, owner: str, sealed: str) -> tuple[dict[str, str], bytes] | None:
        """Decrypt as :meth:`unseal` does, and give what was sealed beside the fields too."""
        _, wrapped = _store.wrapped_key(session, owner)
        if wrapped is None:
            return None
        plain = _decrypt(AESGCM(self._unwrap(owner, wrapped)), base64.urlsafe_b64decode(sealed), owner)
        fields, _, beside = plain.partition(_END)
        return json.loads(fields), beside

    def data_keys(self, session: Session, owners: Collection[str]) -> DataKeys:
        """Give the keys of many owners in one look-up; owners never seen have none."""
        return DataKeys(self._unwrap, _store.wrapped_keys(session, sorted(set(owners))))

    def opens(self, owner: str, wrapped: bytes, sealed: str) -> bool:
        """Say whether a wrapped key opens what was sealed for an owner: for a check of the whole vault."""
        try:
            _decrypt(self._opener(owner, wrapped), base64.urlsafe_b64decode(sealed), owner)
        except ValueError:
            return False
        return True

    def has_key(self, session: Session, owner: str) -> bool | None:
        """Say whether an owner has a key: False once it was destroyed, None when nothing was ever sealed for them."""
        found, wrapped = _store.wrapped_key(session, owner)
        return wrapped is not None if found else None

    def destroy(self, session: Session, owner: str, at: datetime) -> None:
        """Destroy the owner's key: everything ever sealed for them is unreadable from here on."""
        _store.destroy_key(session, owner, at)

    def _data_key(self, session: Session, owner: str) -> bytes:
        found, wrapped = _store.wrapped_key(session, owner)
        if found and wrapped is None:
            raise OwnerForgotten("the key of this owner was destroyed")
        if wrapped is not None:
            return self._unwrap(owner, wrapped)
        made = self._new_keys(session, [owner])
        if owner not in made:
            raise OwnerForgotten("the key of this owner was destroyed")
        return made[owner]

    def _new_keys(self, session: Session, owners: Sequence[str]) -> dict[str, bytes]:
        """Make the keys of owners who had none; of two writers at once both get the first one's key.

        One destroyed meanwhile is left out.
        """
        fresh = {owner: self._random(_KEY) for owner in owners}
        wrapped = {owner: self._encrypt(self._wrapper, key, owner) for owner, key in fresh.items()}
        kept = _store.keep_keys(session, wrapped)
        return {
            owner: fresh[owner] if key == wrapped[owner] else self._unwrap(owner, key)
            for owner, key in kept.items()
            if key is not None
        }

    def _unwrap(self, owner: str, wrapped: bytes) -> bytes:
        return _decrypt(self._wrapper, wrapped, owner)

    def _encrypt(self, cipher: AESGCM, plain: bytes, owner: str) -> bytes:
        return _encrypted(cipher, self._random(_NONCE), plain, owner)


def _encrypted(cipher: AESGCM, nonce: bytes, plain: bytes, owner: str) -> bytes:
    return nonce + cipher.encrypt(nonce, plain, owner.encode())


def _decrypt(cipher: AESGCM, sealed: bytes, owner: str) -> bytes:
    try:
        return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], owner.encode())
    except InvalidTag:
        raise ValueError("the sealed fields do not open: altered, or of another owner") from None


def _plain(fields: Mapping[str, str], beside: bytes) -> bytes:
    members = ",".join([f"{_quote(name)}:{_quote(fields[name])}" for name in sorted(fields)])
    return f"{{{members}}}".encode() + (_END + beside if beside else b"")


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode()
