"""Serve: the HTTP server of this service, and a check of its settings."""

import os
import signal
import tempfile

import click
from granian import Granian
from granian.constants import Interfaces

from governance.commands._settings import check_schema, settings

GRACE = 20  # seconds a stopping worker may take to drain what it acknowledged


@click.command()
def serve() -> None:
    """Serve the API and the console with the settings of the environment."""
    chosen = settings()
    if chosen.profile != "demo":
        check_schema(chosen)
    click.echo(f"Serving at {chosen.issuer}; the console is at {chosen.issuer}/console/", err=True)
    with tempfile.TemporaryDirectory(prefix="governance-") as folder:
        if chosen.workers > 1:
            os.environ["GOVERNANCE_SHARED_FOLDER"] = folder
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # read by prometheus-client when a worker imports it
        os.register_at_fork(after_in_child=_may_be_stopped)
        Granian(
            "app:application",
            address=chosen.host,
            port=chosen.port,
            interface=Interfaces.ASGI,
            factory=True,
            workers=chosen.workers,
            log_enabled=chosen.log_level == "DEBUG",
            workers_kill_timeout=GRACE,
        ).serve()


def _may_be_stopped() -> None:
    """Let a worker that is asked to stop before it serves end at once.

    Until it has handlers of its own it has those of the process it came from, which would take the signal for nothing.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@click.command("check-settings")
def check_settings() -> None:
    """Say whether the settings of the environment are complete, and what is wrong with them."""
    chosen = settings()
    given = sorted(name for name in os.environ if name.startswith("GOVERNANCE_"))
    click.echo(f"The settings are complete: {chosen.profile} profile, {len(given)} variables.")
    if chosen.profile != "demo" and chosen.database_owner_url is None:
        click.echo("The log is not protected: the database lets the service rewrite it (docs/operations.md).", err=True)
