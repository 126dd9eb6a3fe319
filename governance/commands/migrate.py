"""Migrate: the one command that changes the schema of a database."""

import click

from governance.bootstrap import schema
from governance.commands._context import plain_errors
from governance.commands._settings import database, settings
from governance.storage import migrate as migrations


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be done; exit status 1 when there is something.")
@click.pass_context
@plain_errors
def migrate(context: click.Context, dry_run: bool) -> None:
    """Bring the database's schema to the newest revision, as its owner. Nothing else does, but the demo."""
    chosen = settings()
    with database(chosen) as opened:
        with schema.owned(chosen, opened) as owned:
            found = migrations.schema(owned)
        if found.newer:
            raise click.ClickException(found.fault())
        for revision, title in found.outstanding:
            click.echo(f"{'Would run' if dry_run else 'Running'} {revision}: {title}")
        if not dry_run:
            schema.upgrade(chosen, opened)
        click.echo(f"The schema is at {(found.revision or 'nothing') if dry_run else found.newest}.")
    if dry_run and found.outstanding:
        context.exit(1)
