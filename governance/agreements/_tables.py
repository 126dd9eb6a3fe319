"""The tables of agreements: texts that never change, and their states."""

from datetime import datetime

from sqlalchemy import Column, Index, Integer, Text
from sqlmodel import Field, SQLModel

from governance.storage import utc_column


class AgreementVersion(SQLModel, table=True):
    """One version: its canonical text and hash, written once, and its state."""

    __tablename__ = "agreement_version"

    agreement_id: str = Field(primary_key=True, max_length=64)
    version: int = Field(primary_key=True)
    title: str
    text: str = Field(sa_column=Column(Text, nullable=False))
    text_hash: str = Field(max_length=64)
    status: str = Field(max_length=16, index=True)
    status_reason: str | None = Field(default=None)
    status_changed_at: datetime = Field(sa_column=utc_column())
    begins_at: datetime = Field(sa_column=utc_column())
    ends_at: datetime = Field(sa_column=utc_column(index=True))
    loaded_at: datetime = Field(sa_column=utc_column())
    superseded_by: int | None = Field(default=None)


class AgreementParty(SQLModel, table=True):
    """A party of a version, so that a trust's agreements can be found."""

    __tablename__ = "agreement_party"
    __table_args__ = (Index("ix_agreement_party_ods", "ods", "agreement_id", "version"),)

    agreement_id: str = Field(primary_key=True, max_length=64)
    version: int = Field(primary_key=True)
    ods: str = Field(primary_key=True, max_length=10)
    role: str = Field(max_length=16)


class AgreementSignature(SQLModel, table=True):
    """A signature over the text of a version; one for each party and key."""

    __tablename__ = "agreement_signature"

    agreement_id: str = Field(primary_key=True, max_length=64)
    version: int = Field(primary_key=True)
    ods: str = Field(primary_key=True, max_length=10)
    key_id: str = Field(primary_key=True, max_length=64)
    name: str
    role: str
    algorithm: str = Field(max_length=16)
    signature: str = Field(max_length=128)
    signed_at: datetime = Field(sa_column=utc_column())


class PartyKeyRow(SQLModel, table=True):
    """A signatory's public key; never deleted, only revoked."""

    __tablename__ = "party_key"

    key_id: str = Field(primary_key=True, max_length=64)
    ods: str = Field(max_length=10, index=True)
    name: str
    role: str
    algorithm: str = Field(max_length=16)
    public_key: str = Field(sa_column=Column(Text, nullable=False))
    registered_at: datetime = Field(sa_column=utc_column())
    revoked_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))


class AgreementChange(SQLModel, table=True):
    """Every step in the life of every version and key, in order; who took it is in the audit log."""

    __tablename__ = "agreement_change"
    __table_args__ = (
        Index("ix_agreement_change_agreement", "agreement_id", "sequence"),
        {"sqlite_autoincrement": True},
    )

    sequence: int | None = Field(default=None, sa_column=Column(Integer, primary_key=True, autoincrement=True))
    agreement_id: str | None = Field(default=None, max_length=64)
    version: int | None = Field(default=None)
    transition: str = Field(max_length=32)
    status: str | None = Field(default=None, max_length=16)
    reason: str | None = Field(default=None)
    at: datetime = Field(sa_column=utc_column())


class PolicyGeneration(SQLModel, table=True):
    """One row, counted up inside every transaction that changes the policy: a process that sees a new count recompiles.

    A counter that is updated serialises its writers, so a later count never hides an earlier commit; a sequence would.
    """

    __tablename__ = "policy_generation"

    name: str = Field(primary_key=True, max_length=16)
    generation: int
