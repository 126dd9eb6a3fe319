"""Federation: register the network from a file, before there is any client that could ask."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click
import yaml
from pydantic import AwareDatetime, BaseModel
from sqlmodel import Session

from governance.api.registers import federation_schemas as schemas
from governance.bootstrap import Services
from governance.commands._context import plain_errors, services
from governance.errors import Fault, InvalidInput
from governance.federation import IdentityProvider, Person, Trust
from governance.vocabulary import EventKind
from governance.web.body import validated

Body = TypeVar("Body", bound=BaseModel)
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
    try:
        document = yaml.safe_load(file.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file} is not YAML: {error}") from None
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
    counts = {part: len(found) for part, found in rows.items()}
    now = made.infrastructure.clock.now()
    directory = made.registers.federation
    with made.infrastructure.database.transaction() as session:
        for trust in _read(rows, "trusts", schemas.TrustBody):
            directory.register_trust(session, Trust(trust.ods, trust.name))
        for provider in _read(rows, "identity_providers", schemas.IdentityProviderBody):
            known = IdentityProvider(provider.issuer, provider.ods, provider.jwks_uri, tuple(provider.audiences))
            directory.register_identity_provider(session, known)
        for client in _read(rows, "clients", schemas.ClientBody):
            directory.register_client(session, client.registered())
        for number, manifest in enumerate(_read(rows, "manifests", ManifestRow)):
            kept = directory.register_manifest(session, manifest.registered())
            if manifest.approved_at is not None:
                at = _past(manifest.approved_at, now, f"/manifests/{number}/approved_at")
                directory.approve_manifest(session, kept.service_id, kept.version, at)
        for person in _read(rows, "persons", schemas.PersonBody):
            directory.register_person(
                session, Person(person.issuer, person.subject, person.ods, frozenset(person.roles))
            )
        _record(made, session, now, counts)
    return counts


def _read(rows: Mapping[str, list[Any]], part: str, model: type[Body]) -> list[Body]:
    """Read every row of a part; every fault is named by its place in the document."""
    found: list[Body] = []
    faults: list[Fault] = []
    for number, row in enumerate(rows[part]):
        try:
            found.append(validated(model, row))
        except InvalidInput as error:
            faults += [Fault(f"/{part}/{number}{fault.path.rstrip('/')}", fault.message) for fault in error.faults]
    if faults:
        raise InvalidInput(faults, "The document does not have the right shape.")
    return found


def _record(made: Services, session: Session, now: datetime, counts: Mapping[str, int]) -> None:
    """Keep what was registered, by its numbers, in the transaction that registers it."""
    made.infrastructure.recorder.record_in(
        session, EventKind.CONFIG, time=now, detail={"registered": "network", **counts}
    )


def _past(at: datetime, now: datetime, path: str) -> datetime:
    """Take an instant that has come; raises InvalidInput."""
    if at > now:
        raise InvalidInput([Fault(path, "is not in the future: an approval that is still to come is none")])
    return at
