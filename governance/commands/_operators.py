"""What takes two operators: each signs the same statement with a key of their own.

The public half of each key is a setting, outside the database: a key that lies in the database would be whoever's can
write it. A statement begins with what it is for, so that an approval of one thing never is one of another.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from governance.agreements.signing import sign
from governance.audit.signer import ed25519_valid
from governance.erasure.erasure import PERSONS
from governance.errors import Fault, InvalidInput

Command = TypeVar("Command", bound=Callable[..., Any])
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def signing_options(command: Command) -> Command:
    """Give a command the arguments of one who approves: the statement, their name, and their key."""
    for option in (
        click.option("--key", "key_file", required=True, type=FILE, help="The operator's private key, PEM."),
        click.option("--name", required=True, help="The operator, as in GOVERNANCE_OPERATORS."),
        click.argument("statement_file", type=FILE),
    ):
        command = option(command)
    return command


def approval_option(command: Command) -> Command:
    """Give a command the option that takes approvals."""
    text = "An operator's approval; twice."
    return click.option("--approval", "approvals", multiple=True, required=True, type=FILE, help=text)(command)


def approval(statement: str, name: str, key_file: Path) -> str:
    """Sign a statement as an operator and give the approval; raises InvalidInput for what is no key."""
    try:
        return f"{name} {sign(statement, key_file.read_text())}"
    except ValueError as error:
        raise InvalidInput([Fault(str(key_file), str(error))], "The key cannot be read.") from None


def approved_by(statement: str, approvals: Sequence[Path], operators: Mapping[str, bytes]) -> list[str]:
    """Give the operators who approved a statement, once each.

    Raises:
        InvalidInput: an approval is none of an operator on this very statement, or they are fewer than two.
    """
    if not operators:
        raise InvalidInput([Fault("GOVERNANCE_OPERATORS", "names nobody who may approve")])
    names = set()
    for number, path in enumerate(approvals):
        name, _, signature = _text(path).strip().partition(" ")
        key = operators.get(name)
        if key is None or not ed25519_valid(key, _decoded(signature), statement.encode()):
            raise InvalidInput([Fault(f"/approval/{number}", "is not an operator's signature on this statement")])
        names.add(name)
    if len(names) < PERSONS:
        raise InvalidInput([Fault("/approval", "two different operators must approve")])
    return sorted(names)


def _text(path: Path) -> str:
    return path.read_text(errors="replace")


def _decoded(signature: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    except ValueError:
        return b""
