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
from governance.simulation.mailbox import Mailbox, listen


@click.command("identity-provider")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8081, show_default=True, help="Port to listen on; 0 takes a free one.")
@click.option("--base-url", help="Public address, when it is not the one listened on.")
@click.option("--demo", is_flag=True, help="Give out ID tokens at POST /{ods}/demo/id-token, without a browser.")
@click.option("--mail-port", type=int, help="Port of a mail server that keeps every message and lists them at /mail.")
@click.option("--mail-folder", type=click.Path(file_okay=False, path_type=Path), help="Where those messages are kept.")
@click.option("--accounts", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=DEFAULT_FILE)
def command(
    host: str,
    port: int,
    base_url: str | None,
    demo: bool,
    mail_port: int | None,
    mail_folder: Path | None,
    accounts: Path,
) -> None:
    """Run the demo region's identity providers, one issuer a trust at /{ods}. No passwords: never for real people."""
    mailbox = Mailbox(mail_folder) if mail_folder is not None else None
    if mailbox is not None and mail_port is not None:
        listen(mailbox, mail_port)
    server, address = make(host, port, base_url, demo, accounts, mailbox)
    click.echo(f"Identity provider at {address}")
    with suppress(KeyboardInterrupt):
        server.serve_forever()


def make(
    host: str, port: int, base_url: str | None, demo: bool, accounts: Path, mailbox: Mailbox | None = None
) -> tuple[BaseWSGIServer, str]:
    """Bind the port and give the server, ready to serve, with the address it is reached at."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # its access log would hold authorization codes
    bound = socket.create_server((host, port))
    address = base_url or f"http://{host}:{bound.getsockname()[1]}"
    application = create_application(Provider(load_accounts(accounts), address.rstrip("/")), demo, mailbox)
    server = make_server(host, bound.getsockname()[1], application, threaded=True, fd=bound.detach())
    return server, address
