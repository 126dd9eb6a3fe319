"""Reads and writes of wrapped data keys."""

from datetime import datetime

from sqlalchemy import insert, update
from sqlmodel import Session, col, select

from governance.pseudonyms._tables import OwnerKey


def wrapped_key(session: Session, owner: str) -> tuple[bool, bytes | None]:
    """Give whether the owner is on file, and the wrapped key (None once destroyed)."""
    row = session.exec(select(OwnerKey.wrapped).where(OwnerKey.owner == owner)).all()
    return (True, row[0]) if row else (False, None)


def keep_key(session: Session, owner: str, wrapped: bytes) -> None:
    """Put a new owner's wrapped key on file."""
    session.connection().execute(insert(OwnerKey).values(owner=owner, wrapped=wrapped))


def destroy_key(session: Session, owner: str, at: datetime) -> None:
    """Forget the key for good; an owner never seen is put on file as destroyed."""
    found, _ = wrapped_key(session, owner)
    if found:
        session.connection().execute(
            update(OwnerKey).where(col(OwnerKey.owner) == owner).values(wrapped=None, destroyed_at=at)
        )
    else:
        session.connection().execute(insert(OwnerKey).values(owner=owner, wrapped=None, destroyed_at=at))
