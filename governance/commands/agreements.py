"""Agreements: validate files anywhere; load, sign, move and read them on the host of the service.

On the host one acts for the network: whoever can read the database could change it anyway. Over HTTP a trust acts for
itself.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from governance.agreements import Actor, Record, plain_english
from governance.agreements.signing import new_private_key, public_key_of
from governance.agreements.signing import sign as sign_text
from governance.agreements.transfer import check_items
from governance.commands._agreement_files import read_files
from governance.commands._context import operator, plain_errors, services
from governance.commands._private import open_private
from governance.commands.agreements_export import export
from governance.commands.agreements_impact import impact
from governance.errors import Fault, InvalidInput
from governance.vocabulary import AgreementStatus

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FILES = click.argument("files", nargs=-1, required=True, type=_FILE)
_ID = click.argument("agreement_id")
_VERSION = click.argument("version", type=click.IntRange(1, 9999))
_PAGE = 200


@click.group()
def agreements() -> None:
    """Validate, load, sign, move and read agreements; tell what a change would do."""


agreements.add_command(export)
agreements.add_command(impact)


@agreements.command("validate")
@_FILES
@plain_errors
def validate(files: tuple[Path, ...]) -> None:
    """Check agreement files (YAML, JSON or JSON lines) and name every fault; needs no database."""
    documents = read_files(files)
    try:
        check_items([document for document, _ in documents], [prefix for _, prefix in documents])
    except InvalidInput as refused:
        raise InvalidInput(refused.faults, "Not every agreement is valid.") from None
    click.echo(f"{len(documents)} valid")


@agreements.command("load")
@_FILES
@plain_errors
def load(files: tuple[Path, ...]) -> None:
    """Put agreement files on file: all of them, or none.

    A file holds documents, or what `agreements export` wrote: then the signatures come with it, and a version whose
    every party's signature counts is signed. Nothing comes into force by loading.
    """
    documents = read_files(files)
    with services() as made:
        values, prefixes = [document for document, _ in documents], [prefix for _, prefix in documents]
        records = made.registers.agreements.transfer.load(values, _operator(), prefixes)
    _print_lines(records)


@agreements.command("new-key")
@click.argument("file", type=click.Path(exists=False, path_type=Path))
@plain_errors
def new_key(file: Path) -> None:
    """Make an Ed25519 key for a signatory, write the private half to FILE (mode 0600) and print the public half."""
    private = new_private_key()
    with open_private(file, new=True) as written:
        written.write(private)
    click.echo(public_key_of(private), nl=False)


@agreements.command("sign")
@_ID
@_VERSION
@click.option("--key", "key_file", required=True, type=_FILE, help="The signatory's private key, PEM.")
@click.option("--ods", required=True, help="The organisation that signs.")
@click.option("--name", required=True, help="Who signs.")
@click.option("--role", required=True, help="What they are there, for example Caldicott Guardian.")
@plain_errors
def sign(agreement_id: str, version: int, key_file: Path, ods: str, name: str, role: str) -> None:
    """Sign the canonical text of a version, registering the signatory's key when it is new."""
    try:
        private = key_file.read_text()
        public = public_key_of(private)
    except ValueError as error:
        raise InvalidInput([Fault(str(key_file), str(error))], "The key cannot be read.") from None
    with services() as made:
        text = made.registers.agreements.get(agreement_id, version).text
        key = made.registers.agreements.register_key(ods, name, role, public, _operator())
        record = made.registers.agreements.sign(
            agreement_id, version, key.key_id, sign_text(text, private), _operator()
        )
    _print_lines([record])


@agreements.command("activate")
@_ID
@_VERSION
@plain_errors
def activate(agreement_id: str, version: int) -> None:
    """Bring a signed or suspended version into force; older versions are superseded."""
    with services() as made:
        _print_lines([made.registers.agreements.activate(agreement_id, version, _operator())])


def _ending(name: str, explanation: str) -> Callable[..., Any]:
    @agreements.command(name, help=explanation)
    @_ID
    @_VERSION
    @click.option("--reason", required=True, help="Why; it must name no patient.")
    @plain_errors
    def end(agreement_id: str, version: int, reason: str) -> None:
        with services() as made:
            step = made.registers.agreements.suspend if name == "suspend" else made.registers.agreements.terminate
            _print_lines([step(agreement_id, version, _operator(), reason)])

    return end


_ending("suspend", "Take an active version out of force until it is activated again.")
_ending("terminate", "End a version for good, or withdraw one that was never in force.")


@agreements.command("list")
@click.option("--status", type=click.Choice([status.value for status in AgreementStatus]))
@click.option("--ods", help="Only agreements this organisation is a party of.")
@plain_errors
def list_agreements(status: str | None, ods: str | None) -> None:
    """List agreements by name, superseded versions left out."""
    wanted = None if status is None else AgreementStatus(status)
    with services() as made:
        after: tuple[str, int] | None = None
        while True:
            page = made.registers.agreements.list(wanted, ods, after, _PAGE)
            _print_lines(page.records)
            if (after := page.after) is None:
                break


@agreements.command("show")
@_ID
@click.option("--version", type=click.IntRange(1, 9999), help="The one that speaks for the agreement now if not given.")
@click.option("--text", "canonical", is_flag=True, help="Print the canonical text (what is signed) and nothing else.")
@plain_errors
def show(agreement_id: str, version: int | None, canonical: bool) -> None:
    """Print an agreement in plain English, with its signatures; or its canonical text."""
    with services() as made:
        record = made.registers.agreements.get(agreement_id, version)
    if canonical:
        click.echo(record.text, nl=False)
        return
    click.echo(plain_english(record.agreement))
    click.echo(f"Status: {_status(record)}.")
    click.echo(f"SHA-256 of the canonical text: {record.text_hash}")
    for signed in record.signatures:
        counts = "counts" if signed.ods in record.valid else "no longer counts"
        click.echo(f"Signed for {signed.ods} by {signed.name}, {signed.role}, {signed.signed_at:%Y-%m-%d}: {counts}.")


def _operator() -> Actor:
    return Actor(operator().id, "person", None)


def _status(record: Record) -> str:
    missing = ", ".join(record.missing)
    return f"{record.status.value}, no valid signature of {missing}" if missing else record.status.value


def _print_lines(records: Iterable[Record]) -> None:
    for record in records:
        agreement = record.agreement
        click.echo(f"{agreement.id}\t{agreement.version}\t{_status(record)}\tto {agreement.effective.to}")
