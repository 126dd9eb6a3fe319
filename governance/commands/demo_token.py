"""A bearer token of the demo, in as little time as it takes to ask for one."""

from pathlib import Path

import click

from governance.commands._demo_home import FOLDER, URL, DemoHome
from governance.simulation import network
from governance.simulation.client import Surface
from governance.simulation.credentials import Credentials


@click.command("demo-token")
@click.option("--folder", type=click.Path(path_type=Path), default=FOLDER, show_default=True)
@click.option("--url", default=URL, show_default=True)
@click.option("--client", default=network.EXPLORER, show_default=True, help="A service of it, such as viewer-rkb.")
@click.option("--assertion", is_flag=True, help="Print a client assertion for /oauth/token: good once, a minute.")
def demo_token(folder: Path, url: str, client: str, assertion: bool) -> None:
    """Print a bearer token of one of the demo's services.

    The explorer, which is the default, may ask for decisions and read everything.
    """
    try:
        credentials = Credentials.read(DemoHome(folder, url, "").credential_file(client))
    except OSError:
        raise click.ClickException(f"There is no service {client} in {folder}.") from None
    surface = Surface(url, credentials, ())
    click.echo(surface.assertion() if assertion else surface.bearer())
