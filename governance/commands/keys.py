"""Keys: the service's token signing keys, the keys of bundles, and those of enforcement points."""

import base64
import secrets
from pathlib import Path

import click

from governance.commands._context import plain_errors, print_json, services
from governance.commands._private import open_private
from governance.commands._settings import settings
from governance.settings import KEYS, PREFIX
from governance.tokens.bundle_key import ALGORITHM
from governance.web.enforcement_keys import enforcement_key

_KEY = 32  # bytes


@click.group()
def keys() -> None:
    """Make, show, rotate and withdraw keys."""


@keys.command("new")
@click.option("--to", "file", type=click.Path(dir_okay=False, path_type=Path), help="A new file for them, mode 0600.")
def new(file: Path | None) -> None:
    """Make fresh secrets for a new installation, as lines of an environment file; printed without --to.

    They are kept nowhere else. A file that is there already is left as it is.
    """
    lines = [f"{PREFIX}{name.upper()}={base64.b64encode(secrets.token_bytes(_KEY)).decode()}\n" for name in KEYS]
    if file is None:
        click.echo("".join(lines), nl=False)
        return
    with open_private(file, new=True) as written:
        written.writelines(lines)
    click.echo(f"{len(lines)} secrets are in {file}, which its owner alone can read.")


@keys.command("rotate")
@plain_errors
def rotate() -> None:
    """Start a rotation of the token signing key: the next one is published now and signs after the lead time."""
    with services() as made:
        click.echo(f"The next key is {made.registers.tokens.rotate_keys()}")


@keys.command("withdraw")
@click.argument("kid")
@plain_errors
def withdraw(kid: str) -> None:
    """Withdraw the compromised key KID, of tokens or of bundles: never again accepted, published or signed with."""
    with services() as made:
        click.echo(f"{kid} is withdrawn; the key that signs is {made.registers.key_withdrawal.withdraw(kid)}")


@keys.command("list")
@plain_errors
def show() -> None:
    """Print the published public keys (RFC 7517)."""
    with services() as made:
        print_json(made.registers.tokens.jwks())


@keys.command("bundles")
@plain_errors
def bundles() -> None:
    """Print the public keys of bundles as the `keys` of an OPA's configuration: the one that signs, and the next."""
    with services() as made:
        found = made.registers.bundle_keys.published()
    print_json({"keys": {key.kid: {"algorithm": ALGORITHM, "key": key.public_pem} for key in found}})


@keys.command("enforcement-point")
@click.argument("client_id")
@plain_errors
def enforcement_point(client_id: str) -> None:
    """Print the key that the enforcement point of an archive sends in X-Enforcement-Key."""
    chosen = settings()
    with services() as made:
        archive, standing = made.uses.enforcement.archive_and_key(client_id)
    if archive is None:
        raise click.ClickException("There is no registered archive with this client id.")
    if not standing.in_force:
        raise click.ClickException("The archive's key is suspended or deleted.")
    click.echo(enforcement_key(chosen.key_encryption_key.get_secret_value(), client_id, standing.generation))
