"""What commands share: settings from the environment, services of this process, plain error messages."""

import functools
import getpass
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from governance.audit import Subject
from governance.bootstrap import Services, build
from governance.commands._settings import database, settings, words_of
from governance.errors import Fault, GovernanceError, InvalidInput
from governance.feeds import patient
from governance.jobs import Runtime
from governance.settings import Settings
from governance.storage import migrate
from governance.telemetry import configure
from governance.vocabulary import SubjectType

Command = TypeVar("Command", bound=Callable[..., Any])


@contextmanager
def services() -> Iterator[Services]:
    """Open the services of this process with the log's writer running, and close them whatever happens.

    A command changes no schema: with another than this version's it ends with one line. In the demo alone an empty
    database gets one from whichever command comes first.
    """
    configure("WARNING")
    chosen = settings()
    made = build(chosen, migrates=chosen.profile == "demo" and _is_empty(chosen))
    runtime = Runtime(made)
    runtime.start(jobs=False)
    try:
        yield made
    finally:
        runtime.stop()


def _is_empty(chosen: Settings) -> bool:
    """Say whether nothing was ever put into the database of the settings."""
    with database(chosen) as opened:
        return migrate.schema(opened).revision is None


def plain_errors(command: Command) -> Command:
    """Turn a typed error into a message and exit status 1; every fault is named by its path."""

    @functools.wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except InvalidInput as error:
            for fault in error.faults:
                click.echo(f"{fault.path or '/'}: {fault.message}", err=True)
            raise click.ClickException(error.detail) from None
        except GovernanceError as error:
            raise click.ClickException(words_of(error)) from None

    return guarded  # type: ignore[return-value]


def operator() -> Subject:
    """Give who runs a command on the host of the service."""
    return Subject(f"operator:{getpass.getuser()}", SubjectType.PRACTITIONER)


def ask_for(what: str) -> str:
    """Ask for an identifier, so that none is in a shell's history or in a list of processes; a pipe may give it."""
    if sys.stdin.isatty():
        return str(click.prompt(what, hide_input=True, err=True))
    return sys.stdin.readline().strip()


def patient_named(given: str) -> str:
    """Take what names a patient: an NHS number, a pseudonym or a source's own reference.

    Digits that are no NHS number name nobody: a fault, rather than somebody of whom nothing is on record.
    """
    try:
        return patient(given)
    except ValueError as error:
        raise InvalidInput([Fault("--patient", str(error))], "Nobody was named.") from None


def print_json(value: object) -> None:
    """Print a value as JSON for people and programs."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))
