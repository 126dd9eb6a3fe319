"""The demo's archive: a real Orthanc behind nginx, as a part of its own (``python -m governance.commands.archive``)."""

import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import click
import requests

from governance.commands._demo_home import DemoHome
from governance.settings import from_environment
from governance.simulation import network
from governance.simulation.archive import OWNER, holdings, running_archive, send_feeds
from governance.simulation.client import Surface, SurfaceError
from governance.simulation.credentials import Credentials
from governance.simulation.identity_provider import load_accounts
from governance.simulation.programs import ProgramFailed
from governance.vocabulary import Scope
from governance.web.enforcement_keys import enforcement_key

_LOOK = 0.5  # seconds between two looks at the programs


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("service")
@click.option("--port", default=8090, show_default=True, help="Port of the gateway.")
def archive(folder: Path, service: str, port: int) -> None:
    """Run the archive of a demo in FOLDER whose service answers at SERVICE, until it is stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    home, client_id = DemoHome(folder, service, ""), network.archive_id(OWNER)
    key = enforcement_key(from_environment(os.environ).key_encryption_key.get_secret_value(), client_id)
    held = holdings(load_accounts())
    try:
        surface = Surface(service, Credentials.read(home.credential_file(network.FEEDS)), [Scope.CONTEXT_WRITE.value])
        send_feeds(surface, held, datetime.now(UTC).date())
        with running_archive(
            folder / "archive",
            [each.file for each in held],
            service=service,
            client_id=client_id,
            enforcement_key=key,
            port=port,
        ) as running:
            click.echo(f"The archive of {OWNER} answers at {running.dicomweb}")
            while running.running:
                time.sleep(_LOOK)
            raise click.ClickException("A part of the archive stopped.")
    except (ProgramFailed, SurfaceError, requests.RequestException, OSError) as error:
        raise click.ClickException(f"The archive stopped: {error}") from None
    except KeyboardInterrupt:
        click.echo("Stopping the archive.")


if __name__ == "__main__":
    archive(prog_name="archive")
