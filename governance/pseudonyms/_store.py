"""Reads and writes of wrapped data keys."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, insert, update
from sqlmodel import Session, col, select

from governance.pseudonyms._tables import OwnerKey
from governance.storage.prepared import Prepared
from governance.storage.upsert import chunks

_KEYS = Prepared(
    select(OwnerKey.owner, OwnerKey.wrapped).where(col(OwnerKey.owner).in_(bindparam("owners", expanding=True)))
)
_KEEP = Prepared(insert(OwnerKey))


def wrapped_key(session: Session, owner: str) -> tuple[bool, bytes | None]:
    """Give whether the owner is on file, and the wrapped key (None once destroyed)."""
    row = session.exec(select(OwnerKey.wrapped).where(OwnerKey.owner == owner)).all()
    return (True, row[0]) if row else (False, None)


def wrapped_keys(session: Session, owners: Sequence[str]) -> dict[str, bytes | None]:
    """Give the wrapped key of each of the owners on file (None once destroyed)."""
    found: dict[str, bytes | None] = {}
    for some in chunks(owners):
        found.update((owner, wrapped) for owner, wrapped in _KEYS.tuples(session, owners=some))
    return found


def keep_key(session: Session, owner: str, wrapped: bytes) -> None:
    """Put a new owner's wrapped key on file."""
    keep_keys(session, {owner: wrapped})


def keep_keys(session: Session, wrapped: Mapping[str, bytes]) -> None:
    """Put the wrapped keys of new owners on file."""
    rows = [{"owner": owner, "wrapped": key, "destroyed_at": None} for owner, key in wrapped.items()]
    if rows:
        _KEEP.run_many(session, rows)


def destroy_key(session: Session, owner: str, at: datetime) -> None:
    """Forget the key for good; an owner never seen is put on file as destroyed."""
    found, _ = wrapped_key(session, owner)
    if found:
        session.connection().execute(
            update(OwnerKey).where(col(OwnerKey.owner) == owner).values(wrapped=None, destroyed_at=at)
        )
    else:
        session.connection().execute(insert(OwnerKey).values(owner=owner, wrapped=None, destroyed_at=at))
