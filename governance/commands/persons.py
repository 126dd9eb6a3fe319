"""Persons: forgetting one of them, which takes two operators."""

from pathlib import Path

import click

from governance.commands._context import ask_for, patient_named, plain_errors, services
from governance.commands._operators import FILE, approval, approval_option, approved_by, signing_options
from governance.erasure import Statement


@click.group()
def persons() -> None:
    """Erase a person: destroy the data key of what is sealed for them. Two operators approve it."""


@persons.command("statement")
@click.option("--patient", is_flag=True, help="A patient; the NHS number or pseudonym is asked for.")
@click.option("--staff", is_flag=True, help="A member of staff; the user id or pseudonym is asked for.")
@click.option("--reason", required=True, help="Why; stays in the statement and never goes into the log.")
@plain_errors
def statement(patient: bool, staff: bool, reason: str) -> None:
    """Print what two operators must approve, in pseudonyms; says so when something forbids the erasure now."""
    if patient == staff:
        raise click.UsageError("Name a patient or a member of staff: --patient or --staff.")
    who = ask_for("Who")
    if not who:
        raise click.UsageError("Nobody was named.")
    with services() as made:
        pseudonymiser, erasure = made.infrastructure.pseudonymiser, made.uses.erasure
        person = pseudonymiser.patient(patient_named(who)) if patient else pseudonymiser.subject(who)
        wanted = erasure.statement(person, reason)
        erasure.examine(wanted)
    click.echo(wanted.text(), nl=False)


@persons.command("approve")
@signing_options
@plain_errors
def approve(statement_file: Path, name: str, key_file: Path) -> None:
    """Sign a statement and print the approval; needs no database and no settings."""
    click.echo(approval(_statement(statement_file).text(), name, key_file))


@persons.command("erase")
@click.argument("statement_file", type=FILE)
@approval_option
@click.option("--dry-run", is_flag=True, help="Only say whether it is approved and nothing forbids it.")
@plain_errors
def erase(statement_file: Path, approvals: tuple[Path, ...], dry_run: bool) -> None:
    """Destroy the person's data key for good, on every process at once; the entries of the log stay as they are.

    Refused while a legal hold is on the person or on a case that names them, and while a case about the person's own
    accesses is open.
    """
    wanted = _statement(statement_file)
    with services() as made:
        names = approved_by(wanted.text(), approvals, made.infrastructure.settings.operators)
        if dry_run:
            made.uses.erasure.examine(wanted, names)
            click.echo(f"Nothing forbids it: the data key of {wanted.person} would be destroyed.")
            return
        index = made.uses.erasure.erase(wanted, names)
    click.echo(f"The data key of {wanted.person} is destroyed; entry {index} of the log says so.")


def _statement(path: Path) -> Statement:
    return Statement.parse(path.read_text(errors="replace"))
