"""Federation: register the network from a file, before there is any client that could ask."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
import yaml
from pydantic import AwareDatetime, BaseModel

from governance.api.registers import federation_schemas as schemas
from governance.api.registers.endings_schemas import StandingAnswer
from governance.bootstrap import Services
from governance.commands._context import plain_errors, print_json, services
from governance.errors import Fault, InvalidInput
from governance.federation import Registered
from governance.registers import OPERATOR, ApprovedManifest, Ending, Network, Target
from governance.web.body import validated

Body = TypeVar("Body", bound=BaseModel)
_PARTS = ("trusts", "identity_providers", "clients", "manifests", "persons")


class ManifestRow(schemas.ManifestBody):
    """A manifest of the file; ``approved_at`` is when its version was approved, none while it is not."""

    approved_at: AwareDatetime | None = None

    def approved(self) -> ApprovedManifest:
        """Give the manifest it registers, with its approval."""
        return ApprovedManifest(self.registered(), self.approved_at)


@click.group()
def federation() -> None:
    """Register trusts, identity providers, services, AI manifests and people, and end what was registered."""


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


@federation.command("end")
@click.argument("act", type=click.Choice([one.value.replace("_", "-") for one in Ending]))
@click.argument("kind", type=click.Choice([one.value.replace("_", "-") for one in Registered]))
@click.argument("name", default="")
@click.argument("subject", required=False)
@click.option(
    "--at", type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ"]), help="With not-before: since when, in UTC; now without."
)
@plain_errors
def end(act: str, kind: str, name: str, subject: str | None, at: datetime | None) -> None:
    """Suspend, resume, delete or bound a registration, or rotate an archive's enforcement key; every server obeys.

    NAME is a client id, or an issuer; a person is an issuer and a SUBJECT. The network has none, and not-before alone:
    everything that was issued up to then is dead.
    """
    if kind == Registered.PERSON.value and name and not subject:
        raise InvalidInput([Fault("SUBJECT", "is missing: a person is ISSUER SUBJECT")], "This cannot be done.")
    target = Target(Registered(kind.replace("-", "_")), name, subject)
    since = at.replace(tzinfo=UTC) if at else None
    with services() as made:
        standing = made.uses.endings.act(OPERATOR, target, Ending(act.replace("-", "_")), since)
    print_json(StandingAnswer.of(standing).model_dump(mode="json"))


@federation.command("standings")
@plain_errors
def standings() -> None:
    """Print what was ever suspended, deleted or bounded, and where it stands."""
    with services() as made:
        found = made.uses.endings.standings(OPERATOR)
    print_json([StandingAnswer.of(one).model_dump(mode="json") for one in found])


def register(made: Services, document: Any) -> dict[str, int]:
    """Register a document's parts in one transaction; gives how many of each.

    Raises:
        InvalidInput: a part is unknown or a row has the wrong shape, named by its path.
    """
    if not isinstance(document, dict) or not document.keys() <= set(_PARTS):
        raise InvalidInput([Fault("/", f"is a mapping with some of {', '.join(_PARTS)}")])
    rows = {part: list(document.get(part) or ()) for part in _PARTS}
    network = Network(
        trusts=[row.registered() for row in _read(rows, "trusts", schemas.TrustBody)],
        identity_providers=[
            row.registered() for row in _read(rows, "identity_providers", schemas.IdentityProviderBody)
        ],
        clients=[row.registered() for row in _read(rows, "clients", schemas.ClientBody)],
        manifests=[
            ApprovedManifest(row.registered(), row.approved_at) for row in _read(rows, "manifests", ManifestRow)
        ],
        persons=[row.registered() for row in _read(rows, "persons", schemas.PersonBody)],
    )
    made.uses.registrations.network(OPERATOR, network)
    return network.counts()


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
