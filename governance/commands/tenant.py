"""Check a tenant's folder before a service is configured to hold it."""

from pathlib import Path

import click

from governance.errors import ConfigurationError
from governance.tenants import read_tenant


@click.command("check-tenant")
@click.argument("folder", type=click.Path(path_type=Path))
def check_tenant(folder: Path) -> None:
    """Say whether the folder of a tenant can be served, and everything that is wrong with it."""
    try:
        tenant = read_tenant(folder)
    except ConfigurationError as error:
        for fault in error.faults:
            click.echo(f"{fault.path}: {fault.message}", err=True)
        raise click.ClickException("A service would not start with this tenant.") from None
    counts = ", ".join(f"{len(found)} {kind.value}s" for kind, found in sorted(tenant.entities.items()))
    searches = ", ".join(sorted(tenant.searches)) or "none"
    click.echo(f"{tenant.name}: {tenant.title}")
    click.echo(f"It can be served: {len(tenant.policy.policies.modules)} policy files; {counts}; searches: {searches}.")
    click.echo(f"Revision {tenant.policy.revision}")
