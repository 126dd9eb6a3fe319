"""The command that runs the provider."""

import logging
import socket
from contextlib import suppress
from pathlib import Path

import click
from werkzeug.serving import BaseWSGIServer, make_server

from governance.simulation.identity_provider.accounts import DEFAULT_FILE, load_accounts
from governance.simulation.identity_provider.application import create_application
from governance.simulation.identity_provider.provider import Provider


@click.command("identity-provider")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8081, show_default=True, help="Port to listen on; 0 takes a free one.")
@click.option("--base-url", help="Public address, when it is not the one listened on.")
@click.option("--demo", is_flag=True, help="Give out ID tokens at POST /{ods}/demo/id-token, without a browser.")
@click.option("--accounts", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=DEFAULT_FILE)
def command(host: str, port: int, base_url: str | None, demo: bool, accounts: Path) -> None:
    """Run the demo region's identity providers, one issuer a trust at /{ods}. No passwords: never for real people."""
    server, address = make(host, port, base_url, demo, accounts)
    click.echo(f"Identity provider at {address}")
    with suppress(KeyboardInterrupt):
        server.serve_forever()


def make(host: str, port: int, base_url: str | None, demo: bool, accounts: Path) -> tuple[BaseWSGIServer, str]:
    """Bind the port and give the server, ready to serve, with the address it is reached at."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # its access log would hold authorization codes
    bound = socket.create_server((host, port))
    address = base_url or f"http://{host}:{bound.getsockname()[1]}"
    application = create_application(Provider(load_accounts(accounts), address.rstrip("/")), demo)
    server = make_server(host, bound.getsockname()[1], application, threaded=True, fd=bound.detach())
    return server, address
