"""Agreements out of this service as YAML, JSON or JSON lines, with their signatures beside them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from governance.agreements.packing import Format, render
from governance.bootstrap import Services
from governance.commands._agreement_files import format_of
from governance.commands._context import plain_errors, services
from governance.commands._private import open_private


@click.command("export")
@click.argument("names", nargs=-1)
@click.option("--version", type=click.IntRange(1, 9999), help="This version of the one agreement that is named.")
@click.option(
    "--all-versions", is_flag=True, help="Every version of the agreements named, not only the one that speaks."
)
@click.option(
    "--format", "as_format", type=click.Choice([one.value for one in Format]), help="Default: the file's, or yaml."
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this new file.")
@plain_errors
def export(
    names: tuple[str, ...], version: int | None, all_versions: bool, as_format: str | None, output: Path | None
) -> None:
    """Write agreements with their signatures, for `agreements load` of another service or for the shelf.

    NAMES are agreements; without one it is the whole register, every version of it. The same register gives the same
    bytes. Status, and signatures that no longer count, are not written.
    """
    if version is not None and (len(names) != 1 or all_versions):
        raise click.UsageError("--version goes with one name, and not with --all-versions")
    chosen = Format(as_format) if as_format else format_of(output) if output else Format.YAML
    with services() as made:
        text = render(_items(made, names, version, all_versions), chosen)
    if output is None:
        click.echo(text, nl=False)
        return
    with open_private(output, new=True) as file:
        file.write(text)


def _items(
    made: Services, names: tuple[str, ...], version: int | None, all_versions: bool
) -> Iterable[Mapping[str, Any]]:
    register, transfer = made.registers.agreements, made.registers.agreements.transfer
    if not names:
        return list(transfer.register())
    found = [
        record
        for name in sorted(set(names))
        for record in (register.versions(name) if all_versions else (register.get(name, version),))
    ]
    return transfer.pack(found)
