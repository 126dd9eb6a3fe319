"""Tables of the audit log, private to this room. Only ``_store.py`` may use them.

1. ``audit_entry`` is append-only: rows are inserted by the sequencer and never changed. ``entry`` holds the bytes that
   were hashed; every other column repeats something in them for searching, and the checker compares the two.
2. ``audit_head`` is one row: how many entries there are and the growing edge of the Merkle tree.
3. ``audit_tile`` holds every full 256-wide tile of C2SP tlog-tiles, and the root of each.
4. ``audit_checkpoint`` holds every checkpoint signed, ``audit_signing`` the chain of their signings.
5. ``audit_check`` is one row: how far the check of the whole log is.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from governance.storage import UtcMicroseconds

# SQLite makes a column its row id only when it is called INTEGER.
_Whole = BigInteger().with_variant(Integer(), "sqlite")


def _present(name: str, column: str, *more: str) -> Index:
    """Index a column that is often empty: only rows that have it."""
    condition = text(f"{column} IS NOT NULL")
    return Index(name, column, *more, sqlite_where=condition, postgresql_where=condition)


class EntryRow(SQLModel, table=True):
    """One entry of the log, with the columns that searches need."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        UniqueConstraint("source_id", "event_id", name="uq_audit_entry_source_event"),
        _present("ix_audit_entry_patient", "patient", "index"),
        _present("ix_audit_entry_subject", "subject", "index"),
        _present("ix_audit_entry_study", "study", "index"),
        _present("ix_audit_entry_decision", "decision_id", "index"),
        _present("ix_audit_entry_token", "token_jti", "index"),
        _present("ix_audit_entry_agreement", "agreement_id", "index"),
        Index("ix_audit_entry_kind", "kind", "index"),
        Index("ix_audit_entry_occurred", "occurred_at"),
    )

    index: int = Field(primary_key=True, sa_type=_Whole, sa_column_kwargs={"autoincrement": False})
    leaf_hash: bytes = Field(sa_type=LargeBinary)
    occurred_at: datetime = Field(sa_type=UtcMicroseconds)
    recorded_at: datetime = Field(sa_type=UtcMicroseconds)
    source_id: str = Field(sa_type=Text)
    source_ods: str = Field(sa_type=Text)
    event_id: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    outcome: str = Field(sa_type=Text)
    subject: str | None = Field(default=None, sa_type=Text)
    subject_ods: str | None = Field(default=None, sa_type=Text)
    patient: str | None = Field(default=None, sa_type=Text)
    study: str | None = Field(default=None, sa_type=Text)
    custodian: str | None = Field(default=None, sa_type=Text)
    decision_id: str | None = Field(default=None, sa_type=Text)
    agreement_id: str | None = Field(default=None, sa_type=Text)
    token_jti: str | None = Field(default=None, sa_type=Text)
    entry: bytes = Field(sa_type=LargeBinary)


class HeadRow(SQLModel, table=True):
    """The head of the log: a single row, ``id`` 1."""

    __tablename__ = "audit_head"

    id: int = Field(primary_key=True, sa_type=Integer, sa_column_kwargs={"autoincrement": False})
    size: int = Field(sa_type=BigInteger)
    frontier: bytes = Field(sa_type=LargeBinary)


class TileRow(SQLModel, table=True):
    """A full tile: 256 hashes of 32 bytes, and the root over them (the hash it contributes one level up)."""

    __tablename__ = "audit_tile"

    level: int = Field(primary_key=True, sa_type=Integer, sa_column_kwargs={"autoincrement": False})
    number: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    root: bytes = Field(sa_type=LargeBinary)
    hashes: bytes = Field(sa_type=LargeBinary)


class CheckpointRow(SQLModel, table=True):
    """A checkpoint that was signed: the note as published."""

    __tablename__ = "audit_checkpoint"

    size: int = Field(primary_key=True, sa_type=_Whole, sa_column_kwargs={"autoincrement": False})
    root: bytes = Field(sa_type=LargeBinary)
    signed_at: datetime = Field(sa_type=UtcMicroseconds)
    note: str = Field(sa_type=Text)


class SigningRow(SQLModel, table=True):
    """A record of the chain of signings; ``signed_at`` is that of its checkpoint, and one size is signed once."""

    __tablename__ = "audit_signing"

    number: int = Field(primary_key=True, sa_type=_Whole, sa_column_kwargs={"autoincrement": False})
    origin: str = Field(sa_type=Text)
    size: int = Field(sa_type=BigInteger, unique=True)
    root: bytes = Field(sa_type=LargeBinary)
    note_hash: bytes = Field(sa_type=LargeBinary)
    previous: bytes = Field(sa_type=LargeBinary)
    signed_at: datetime = Field(sa_type=UtcMicroseconds)
    signature: bytes = Field(sa_type=LargeBinary)


class CheckProgressRow(SQLModel, table=True):
    """How far the check of the whole log is: a single row, ``id`` 1."""

    __tablename__ = "audit_check"

    id: int = Field(primary_key=True, sa_type=Integer, sa_column_kwargs={"autoincrement": False})
    done: int = Field(sa_type=BigInteger)
    size: int = Field(sa_type=BigInteger)
    began_at: datetime = Field(sa_type=UtcMicroseconds)
    whole_at: datetime | None = Field(default=None, sa_type=UtcMicroseconds)
    whole_size: int | None = Field(default=None, sa_type=BigInteger)
    fault: str | None = Field(default=None, sa_type=Text)
