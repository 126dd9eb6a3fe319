"""The settings as a command needs them; imports nothing that a server must not have imported before its workers."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click

from governance.errors import ConfigurationError, GovernanceError
from governance.pseudonyms.key_checks import check_keys
from governance.settings import PREFIX, Settings, check_places, from_environment
from governance.storage import Database, migrate
from governance.storage.opening import open_database
from governance.storage.outage import refusal


def settings() -> Settings:
    """Read the settings; a fault ends the command with a list of all of them."""
    try:
        chosen = from_environment(os.environ)
        check_places(chosen)
    except ConfigurationError as error:
        for fault in error.faults:
            click.echo(f"{fault.path}: {fault.message}", err=True)
        raise click.ClickException("The settings are not complete; docs/settings.md explains each.") from None
    return chosen


@contextmanager
def database(chosen: Settings) -> Iterator[Database]:
    """Open the database of the settings, and close it whatever happens."""
    opened = open_database(chosen)
    try:
        yield opened
    finally:
        opened.dispose()


def check_database(chosen: Settings) -> None:
    """End the command with one line when the service cannot work with the database: schema, keys, or no answer.

    The demo changes the schema as it starts, so there only the keys are looked at, if there are any.
    """
    try:
        with database(chosen) as opened:
            if chosen.profile != "demo":
                migrate.check(opened)
            hold_keys(chosen, opened)
    except GovernanceError as error:
        raise click.ClickException(words_of(error)) from None


def words_of(error: GovernanceError) -> str:
    """Say what went wrong in one line; a database that refuses the connection by the setting that names it."""
    refused = refusal(error)
    if refused is not None:
        return f"{PREFIX}DATABASE_URL: the database refuses the connection: {refused}"
    return f"{error.detail} ({error.reason})"


def hold_keys(chosen: Settings, opened: Database) -> None:
    """Hold the keys of the settings to the database's, when its schema is this version's. Raises Conflict."""
    if migrate.schema(opened).current:
        check_keys(opened, chosen)
