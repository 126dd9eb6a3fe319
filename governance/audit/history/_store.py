"""Reads and writes of the records of signings, which are inserted and never changed, and of a check's progress."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, insert, select
from sqlmodel import Session, SQLModel

from governance.audit._tables import CheckpointRow, CheckProgressRow, SigningRow
from governance.audit.history.record import SigningRecord
from governance.storage.upsert import upsert

_SIGNING: Any = SQLModel.metadata.tables[SigningRow.__tablename__]
_CHECKPOINT: Any = SQLModel.metadata.tables[CheckpointRow.__tablename__]
_PROGRESS: Any = SQLModel.metadata.tables[CheckProgressRow.__tablename__]
Signed = tuple[SigningRecord, bytes]
"""A record and its signature."""


def newest(session: Session) -> Signed | None:
    """Give the newest record, None before the first."""
    return _signed(session.connection().execute(select(_SIGNING).order_by(_SIGNING.c.number.desc()).limit(1)).first())


def numbered(session: Session, number: int) -> Signed | None:
    """Give the record of a number."""
    return _signed(session.connection().execute(select(_SIGNING).where(_SIGNING.c.number == number)).first())


def of_size(session: Session, size: int) -> Signed | None:
    """Give the record of a size; there is at most one."""
    return _signed(session.connection().execute(select(_SIGNING).where(_SIGNING.c.size == size)).first())


def has_origin(session: Session, origin: str) -> bool:
    """Say whether a record is of an origin."""
    found = select(_SIGNING.c.number).where(_SIGNING.c.origin == origin).limit(1)
    return session.connection().execute(found).first() is not None


def note_of(session: Session, size: int) -> str | None:
    """Give the note that was signed at a size."""
    found = session.connection().execute(select(_CHECKPOINT.c.note).where(_CHECKPOINT.c.size == size)).scalar()
    return None if found is None else str(found)


def insert_record(session: Session, record: SigningRecord, signature: bytes) -> None:
    """Put a record at the end of the chain."""
    values = {
        "number": record.number,
        "origin": record.origin,
        "size": record.size,
        "root": record.root,
        "note_hash": record.note_hash,
        "previous": record.previous,
        "signed_at": record.signed_at,
        "signature": signature,
    }
    session.connection().execute(insert(_SIGNING).values(values))


def save_progress(session: Session, values: Mapping[str, Any]) -> None:
    """Keep how far the check of the whole log is."""
    upsert(session, CheckProgressRow, [{"id": 1, **values}])


def progress(session: Session) -> dict[str, Any] | None:
    """Give how far the check of the whole log is."""
    columns = [column for column in _PROGRESS.c if column.name != "id"]
    row = session.connection().execute(select(*columns).where(_PROGRESS.c.id == 1)).mappings().first()
    return None if row is None else dict(row)


def _signed(row: Row[Any] | None) -> Signed | None:
    if row is None:
        return None
    hashes = (bytes(row.root), bytes(row.note_hash), bytes(row.previous))
    return SigningRecord(row.number, row.origin, row.size, *hashes, row.signed_at), bytes(row.signature)
