"""The federation: organisations, identity providers, services, AI manifests and console accounts.

Whoever may register decides who is believed: this is a scope of its own, not that of the context feeds. A client
registers for its own trust, the network's office for all. What a registration does is in
:mod:`governance.registers.registrations`.
"""

from dataclasses import fields
from enum import StrEnum
from typing import Any

from flask import Blueprint, Response, jsonify

from governance.api.registers import federation_schemas as schemas
from governance.api.registers._writer import current_writer
from governance.federation import WHOLE_REGION, AiManifest, ServiceClient
from governance.vocabulary import Scope
from governance.web import current_services, operation, requires
from governance.web.body import validated

blueprint = Blueprint("federation", __name__)


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
    trust = validated(schemas.TrustBody).registered()
    current_services().uses.registrations.trust(current_writer(), trust)
    return jsonify(_shown(trust))


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
    provider = validated(schemas.IdentityProviderBody).registered()
    current_services().uses.registrations.identity_provider(current_writer(), provider)
    return jsonify(_shown(provider))


@blueprint.get("/federation/v1/clients")
@requires(Scope.FEDERATION_READ)
@operation(summary="List registered services", tag="federation", response=schemas.ClientList)
def clients() -> Response:
    """Give every registered service with its public keys."""
    services = current_services()
    with services.infrastructure.database.reading() as session:
        return jsonify({"clients": [_client(client) for client in services.registers.federation.clients(session)]})


@blueprint.post("/federation/v1/clients")
@requires(Scope.FEDERATION_WRITE)
@operation(summary="Register a service", tag="federation", request=schemas.ClientBody, response=schemas.ClientBody)
def register_client() -> Response:
    """Insert or replace a registered service."""
    client = validated(schemas.ClientBody).registered()
    current_services().uses.registrations.client(current_writer(), client)
    return jsonify(_client(client))


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
    manifest = validated(schemas.ManifestBody).registered()
    return jsonify(_manifest(current_services().uses.registrations.manifest(current_writer(), manifest)))


@blueprint.post("/federation/v1/manifests/<service_id>/<version>/approve")
@requires(Scope.FEDERATION_WRITE)
@operation(summary="Approve a version of an AI service", tag="federation", response=schemas.ManifestAnswer)
def approve_manifest(service_id: str, version: str) -> Response:
    """Approve a version from now on."""
    return jsonify(_manifest(current_services().uses.registrations.approve(current_writer(), service_id, version)))


@blueprint.post("/federation/v1/manifests/<service_id>/<version>/withdraw")
@requires(Scope.FEDERATION_WRITE)
@operation(summary="Withdraw a version's approval", tag="federation", response=schemas.ManifestAnswer)
def withdraw_manifest(service_id: str, version: str) -> Response:
    """Withdraw a version's approval from now on."""
    return jsonify(_manifest(current_services().uses.registrations.withdraw(current_writer(), service_id, version)))


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
    person = validated(schemas.PersonBody).registered()
    return jsonify(_shown(current_services().uses.registrations.person(current_writer(), person)))


def _shown(value: Any) -> dict[str, Any]:
    """Give a registration as JSON: sets in order, codes as text."""
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    return value.value if isinstance(value, StrEnum) else value


def _client(client: ServiceClient) -> dict[str, Any]:
    shown = _shown(client)
    return shown | {"writes_for": WHOLE_REGION} if WHOLE_REGION in client.writes_for else shown


def _manifest(manifest: AiManifest) -> dict[str, Any]:
    moments = {
        name: None if at is None else at.isoformat().replace("+00:00", "Z")
        for name, at in (("approved_at", manifest.approved_at), ("withdrawn_at", manifest.withdrawn_at))
    }
    return _shown(manifest) | moments | {"approved": manifest.approved}
