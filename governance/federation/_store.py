"""Reads and writes of the federation."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from governance.facts import note
from governance.federation import _standing_store as standings
from governance.federation._tables import (
    AiManifestRow,
    IdentityProviderRow,
    PersonRow,
    ServiceClientRow,
    StaffRow,
    TeamRow,
    TrustRow,
)
from governance.federation.known import facts_of, team_fact
from governance.federation.people import Person, StaffMember
from governance.federation.service_client import AiManifest, ServiceClient
from governance.federation.standing import Registered
from governance.federation.trust import IdentityProvider, Trust
from governance.storage.prepared import Prepared
from governance.storage.upsert import chunks, upsert
from governance.vocabulary import Attestation, Purpose, Role, SubjectType

_MODELS: Mapping[type, type[SQLModel]] = {
    AiManifest: AiManifestRow,
    IdentityProvider: IdentityProviderRow,
    Person: PersonRow,
    ServiceClient: ServiceClientRow,
    StaffMember: StaffRow,
    Trust: TrustRow,
}
_TRUST: sa.Table = TrustRow.__table__  # type: ignore[attr-defined]
_PROVIDER: sa.Table = IdentityProviderRow.__table__  # type: ignore[attr-defined]
_CLIENT: sa.Table = ServiceClientRow.__table__  # type: ignore[attr-defined]
_MANIFEST: sa.Table = AiManifestRow.__table__  # type: ignore[attr-defined]
_STAFF: sa.Table = StaffRow.__table__  # type: ignore[attr-defined]
_TEAM: sa.Table = TeamRow.__table__  # type: ignore[attr-defined]
_PERSON: sa.Table = PersonRow.__table__  # type: ignore[attr-defined]

_SPACE: sa.ColumnElement[str] = sa.literal_column("' '")
# Statements are built once: SQLAlchemy knows the object again and skips building and hashing it. What a decision asks
# is prepared: it goes straight to the driver.
_TRUSTS = sa.select(_TRUST).order_by(_TRUST.c.ods)
_TRUST_BY_ODS = Prepared(sa.select(_TRUST).where(_TRUST.c.ods == sa.bindparam("ods")))
_PROVIDER_IN_FORCE = standings.in_force(Registered.IDENTITY_PROVIDER, _PROVIDER.c.issuer)
_FILED_PROVIDERS = sa.select(_PROVIDER).order_by(_PROVIDER.c.issuer)
_PROVIDERS = _FILED_PROVIDERS.where(_PROVIDER_IN_FORCE)
_FILED_PROVIDER = sa.select(_PROVIDER).where(_PROVIDER.c.issuer == sa.bindparam("issuer"))
_PROVIDER_BY_ISSUER = Prepared(_FILED_PROVIDER.where(_PROVIDER_IN_FORCE))
_CLIENT_IN_FORCE = standings.in_force(Registered.CLIENT, _CLIENT.c.client_id)
_FILED_CLIENTS = sa.select(_CLIENT).order_by(_CLIENT.c.client_id)
_CLIENTS = _FILED_CLIENTS.where(_CLIENT_IN_FORCE)
_FILED_CLIENT = sa.select(_CLIENT).where(_CLIENT.c.client_id == sa.bindparam("client_id"))
_CLIENT_BY_ID = Prepared(_FILED_CLIENT.where(_CLIENT_IN_FORCE))
_FILED_ARCHIVE = sa.select(_CLIENT).where(_CLIENT.c.token_audience == sa.bindparam("audience"))
_ARCHIVE = _FILED_ARCHIVE.where(_CLIENT_IN_FORCE)
_ORIGINS = sa.select(_CLIENT.c.origins).where(_CLIENT_IN_FORCE)
_MANIFESTS = sa.select(_MANIFEST).order_by(_MANIFEST.c.service_id, _MANIFEST.c.version)
_MANIFESTS_OF = _MANIFESTS.where(_MANIFEST.c.service_id == sa.bindparam("service_id"))
_MANIFEST_BY_VERSION = Prepared(_MANIFESTS_OF.where(_MANIFEST.c.version == sa.bindparam("version")))
_NAMED_BY = sa.func.coalesce(sa.func.nullif(_STAFF.c.issuer, sa.literal_column("''")), _STAFF.c.ods)
_STAFF_MEMBERS = sa.select(
    _STAFF, standings.in_force(Registered.PERSON, _NAMED_BY + _SPACE + _STAFF.c.id).label("in_force")
)
_STAFF_BY_ID = Prepared(_STAFF_MEMBERS.where(_STAFF.c.id == sa.bindparam("id")))
_STAFF_BY_IDS = _STAFF_MEMBERS.where(_STAFF.c.id.in_(sa.bindparam("ids", expanding=True)))
_STAFF_OF_PATIENTS = _STAFF_MEMBERS.where(_STAFF.c.patient_key.in_(sa.bindparam("keys", expanding=True)))
_PLACE = (_STAFF.c.id, _STAFF.c.ods, _STAFF.c.issuer)
_STAFF_OF = (
    sa.select(_STAFF)
    .where(
        _STAFF.c.ods.in_(sa.bindparam("organisations", expanding=True)),
        sa.tuple_(*_PLACE) > sa.tuple_(sa.bindparam("id"), sa.bindparam("ods"), sa.bindparam("issuer")),
    )
    .order_by(*_PLACE)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_NAMES: sa.BindParameter[list[str]] = sa.bindparam("names", expanding=True)
_NAMED = Prepared(
    sa.union_all(
        sa.select(_STAFF.c.id.label("name"), _STAFF.c.ods).where(_STAFF.c.id.in_(_NAMES)),
        sa.select(_TEAM.c.team.label("name"), _TEAM.c.ods).where(_TEAM.c.team.in_(_NAMES)),
    )
)
_IN_WHOSE_NAMES: sa.ColumnElement[str] = (
    sa.select(sa.func.coalesce(_PROVIDER.c.ods, _PROVIDER.c.issuer))
    .where(_PROVIDER.c.issuer == _PERSON.c.issuer)
    .correlate(_PERSON)
    .scalar_subquery()
)
_PERSON_IN_FORCE = standings.in_force(Registered.PERSON, _IN_WHOSE_NAMES + _SPACE + _PERSON.c.subject)
_FILED_PERSONS = sa.select(_PERSON).order_by(_PERSON.c.issuer, _PERSON.c.subject)
_PERSONS = _FILED_PERSONS.where(_PERSON_IN_FORCE)
_FILED_PERSON = sa.select(_PERSON).where(
    _PERSON.c.issuer == sa.bindparam("issuer"), _PERSON.c.subject == sa.bindparam("subject")
)
_FILED_PERSONS_CALLED = sa.select(_PERSON, _IN_WHOSE_NAMES.label("named_by")).where(
    _PERSON.c.subject == sa.bindparam("subject")
)
_PERSON_BY_SUBJECT = _FILED_PERSON.where(_PERSON_IN_FORCE)


def put(session: Session, values: Sequence[Any]) -> None:
    """Insert or replace values of one domain class by their key; of two with one key the last wins."""
    if values:
        model = _MODELS[type(values[0])]
        names = [field.name for field in fields(values[0]) if field.name in model.model_fields]
        upsert(session, model, [{name: _plain(getattr(value, name)) for name in names} for value in values])
        note(session, facts_of(values))


def trusts(session: Session) -> list[Trust]:
    """Give every organisation, by ODS code."""
    return [Trust(**row) for row in _rows(session, _TRUSTS)]


def trust(session: Session, ods: str) -> Trust | None:
    """Find an organisation."""
    return next((Trust(**row) for row in _TRUST_BY_ODS.rows(session, ods=ods)), None)


def identity_providers(session: Session) -> list[IdentityProvider]:
    """Give every identity provider that is in force, by issuer."""
    return [_provider(row) for row in _rows(session, _PROVIDERS)]


def identity_provider(session: Session, issuer: str) -> IdentityProvider | None:
    """Find an identity provider that is in force by its exact issuer."""
    return next((_provider(row) for row in _PROVIDER_BY_ISSUER.rows(session, issuer=issuer)), None)


def filed_identity_providers(session: Session) -> list[IdentityProvider]:
    """Give every identity provider, in force or not, by issuer."""
    return [_provider(row) for row in _rows(session, _FILED_PROVIDERS)]


def filed_identity_provider(session: Session, issuer: str) -> IdentityProvider | None:
    """Find an identity provider, in force or not."""
    return next((_provider(row) for row in _rows(session, _FILED_PROVIDER, issuer=issuer)), None)


def clients(session: Session) -> list[ServiceClient]:
    """Give every service that is in force, by client id."""
    return [_client(row) for row in _rows(session, _CLIENTS)]


def client(session: Session, client_id: str) -> ServiceClient | None:
    """Find a service that is in force."""
    return next((_client(row) for row in _CLIENT_BY_ID.rows(session, client_id=client_id)), None)


def origins(session: Session) -> frozenset[str]:
    """Give the origins of the pages of every service that is in force."""
    return frozenset(one for row in _rows(session, _ORIGINS) for one in row["origins"] or ())


def filed_clients(session: Session) -> list[ServiceClient]:
    """Give every service, in force or not."""
    return [_client(row) for row in _rows(session, _FILED_CLIENTS)]


def filed_client(session: Session, client_id: str) -> ServiceClient | None:
    """Find a service, in force or not."""
    return next((_client(row) for row in _rows(session, _FILED_CLIENT, client_id=client_id)), None)


def archive(session: Session, audience: str) -> ServiceClient | None:
    """Find the archive that is in force and whose tokens carry an audience."""
    return next((_client(row) for row in _rows(session, _ARCHIVE, audience=audience)), None)


def filed_archive(session: Session, audience: str) -> ServiceClient | None:
    """Find the archive whose tokens carry an audience, in force or not."""
    return next((_client(row) for row in _rows(session, _FILED_ARCHIVE, audience=audience)), None)


def give_up_audience(session: Session, client_id: str) -> None:
    """Take the token audience from a service, so that another archive may have it."""
    session.connection().execute(sa.update(_CLIENT).where(_CLIENT.c.client_id == client_id).values(token_audience=None))


def manifests(session: Session, service_id: str | None) -> list[AiManifest]:
    """Give the manifests of one AI service or of all, by service and version."""
    if service_id is None:
        return [_manifest(row) for row in _rows(session, _MANIFESTS)]
    return [_manifest(row) for row in _rows(session, _MANIFESTS_OF, service_id=service_id)]


def manifest(session: Session, service_id: str, version: str) -> AiManifest | None:
    """Find the manifest of one version."""
    found = _MANIFEST_BY_VERSION.rows(session, service_id=service_id, version=version)
    return next((_manifest(row) for row in found), None)


def namesakes(session: Session, pseudonym: str) -> list[StaffMember]:
    """Give every member of staff of a pseudonym, of whichever trust."""
    return [_staff(row) for row in _STAFF_BY_ID.rows(session, id=pseudonym)]


def put_teams(session: Session, teams: Iterable[tuple[str, str]]) -> None:
    """Keep which trusts have which teams, by pseudonym."""
    rows = list(teams)
    upsert(session, TeamRow, [{"team": team, "ods": ods} for team, ods in rows])
    note(session, [team_fact(team, ods) for team, ods in rows])


def named(session: Session, names: Sequence[str]) -> list[tuple[str, str]]:
    """Give the trusts that have staff or teams of these pseudonyms, each with the pseudonym."""
    return [(row["name"], row["ods"]) for row in _NAMED.rows(session, names=names)]


def staff(session: Session, pseudonyms: Sequence[str]) -> list[StaffMember]:
    """Find many members of staff; unknown ones are left out."""
    return [_staff(row) for chunk in chunks(pseudonyms) for row in _rows(session, _STAFF_BY_IDS, ids=list(chunk))]


def staff_of_patients(session: Session, keys: Sequence[str]) -> list[StaffMember]:
    """Find the members of staff whose patient is one of some, by pseudonym or key."""
    return [_staff(row) for chunk in chunks(keys) for row in _rows(session, _STAFF_OF_PATIENTS, keys=list(chunk))]


def staff_page(
    session: Session, organisations: Sequence[str], after: tuple[str, str, str], limit: int
) -> list[StaffMember]:
    """Give a page of the members of staff of some organisations, by id, trust and issuer, those after such a place."""
    name, ods, issuer = after
    found = _rows(session, _STAFF_OF, organisations=list(organisations), id=name, ods=ods, issuer=issuer, most=limit)
    return [_staff(row) for row in found]


def persons(session: Session) -> list[Person]:
    """Give every console account that is in force, by issuer and subject."""
    return [_person(row) for row in _rows(session, _PERSONS)]


def person(session: Session, issuer: str, subject: str) -> Person | None:
    """Find a console account that is in force."""
    found = _rows(session, _PERSON_BY_SUBJECT, issuer=issuer, subject=subject)
    return next((_person(row) for row in found), None)


def filed_persons(session: Session) -> list[Person]:
    """Give every console account, in force or not."""
    return [_person(row) for row in _rows(session, _FILED_PERSONS)]


def filed_persons_called(session: Session, subject: str) -> list[tuple[str, Person]]:
    """Give every console account of a pseudonym, in force or not, each with in whose names it is one."""
    found = _rows(session, _FILED_PERSONS_CALLED, subject=subject)
    return [(row.pop("named_by"), _person(row)) for row in found]


def filed_person(session: Session, issuer: str, subject: str) -> Person | None:
    """Find a console account, in force or not."""
    return next((_person(row) for row in _rows(session, _FILED_PERSON, issuer=issuer, subject=subject)), None)


def _rows(session: Session, statement: sa.Select[Any], **values: Any) -> Iterator[dict[str, Any]]:
    return (dict(row) for row in session.connection().execute(statement, values).mappings())


def _plain(value: Any) -> Any:
    """Turn a domain value into one a column takes; sets are sorted so that equal sets are stored alike."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, frozenset):
        return sorted(map(_plain, value))
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def _provider(row: dict[str, Any]) -> IdentityProvider:
    return IdentityProvider(**row | {"audiences": tuple(row["audiences"])})


def _client(row: dict[str, Any]) -> ServiceClient:
    typed = {
        "kind": SubjectType(row["kind"]),
        "scopes": frozenset(row["scopes"]),
        "audiences": tuple(row["audiences"]),
        "asks_for": frozenset(row["asks_for"]),
        "attests": frozenset(map(Attestation, row["attests"])),
        "writes_for": frozenset(row["writes_for"]),
        "origins": tuple(row["origins"] or ()),
    }
    return ServiceClient(**row | typed)


def _manifest(row: dict[str, Any]) -> AiManifest:
    sets = {name: frozenset(row[name]) for name in ("modalities", "body_parts", "trusts")}
    return AiManifest(**row | sets | {"purposes": frozenset(map(Purpose, row["purposes"]))})


def _staff(row: dict[str, Any]) -> StaffMember:
    return StaffMember(**row | {"team_ids": tuple(row["team_ids"])})


def _person(row: dict[str, Any]) -> Person:
    return Person(**row | {"roles": frozenset(map(Role, row["roles"]))})
