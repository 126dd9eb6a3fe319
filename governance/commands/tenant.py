"""Check a tenant's folder before a service is configured to hold it."""

from pathlib import Path

import click

from governance.errors import ConfigurationError
from governance.rego import RegoFault, check_with_opa, find_opa
from governance.tenants import Tenant, read_tenant

_REFUSED = "A service would not start with this tenant."


@click.command("check-tenant")
@click.argument("folder", type=click.Path(path_type=Path))
def check_tenant(folder: Path) -> None:
    """Say whether the folder of a tenant can be served, and everything that is wrong with it.

    Where the program opa is on the PATH, it is asked as well: it refuses some Rego that the embedded engine takes.
    """
    try:
        tenant = read_tenant(folder)
    except ConfigurationError as error:
        for fault in error.faults:
            click.echo(f"{fault.path}: {fault.message}", err=True)
        raise click.ClickException(_REFUSED) from None
    asked = _ask_opa(tenant)
    counts = ", ".join(f"{len(found)} {kind.value}s" for kind, found in sorted(tenant.entities.items()))
    searches = ", ".join(sorted(tenant.searches)) or "none"
    click.echo(f"{tenant.name}: {tenant.title}")
    click.echo(f"It can be served: {len(tenant.policy.policies.modules)} policy files; {counts}; searches: {searches}.")
    click.echo(f"Revision {tenant.policy.revision}")
    if not asked:
        click.echo("OPA was not asked: there is no program opa on the PATH. A service that decides at one asks it.")


def _ask_opa(tenant: Tenant) -> bool:
    """Let OPA compile what a service would put there; say whether there is one here to ask."""
    program = find_opa()
    if program is None:
        return False
    try:
        check_with_opa(program, tenant.policy.modules)
    except RegoFault as fault:
        click.echo(f"OPA: {fault.detail}", err=True)
        raise click.ClickException(_REFUSED) from None
    return True
