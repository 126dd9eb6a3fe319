"""The tables of facts: versions of register rows, and how far back they can be asked."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, Text, text
from sqlmodel import Field, SQLModel


def _where(condition: str, name: str, *columns: str) -> Index:
    return Index(name, *columns, sqlite_where=text(condition), postgresql_where=text(condition))


class FactVersionRow(SQLModel, table=True):
    """One version of a row, by kind and key, and the log index of the record it is known since.

    ``superseded`` is the index of the record that ended it, null while it is what is known. Valid times are in
    microseconds. ``value`` is JSON. ``sealed`` is an envelope of the vault for ``owner``, or, of what was on file when
    history began and was not sealed yet, the JSON itself.
    """

    __tablename__ = "fact_version"
    __table_args__ = (
        # Rows about a subject alone: a team's worklist names patients, and would be walked with its rotas otherwise.
        _where("patient IS NULL AND study IS NULL", "ix_fact_version_subject", "subject", "kind"),
        _where("patient IS NOT NULL", "ix_fact_version_patient", "patient", "kind"),
        _where("study IS NOT NULL", "ix_fact_version_study", "study", "kind"),
        Index("ix_fact_version_known_since", "known_since"),
        _where("superseded IS NOT NULL", "ix_fact_version_superseded", "superseded"),
        _where("sealed LIKE '{%'", "ix_fact_version_open", "kind", "key"),
    )

    kind: str = Field(primary_key=True, max_length=16)
    key: str = Field(primary_key=True, sa_type=Text)
    known_since: int = Field(primary_key=True, sa_type=BigInteger)
    superseded: int | None = Field(default=None, sa_type=BigInteger)
    subject: str | None = Field(default=None, sa_type=Text)
    patient: str | None = Field(default=None, sa_type=Text)
    study: str | None = Field(default=None, sa_type=Text)
    ods: str | None = Field(default=None, sa_type=Text)
    valid_from: int | None = Field(default=None, sa_type=BigInteger)
    valid_until: int | None = Field(default=None, sa_type=BigInteger)
    gone: bool = Field(default=False)
    value: str = Field(sa_type=Text)
    owner: str | None = Field(default=None, sa_type=Text)
    sealed: str | None = Field(default=None, sa_type=Text)


class FactHorizonRow(SQLModel, table=True):
    """The oldest index of the log that facts can be asked about: one row."""

    __tablename__ = "fact_horizon"

    name: str = Field(primary_key=True, max_length=16)
    oldest: int = Field(sa_type=BigInteger)
