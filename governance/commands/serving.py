"""Serve: the HTTP server of this service, and a check of its settings."""

import os

import click
from granian import Granian
from granian.constants import Interfaces

from governance.commands._context import settings

_GRACE = 20  # seconds a stopping worker may take to drain what it acknowledged


@click.command()
def serve() -> None:
    """Serve the API and the console with the settings of the environment."""
    chosen = settings()
    click.echo(f"Serving at {chosen.issuer}; the console is at {chosen.issuer}/console/", err=True)
    Granian(
        "app:application",
        address=chosen.host,
        port=chosen.port,
        interface=Interfaces.ASGI,
        factory=True,
        workers=1,
        log_enabled=chosen.log_level == "DEBUG",
        workers_kill_timeout=_GRACE,
    ).serve()


@click.command("check-settings")
def check_settings() -> None:
    """Say whether the settings of the environment are complete, and what is wrong with them."""
    chosen = settings()
    given = sorted(name for name in os.environ if name.startswith("GOVERNANCE_"))
    click.echo(f"The settings are complete: {chosen.profile} profile, {len(given)} variables.")
