"""What takes two operators: each signs the same statement with a key of their own.

The public half of each key is a setting, outside the database: a key that lies in the database would be whoever's can
write it. A statement begins with what it is for, so that an approval of one thing never is one of another.
"""

import base64
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from governance.agreements.signing import sign
from governance.audit.signer import ed25519_valid
from governance.erasure.erasure import PERSONS
from governance.errors import Fault, InvalidInput
from governance.settings import read_operators

Command = TypeVar("Command", bound=Callable[..., Any])
OPERATORS = "GOVERNANCE_OPERATORS"
_NOTHING_SIGNED = "Nothing was signed."
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
    """Sign a statement as an operator and give the approval.

    Raises:
        InvalidInput: what is given is no key; or GOVERNANCE_OPERATORS is set here, and this is not that operator's.
    """
    try:
        signature = sign(statement, key_file.read_text())
    except ValueError as error:
        raise InvalidInput([Fault(str(key_file), str(error))], "The key cannot be read.") from None
    operators = _operators_here()
    if operators is not None and name not in operators:
        raise InvalidInput([Fault("--name", "is no operator of GOVERNANCE_OPERATORS")], _NOTHING_SIGNED)
    if operators is not None and not ed25519_valid(operators[name], _decoded(signature), statement.encode()):
        raise InvalidInput([Fault("--key", "is not this operator's in GOVERNANCE_OPERATORS")], _NOTHING_SIGNED)
    return f"{name} {signature}"


def _operators_here() -> Mapping[str, bytes] | None:
    """Give the operators of the environment, None without any: an operator signs on a machine of their own."""
    given = os.environ.get(OPERATORS)
    if not given:
        return None
    try:
        return read_operators(given)
    except ValueError as error:
        raise InvalidInput([Fault(OPERATORS, str(error))]) from None


def approved_by(statement: str, approvals: Sequence[Path], operators: Mapping[str, bytes]) -> list[str]:
    """Give the operators who approved a statement, once each.

    Raises:
        InvalidInput: an approval is none of an operator on this very statement, or they are fewer than two.
    """
    if not operators:
        raise InvalidInput([Fault(OPERATORS, "names nobody who may approve")])
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
