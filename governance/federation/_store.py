"""Reads and writes of the federation."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from governance.federation._tables import (
    AiManifestRow,
    IdentityProviderRow,
    PersonRow,
    ServiceClientRow,
    StaffRow,
    TrustRow,
)
from governance.federation.people import Person, StaffMember
from governance.federation.service_client import AiManifest, ServiceClient
from governance.federation.trust import IdentityProvider, Trust
from governance.storage.upsert import chunks, upsert
from governance.vocabulary import Purpose, Role, SubjectType

_MODELS: Mapping[type, type[SQLModel]] = {
    AiManifest: AiManifestRow,
    IdentityProvider: IdentityProviderRow,
    Person: PersonRow,
    ServiceClient: ServiceClientRow,
    StaffMember: StaffRow,
    Trust: TrustRow,
}
_STAFF: sa.Table = StaffRow.__table__  # type: ignore[attr-defined]


def put(session: Session, values: Sequence[Any]) -> None:
    """Insert or replace values of one domain class by their key; of two with one key the last wins."""
    if values:
        names = [field.name for field in fields(values[0])]
        rows = [{name: _plain(getattr(value, name)) for name in names} for value in values]
        upsert(session, _MODELS[type(values[0])], rows)


def trusts(session: Session) -> list[Trust]:
    """Give every organisation, by ODS code."""
    return [_trust(row) for row in session.exec(select(TrustRow).order_by(col(TrustRow.ods)))]


def trust(session: Session, ods: str) -> Trust | None:
    """Find an organisation."""
    row = session.exec(select(TrustRow).where(TrustRow.ods == ods)).first()
    return None if row is None else _trust(row)


def identity_providers(session: Session) -> list[IdentityProvider]:
    """Give every identity provider, by issuer."""
    rows = session.exec(select(IdentityProviderRow).order_by(col(IdentityProviderRow.issuer)))
    return [_identity_provider(row) for row in rows]


def identity_provider(session: Session, issuer: str) -> IdentityProvider | None:
    """Find an identity provider by its exact issuer."""
    row = session.exec(select(IdentityProviderRow).where(IdentityProviderRow.issuer == issuer)).first()
    return None if row is None else _identity_provider(row)


def clients(session: Session) -> list[ServiceClient]:
    """Give every registered service, by client id."""
    return [_client(row) for row in session.exec(select(ServiceClientRow).order_by(col(ServiceClientRow.client_id)))]


def client(session: Session, client_id: str) -> ServiceClient | None:
    """Find a registered service."""
    row = session.exec(select(ServiceClientRow).where(ServiceClientRow.client_id == client_id)).first()
    return None if row is None else _client(row)


def archives(session: Session, ods: str) -> list[ServiceClient]:
    """Give the archives that hold a custodian's images, by client id."""
    statement = (
        select(ServiceClientRow)
        .where(ServiceClientRow.ods == ods, col(ServiceClientRow.token_audience).is_not(None))
        .order_by(col(ServiceClientRow.client_id))
    )
    return [_client(row) for row in session.exec(statement)]


def archive(session: Session, audience: str) -> ServiceClient | None:
    """Find the archive whose tokens carry an audience."""
    row = session.exec(select(ServiceClientRow).where(ServiceClientRow.token_audience == audience)).first()
    return None if row is None else _client(row)


def manifests(session: Session, service_id: str | None) -> list[AiManifest]:
    """Give the manifests of one AI service or of all, by service and version."""
    statement = select(AiManifestRow).order_by(col(AiManifestRow.service_id), col(AiManifestRow.version))
    if service_id is not None:
        statement = statement.where(AiManifestRow.service_id == service_id)
    return [_manifest(row) for row in session.exec(statement)]


def manifest(session: Session, service_id: str, version: str) -> AiManifest | None:
    """Find the manifest of one version."""
    statement = select(AiManifestRow).where(AiManifestRow.service_id == service_id, AiManifestRow.version == version)
    row = session.exec(statement).first()
    return None if row is None else _manifest(row)


def staff(session: Session, pseudonyms: Sequence[str]) -> list[StaffMember]:
    """Find members of staff; unknown ones are left out."""
    found: list[StaffMember] = []
    for chunk in chunks(pseudonyms):
        found += _read_staff(session, _STAFF.c.id.in_(chunk))
    return found


def staff_of(session: Session, patient: str) -> list[StaffMember]:
    """Find the members of staff who are a patient."""
    return _read_staff(session, _STAFF.c.patient_key == patient)


def persons(session: Session) -> list[Person]:
    """Give every console account, by issuer and subject."""
    rows = session.exec(select(PersonRow).order_by(col(PersonRow.issuer), col(PersonRow.subject)))
    return [_person(row) for row in rows]


def person(session: Session, issuer: str, subject: str) -> Person | None:
    """Find a console account."""
    row = session.exec(select(PersonRow).where(PersonRow.issuer == issuer, PersonRow.subject == subject)).first()
    return None if row is None else _person(row)


def _plain(value: Any) -> Any:
    """Turn a domain value into one a column takes; sets are sorted so that equal sets are stored alike."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, frozenset):
        return sorted(map(_plain, value))
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def _trust(row: TrustRow) -> Trust:
    return Trust(row.ods, row.name)


def _identity_provider(row: IdentityProviderRow) -> IdentityProvider:
    return IdentityProvider(row.issuer, row.ods, row.jwks_uri, tuple(row.audiences))


def _client(row: ServiceClientRow) -> ServiceClient:
    return ServiceClient(
        client_id=row.client_id,
        ods=row.ods,
        name=row.name,
        kind=SubjectType(row.kind),
        jwks=row.jwks,
        scopes=frozenset(row.scopes),
        audiences=tuple(row.audiences),
        ai_version=row.ai_version,
        token_audience=row.token_audience,
    )


def _manifest(row: AiManifestRow) -> AiManifest:
    return AiManifest(
        service_id=row.service_id,
        version=row.version,
        modalities=frozenset(row.modalities),
        body_parts=frozenset(row.body_parts),
        trusts=frozenset(row.trusts),
        purposes=frozenset(map(Purpose, row.purposes)),
        daily_volume=row.daily_volume,
        approved_at=row.approved_at,
        withdrawn_at=row.withdrawn_at,
    )


def _read_staff(session: Session, condition: Any) -> list[StaffMember]:
    rows = session.connection().execute(sa.select(_STAFF).where(condition)).mappings()
    return [StaffMember(**{**row, "team_ids": tuple(row["team_ids"])}) for row in rows]


def _person(row: PersonRow) -> Person:
    return Person(row.issuer, row.subject, row.ods, frozenset(map(Role, row.roles)))
