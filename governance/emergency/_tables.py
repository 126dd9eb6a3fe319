"""The table of emergency grants."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from governance.storage import utc_column


class EmergencyGrantRow(SQLModel, table=True):
    """One approved task and its grant; ``idempotency_key`` is a digest of the caller's key."""

    __tablename__ = "emergency_grant"
    __table_args__ = (
        UniqueConstraint("caller", "idempotency_key", name="uq_emergency_grant_key"),
        Index("ix_emergency_grant_subject_study", "subject", "study"),
    )

    id: str = Field(primary_key=True, max_length=64)
    approval_id: str = Field(max_length=64, unique=True)
    caller: str = Field(max_length=128)
    idempotency_key: str | None = Field(default=None, max_length=64)
    body_digest: str = Field(max_length=64)
    evaluation_id: str = Field(max_length=128, unique=True)
    subject: str = Field(max_length=64)
    role: str | None = Field(default=None, max_length=64)
    ods: str = Field(max_length=10)
    study: str = Field(max_length=64)
    action: str = Field(max_length=32)
    purpose: str = Field(max_length=32)
    named_by: str = Field(max_length=2_000)
    agreement_id: str = Field(max_length=128)
    agreement_version: int
    clause: str = Field(max_length=64)
    since: datetime = Field(sa_column=utc_column())
    until: datetime = Field(sa_column=utc_column(index=True))
    revoked_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
