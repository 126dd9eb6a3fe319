"""The console's sessions: who is signed in, and ending one."""

import click

from governance.api.registers import session_desk
from governance.api.registers.sessions import shown
from governance.commands._context import plain_errors, print_json, services
from governance.registers import OPERATOR


@click.group()
def sessions() -> None:
    """List who is signed in to the console, and end a session."""


@sessions.command("list")
@plain_errors
def show() -> None:
    """Print the sessions that are alive, people as pseudonyms."""
    with services() as made:
        found = session_desk.sessions_of(made, OPERATOR)
        print_json([shown(one, made.infrastructure.pseudonymiser) for one in found])


@sessions.command("end")
@click.argument("handle")
@plain_errors
def end(handle: str) -> None:
    """End the session HANDLE at once, on every server."""
    with services() as made:
        session_desk.end(made, OPERATOR, handle)
    click.echo("The session has ended.")
