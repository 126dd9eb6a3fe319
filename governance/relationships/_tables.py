"""The tables of relationships: edges, what trusts say of patients, and opt-out checks, kept apart and for a while."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from governance.storage import json_column, utc_column

# Edges without a patient are left out of the patient index: a planner would otherwise walk all of them in it.
_NAMED = text("patient IS NOT NULL")
_NAMES_STUDY_ONLY = text("patient IS NULL AND study IS NOT NULL")


class EdgeRow(SQLModel, table=True):
    """One edge by its feed id; subject, patient and study are pseudonyms."""

    __tablename__ = "relationships_edge"
    __table_args__ = (
        Index("ix_relationships_edge_look_up", "subject", "patient", "study", "ods"),
        Index("ix_relationships_edge_patient", "patient", "valid_from", sqlite_where=_NAMED, postgresql_where=_NAMED),
        Index("ix_relationships_edge_ods", "ods", "kind"),
        Index(
            "ix_relationships_edge_study",
            "study",
            sqlite_where=_NAMES_STUDY_ONLY,
            postgresql_where=_NAMES_STUDY_ONLY,
        ),
    )

    id: str = Field(primary_key=True)
    kind: str
    subject: str
    patient: str | None = None
    study: str | None = None
    ods: str
    valid_from: datetime = Field(sa_column=utc_column())
    valid_until: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    source: str
    named_by: str | None = None
    site: str | None = None
    purpose: str | None = None
    destination: str | None = None
    limit: int | None = Field(default=None, sa_type=BigInteger)


class ReferralWordRow(SQLModel, table=True):
    """What one end of a referral says of it, by the referral's feed id and the trust that says so."""

    __tablename__ = "relationships_referral_word"

    id: str = Field(primary_key=True)
    said_by: str = Field(primary_key=True)
    subject: str
    patient: str | None = None
    study: str | None = None
    ods: str
    valid_from: datetime = Field(sa_column=utc_column())
    valid_until: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    source: str
    named_by: str | None = None
    site: str | None = None
    purpose: str | None = None
    destination: str | None = None
    limit: int | None = Field(default=None, sa_type=BigInteger)


class PatientRow(SQLModel, table=True):
    """What one trust says of a patient, with ties as keyed hashes; an empty ``ods`` says it for the region."""

    __tablename__ = "relationships_patient"

    patient: str = Field(primary_key=True)
    ods: str = Field(primary_key=True)
    household_key: str | None = Field(default=None, index=True)
    surname_key: str | None = None
    surname_share: float | None = None
    postcode_key: str | None = None
    staff: str | None = Field(default=None, index=True)
    flags: list[str] = Field(sa_column=json_column())
    deceased_on: date | None = None


class PatientKeyRow(SQLModel, table=True):
    """A patient's key under one tie key, with the patient's pseudonym."""

    __tablename__ = "relationships_patient_key"

    key: str = Field(primary_key=True, max_length=66)
    patient: str = Field(index=True)


class OptOutRow(SQLModel, table=True):
    """A national data opt-out check: a cache, never part of the patient's record, purged when it is too old."""

    __tablename__ = "relationships_opt_out"

    patient: str = Field(primary_key=True)
    opt_out: bool
    checked_at: datetime = Field(sa_column=utc_column(index=True))
