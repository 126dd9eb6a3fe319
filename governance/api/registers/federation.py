"""The federation: organisations, identity providers, services, AI manifests and console accounts.

1. Whoever may register decides who is believed: this is a scope of its own, not that of the context feeds.
2. A registration replaces the record of its key whole; the change and its record in the log are one transaction.
3. Registering a manifest never approves it; approving is an act of its own.
"""

from collections.abc import Mapping
from dataclasses import fields
from enum import StrEnum
from typing import Any, Protocol

from flask import Blueprint, Response, jsonify
from sqlmodel import Session

from governance.api.registers import federation_schemas as schemas
from governance.api.registers._changes import record_change
from governance.audit.event import JsonValue
from governance.federation import AiManifest, IdentityProvider, Person, Trust
from governance.vocabulary import Scope
from governance.web import current_services, operation, requires
from governance.web.body import validated

blueprint = Blueprint("federation", __name__)


class _Register(Protocol):
    def __call__(self, session: Session, value: Any, /) -> object: ...


@blueprint.get("/federation/v1/trusts")
@requires(Scope.FEDERATION_READ)
@operation(summary="List organisations", tag="federation", response=schemas.TrustList)
def trusts() -> Response:
    """Give every organisation."""
    services = current_services()
    with services.infrastructure.database.reading() as session:
        return jsonify({"trusts": [_shown(trust) for trust in services.registers.federation.trusts(session)]})


@blueprint.post("/federation/v1/trusts")
@requires(Scope.FEDERATION_WRITE)
@operation(summary="Register an organisation", tag="federation", request=schemas.TrustBody, response=schemas.TrustBody)
def register_trust() -> Response:
    """Insert or replace an organisation."""
    body = validated(schemas.TrustBody)
    trust = Trust(body.ods, body.name)
    return _register(
        current_services().registers.federation.register_trust, trust, {"registered": "trust", "ods": trust.ods}
    )


@blueprint.get("/federation/v1/identity-providers")
@requires(Scope.FEDERATION_READ)
@operation(summary="List identity providers", tag="federation", response=schemas.IdentityProviderList)
def identity_providers() -> Response:
    """Give every identity provider."""
    services = current_services()
    with services.infrastructure.database.reading() as session:
        found = services.registers.federation.identity_providers(session)
    return jsonify({"identity_providers": [_shown(provider) for provider in found]})


@blueprint.post("/federation/v1/identity-providers")
@requires(Scope.FEDERATION_WRITE)
@operation(
    summary="Register an identity provider",
    tag="federation",
    request=schemas.IdentityProviderBody,
    response=schemas.IdentityProviderBody,
)
def register_identity_provider() -> Response:
    """Insert or replace an issuer of identity tokens."""
    body = validated(schemas.IdentityProviderBody)
    provider = IdentityProvider(body.issuer, body.ods, body.jwks_uri, tuple(body.audiences))
    detail = {"registered": "identity_provider", "issuer": body.issuer, "ods": body.ods}
    return _register(current_services().registers.federation.register_identity_provider, provider, detail)


@blueprint.get("/federation/v1/clients")
@requires(Scope.FEDERATION_READ)
@operation(summary="List registered services", tag="federation", response=schemas.ClientList)
def clients() -> Response:
    """Give every registered service with its public keys."""
    services = current_services()
    with services.infrastructure.database.reading() as session:
        return jsonify({"clients": [_shown(client) for client in services.registers.federation.clients(session)]})


@blueprint.post("/federation/v1/clients")
@requires(Scope.FEDERATION_WRITE)
@operation(summary="Register a service", tag="federation", request=schemas.ClientBody, response=schemas.ClientBody)
def register_client() -> Response:
    """Insert or replace a registered service."""
    body = validated(schemas.ClientBody)
    client = body.registered()
    detail = {"registered": "client", "client_id": client.client_id, "scopes": sorted(client.scopes)}
    return _register(current_services().registers.federation.register_client, client, detail)


@blueprint.get("/federation/v1/manifests")
@requires(Scope.FEDERATION_READ)
@operation(summary="List manifests of AI services", tag="federation", response=schemas.ManifestList)
def manifests() -> Response:
    """Give every manifest with its approval."""
    services = current_services()
    with services.infrastructure.database.reading() as session:
        return jsonify({"manifests": [_manifest(one) for one in services.registers.federation.manifests(session)]})


@blueprint.post("/federation/v1/manifests")
@requires(Scope.FEDERATION_WRITE)
@operation(
    summary="Register the manifest of an AI service's version",
    tag="federation",
    request=schemas.ManifestBody,
    response=schemas.ManifestAnswer,
)
def register_manifest() -> Response:
    """Insert or replace a manifest, unapproved; 409 while the one on file is approved and differs."""
    services = current_services()
    manifest = validated(schemas.ManifestBody).registered()
    with services.infrastructure.database.transaction() as session:
        kept = services.registers.federation.register_manifest(session, manifest)
        detail = {"registered": "manifest", "service_id": kept.service_id, "version": kept.version}
        record_change(services, session, services.infrastructure.clock.now(), detail)
    return jsonify(_manifest(kept))


@blueprint.post("/federation/v1/manifests/<service_id>/<version>/approve")
@requires(Scope.FEDERATION_WRITE)
@operation(summary="Approve a version of an AI service", tag="federation", response=schemas.ManifestAnswer)
def approve_manifest(service_id: str, version: str) -> Response:
    """Approve a version from now on."""
    services = current_services()
    now = services.infrastructure.clock.now()
    with services.infrastructure.database.transaction() as session:
        kept = services.registers.federation.approve_manifest(session, service_id, version, now)
        detail = {"approved": "manifest", "service_id": service_id, "version": version}
        record_change(services, session, now, detail)
    return jsonify(_manifest(kept))


@blueprint.post("/federation/v1/manifests/<service_id>/<version>/withdraw")
@requires(Scope.FEDERATION_WRITE)
@operation(summary="Withdraw a version's approval", tag="federation", response=schemas.ManifestAnswer)
def withdraw_manifest(service_id: str, version: str) -> Response:
    """Withdraw a version's approval from now on."""
    services = current_services()
    now = services.infrastructure.clock.now()
    with services.infrastructure.database.transaction() as session:
        kept = services.registers.federation.withdraw_manifest(session, service_id, version, now)
        detail = {"withdrawn": "manifest", "service_id": service_id, "version": version}
        record_change(services, session, now, detail)
    return jsonify(_manifest(kept))


@blueprint.get("/federation/v1/persons")
@requires(Scope.FEDERATION_READ)
@operation(summary="List console accounts", tag="federation", response=schemas.PersonList)
def persons() -> Response:
    """Give every console account; the subject is a pseudonym."""
    services = current_services()
    with services.infrastructure.database.reading() as session:
        return jsonify({"persons": [_shown(person) for person in services.registers.federation.persons(session)]})


@blueprint.post("/federation/v1/persons")
@requires(Scope.FEDERATION_WRITE)
@operation(
    summary="Register a console account", tag="federation", request=schemas.PersonBody, response=schemas.PersonBody
)
def register_person() -> Response:
    """Insert or replace a console account."""
    services = current_services()
    body = validated(schemas.PersonBody)
    person = Person(
        body.issuer, services.infrastructure.pseudonymiser.subject(body.subject), body.ods, frozenset(body.roles)
    )
    detail = {"registered": "person", "subject": person.subject, "ods": person.ods, "roles": sorted(person.roles)}
    return _register(services.registers.federation.register_person, person, detail)


def _register(register: _Register, value: Any, detail: Mapping[str, JsonValue]) -> Response:
    """Keep a value and the record of it in one transaction, and answer the value as it is kept."""
    services = current_services()
    with services.infrastructure.database.transaction() as session:
        register(session, value)
        record_change(services, session, services.infrastructure.clock.now(), detail)
    return jsonify(_shown(value))


def _shown(value: Any) -> dict[str, Any]:
    """Give a registration as JSON: sets in order, codes as text."""
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    return value.value if isinstance(value, StrEnum) else value


def _manifest(manifest: AiManifest) -> dict[str, Any]:
    moments = {
        name: None if at is None else at.isoformat().replace("+00:00", "Z")
        for name, at in (("approved_at", manifest.approved_at), ("withdrawn_at", manifest.withdrawn_at))
    }
    return _shown(manifest) | moments | {"approved": manifest.approved}
