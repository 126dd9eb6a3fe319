"""Reads and writes of wrapped data keys, and of the check values of the keys in the settings."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import LargeBinary, bindparam, text
from sqlmodel import Session, col, select

from governance.pseudonyms._tables import KeyCheck, OwnerKey
from governance.storage.prepared import Prepared
from governance.storage.upsert import chunks, insert_new, upsert

_KEYS = Prepared(
    select(OwnerKey.owner, OwnerKey.wrapped).where(col(OwnerKey.owner).in_(bindparam("owners", expanding=True)))
)
# One statement of both databases; two processes meet a new owner at once on a day's first messages.
_KEEP = Prepared(
    text("INSERT INTO owner_key (owner, wrapped) VALUES (:owner, :wrapped) ON CONFLICT DO NOTHING").bindparams(
        bindparam("owner"), bindparam("wrapped", type_=LargeBinary)
    )
)


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


def keep_keys(session: Session, wrapped: Mapping[str, bytes]) -> Mapping[str, bytes | None]:
    """Put the wrapped keys of new owners on file; gives what is on file for them now.

    That is another writer's key, or None for one destroyed, where somebody was faster.
    """
    rows = [{"owner": owner, "wrapped": wrapped[owner]} for owner in sorted(wrapped)]
    if not rows or _KEEP.run_many(session, rows) == len(rows):
        return wrapped
    return wrapped_keys(session, list(wrapped))


def destroy_key(session: Session, owner: str, at: datetime) -> None:
    """Forget the key for good; an owner never seen is put on file as destroyed."""
    upsert(session, OwnerKey, [{"owner": owner, "wrapped": None, "destroyed_at": at}])


def key_checks(session: Session) -> dict[str, bytes]:
    """Give the check value of each setting's key that is on file."""
    return {row.setting: row.value for row in session.exec(select(KeyCheck)).all()}


def keep_key_check(session: Session, setting: str, value: bytes) -> None:
    """Put a check value on file, unless there is one: of two writers the first one's stays."""
    insert_new(session, KeyCheck, {"setting": setting, "value": value})
