"""The tables of the federation: organisations, identity providers, services, manifests, staff and console accounts."""

from datetime import date, datetime
from typing import Any

from sqlmodel import Field, SQLModel

from governance.storage import json_column, utc_column


class TrustRow(SQLModel, table=True):
    """An organisation of the network."""

    __tablename__ = "federation_trust"

    ods: str = Field(primary_key=True)
    name: str


class IdentityProviderRow(SQLModel, table=True):
    """An accepted issuer; a null ``ods`` is a national provider."""

    __tablename__ = "federation_identity_provider"

    issuer: str = Field(primary_key=True)
    ods: str | None = Field(default=None, foreign_key="federation_trust.ods")
    jwks_uri: str
    audiences: list[str] = Field(sa_column=json_column())


class ServiceClientRow(SQLModel, table=True):
    """A registered service and its public keys."""

    __tablename__ = "federation_service_client"

    client_id: str = Field(primary_key=True)
    ods: str = Field(foreign_key="federation_trust.ods", index=True)
    name: str
    kind: str
    jwks: dict[str, Any] = Field(sa_column=json_column())
    scopes: list[str] = Field(sa_column=json_column())
    audiences: list[str] = Field(sa_column=json_column())
    ai_version: str | None = None
    token_audience: str | None = Field(default=None, unique=True)
    asks_for: list[str] = Field(sa_column=json_column())
    attests: list[str] = Field(sa_column=json_column())
    writes_for: list[str] = Field(sa_column=json_column())
    origins: list[str] | None = Field(default=None, sa_column=json_column(nullable=True))


class AiManifestRow(SQLModel, table=True):
    """One version of an AI service and its approval."""

    __tablename__ = "federation_ai_manifest"

    service_id: str = Field(primary_key=True, foreign_key="federation_service_client.client_id")
    version: str = Field(primary_key=True)
    modalities: list[str] = Field(sa_column=json_column())
    body_parts: list[str] = Field(sa_column=json_column())
    trusts: list[str] = Field(sa_column=json_column())
    purposes: list[str] = Field(sa_column=json_column())
    daily_volume: int
    approved_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))
    withdrawn_at: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))


class StaffRow(SQLModel, table=True):
    """A member of staff by pseudonym, trust and issuer (empty: the trust's own); ties are keyed hashes."""

    __tablename__ = "federation_staff"

    id: str = Field(primary_key=True)
    ods: str = Field(primary_key=True, index=True)
    issuer: str = Field(default="", primary_key=True)
    role: str
    department: str | None = None
    manager: str | None = None
    site: str | None = None
    team_ids: list[str] = Field(sa_column=json_column())
    patient_key: str | None = Field(default=None, index=True)
    household_key: str | None = None
    surname_key: str | None = None
    surname_share: float | None = None
    postcode_key: str | None = None
    training_valid_to: date | None = None
    leaves_on: date | None = None


class TeamRow(SQLModel, table=True):
    """A team that staff of a trust are in, by the pseudonym of its name; never forgotten, so that none is inherited."""

    __tablename__ = "federation_team"

    team: str = Field(primary_key=True)
    ods: str = Field(primary_key=True)


class PersonRow(SQLModel, table=True):
    """A console account; ``subject`` is a pseudonym."""

    __tablename__ = "federation_person"

    issuer: str = Field(primary_key=True, foreign_key="federation_identity_provider.issuer")
    subject: str = Field(primary_key=True)
    ods: str = Field(foreign_key="federation_trust.ods")
    roles: list[str] = Field(sa_column=json_column())
