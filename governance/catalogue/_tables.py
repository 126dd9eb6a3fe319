"""The tables of the catalogue: a study, and the trusts that answer for it."""

from datetime import date

from sqlmodel import Field, SQLModel

from governance.storage import json_column


class StudyRow(SQLModel, table=True):
    """A study by its UID; ``study`` is its pseudonym, ``patient`` the patient's."""

    __tablename__ = "catalogue_study"

    study_uid: str = Field(primary_key=True)
    study: str = Field(unique=True)
    patient: str = Field(index=True)
    modality: str
    body_part: str | None = None
    study_date: date
    labels: list[str] = Field(sa_column=json_column())


class CustodianRow(SQLModel, table=True):
    """One trust that answers for a study; ``position`` keeps the feed's order. No row means no owner."""

    __tablename__ = "catalogue_custodian"

    study_uid: str = Field(primary_key=True, foreign_key="catalogue_study.study_uid")
    ods: str = Field(primary_key=True, index=True)
    position: int
