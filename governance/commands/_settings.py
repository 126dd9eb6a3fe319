"""The settings as a command needs them; imports nothing that a server must not have imported before its workers."""

import os

import click

from governance.errors import ConfigurationError
from governance.settings import Settings, check_places, from_environment


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
