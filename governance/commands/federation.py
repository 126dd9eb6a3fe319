"""Federation: register the network from a file, before there is any client that could ask."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click
import yaml
from pydantic import AwareDatetime

from governance.api import federation_schemas as schemas
from governance.commands._context import plain_errors, services
from governance.errors import Fault, InvalidInput
from governance.federation import AiManifest, IdentityProvider, Person, ServiceClient, Trust
from governance.vocabulary import Purpose, SubjectType
from governance.web import Services
from governance.web.body import validated

_PARTS = ("trusts", "identity_providers", "clients", "manifests", "persons")


class ManifestRow(schemas.ManifestBody):
    """A manifest of the file; ``approved_at`` is when its version was approved, none while it is not."""

    approved_at: AwareDatetime | None = None


@click.group()
def federation() -> None:
    """Register trusts, identity providers, services, AI manifests and people."""


@federation.command("load")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@plain_errors
def load(file: Path) -> None:
    """Register everything a YAML file names (trusts, identity_providers, clients, manifests, persons), or nothing."""
    document = yaml.safe_load(file.read_text())
    with services() as made:
        counts = register(made, document)
    click.echo(", ".join(f"{counts[part]} {part.replace('_', ' ')}" for part in _PARTS))


def register(made: Services, document: Any) -> dict[str, int]:
    """Register a document's parts in one transaction; gives how many of each.

    Raises:
        InvalidInput: a part is unknown or a row has the wrong shape, named by its path.
    """
    if not isinstance(document, dict) or not document.keys() <= set(_PARTS):
        raise InvalidInput([Fault("/", f"is a mapping with some of {', '.join(_PARTS)}")])
    rows = {part: list(document.get(part) or ()) for part in _PARTS}
    now = made.clock.now()
    with made.database.transaction() as session:
        for trust in rows["trusts"]:
            made.federation.register_trust(session, Trust(**validated(schemas.TrustBody, trust).model_dump()))
        for provider in rows["identity_providers"]:
            body = validated(schemas.IdentityProviderBody, provider)
            known = IdentityProvider(body.issuer, body.ods, body.jwks_uri, tuple(body.audiences))
            made.federation.register_identity_provider(session, known)
        for client in rows["clients"]:
            made.federation.register_client(session, _client(validated(schemas.ClientBody, client)))
        for manifest in rows["manifests"]:
            row = validated(ManifestRow, manifest)
            kept = made.federation.register_manifest(session, _manifest(row))
            if row.approved_at is not None:
                at = _past(row.approved_at, now)
                made.federation.approve_manifest(session, kept.service_id, kept.version, at)
        for person in rows["persons"]:
            who = validated(schemas.PersonBody, person)
            made.federation.register_person(session, Person(who.issuer, who.subject, who.ods, frozenset(who.roles)))
    return {part: len(found) for part, found in rows.items()}


def _past(at: datetime, now: datetime) -> datetime:
    """Take an instant that has come; raises InvalidInput."""
    if at > now:
        raise InvalidInput([Fault("/approved_at", "is not in the future: an approval that is still to come is none")])
    return at


def _client(body: schemas.ClientBody) -> ServiceClient:
    return ServiceClient(
        client_id=body.client_id,
        ods=body.ods,
        name=body.name,
        kind=SubjectType(body.kind),
        jwks=body.jwks,
        scopes=frozenset(scope.value for scope in body.scopes),
        audiences=tuple(body.audiences),
        ai_version=body.ai_version,
        token_audience=body.token_audience,
    )


def _manifest(body: schemas.ManifestBody) -> AiManifest:
    return AiManifest(
        service_id=body.service_id,
        version=body.version,
        modalities=frozenset(body.modalities),
        body_parts=frozenset(body.body_parts),
        trusts=frozenset(body.trusts),
        purposes=frozenset(Purpose(purpose) for purpose in body.purposes),
        daily_volume=body.daily_volume,
    )
