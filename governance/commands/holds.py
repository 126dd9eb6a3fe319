"""Legal holds at the command line: the operator sees and ends those of every trust."""

from dataclasses import asdict

import click

from governance.commands._context import ask_for, patient_named, plain_errors, print_json, services
from governance.erasure import NewHold
from governance.erasure.holds import NETWORK

_PAGE = 200


@click.group()
def holds() -> None:
    """Set, list and end legal holds: while one holds, nothing of the person is erased."""


@holds.command("set")
@click.option("--patient", is_flag=True, help="Hold a patient; the NHS number or pseudonym is asked for.")
@click.option("--staff", is_flag=True, help="Hold a member of staff; the user id or pseudonym is asked for.")
@click.option("--case", help="Hold a case: the id of an alert.")
@click.option("--reason", required=True, help="Why; stays with the hold and never goes into the log.")
@plain_errors
def set_hold(patient: bool, staff: bool, case: str | None, reason: str) -> None:
    """Put a person or a case on hold. A person is asked for, so that no identifier is in a shell's history."""
    who = ask_for("Who") if patient or staff else None
    if patient and who:
        who = patient_named(who)
    wanted = NewHold(reason, who if patient else None, who if staff else None, case)
    with services() as made:
        print_json(asdict(made.uses.holds.set(NETWORK, None, wanted)))


@holds.command("list")
@click.option("--ended", is_flag=True, help="Those that were ended too.")
@plain_errors
def list_holds(ended: bool) -> None:
    """List the holds of every trust, with who set them and why."""
    after: str | None = None
    with services() as made:
        while True:
            page = made.uses.holds.list(NETWORK, ended=ended, after=after, limit=_PAGE)
            for hold in page:
                print_json(asdict(hold))
            if len(page) < _PAGE:
                return
            after = page[-1].id


@holds.command("end")
@click.argument("hold")
@click.option("--reason", required=True, help="Why it ends; stays with the hold.")
@plain_errors
def end_hold(hold: str, reason: str) -> None:
    """End a hold."""
    with services() as made:
        print_json(asdict(made.uses.holds.end(NETWORK, None, hold, reason)))
