"""After a restore from a backup: close the log's origin, open another, and end every token, session and grant.

It takes two operators (``_operators.py``).
"""

import base64
from pathlib import Path

import click

from governance.agreements.signing import new_private_key, public_key_of
from governance.audit.history import Fence
from governance.audit.history.fence import HEAD
from governance.bootstrap import Services
from governance.commands._context import plain_errors, services
from governance.commands._operators import FILE, approval, approval_option, approved_by, signing_options
from governance.commands._private import open_private
from governance.errors import Fault, InvalidInput
from governance.vocabulary import EventKind
from governance.web.sessions import end_all

_HEAD = click.option(
    "--head",
    "head_file",
    type=FILE,
    help="The last known checkpoint of the old origin. Default: the one kept outside the database.",
)


@click.group("restore-fence")
def restore_fence() -> None:
    """Close the log's origin after a restore and open another; two operators approve it."""


@restore_fence.command("new-key")
@click.argument("name")
@click.argument("file", type=click.Path(exists=False, path_type=Path))
@plain_errors
def new_key(name: str, file: Path) -> None:
    """Make an operator's key: the private half in FILE (mode 0600), the pair for GOVERNANCE_OPERATORS printed."""
    private = new_private_key()
    with open_private(file, new=True) as written:
        written.write(private)
    click.echo(f"{name}={_raw_public_key(private)}")


@restore_fence.command("statement")
@_HEAD
@plain_errors
def statement(head_file: Path | None) -> None:
    """Print what two operators must approve; GOVERNANCE_LOG_ORIGIN already is the new origin."""
    with services() as made:
        click.echo(made.infrastructure.audit.fence(_head(made, head_file)).text(), nl=False)


@restore_fence.command("approve")
@signing_options
@plain_errors
def approve(statement_file: Path, name: str, key_file: Path) -> None:
    """Sign a statement and print the approval; needs no database and no settings."""
    text = statement_file.read_text(errors="replace")
    if not text.startswith(f"{HEAD}\n"):
        raise InvalidInput([Fault(str(statement_file), "is not a statement of this command")])
    click.echo(approval(text, name, key_file))


@restore_fence.command("close")
@approval_option
@_HEAD
@plain_errors
def close(approvals: tuple[Path, ...], head_file: Path | None) -> None:
    """Do it: the first entry under the new origin cites the old one's last known head."""
    with services() as made:
        head = _head(made, head_file)
        fence = made.infrastructure.audit.fence(head)
        names = approved_by(fence.text(), approvals, made.infrastructure.settings.operators)
        _close(made, fence, head, names)
    click.echo(f"{fence.closed.origin} is closed, {_loss(fence)}; {fence.begins.origin} goes on.")


def _loss(fence: Fence) -> str:
    first, last = fence.restored.size, fence.closed.size - 1
    if last < first:
        return "none of its entries is known to be lost"
    return f"its entry {first} is lost" if first == last else f"its entries {first} to {last} are lost"


def _close(made: Services, fence: Fence, head: str, names: list[str]) -> None:
    infrastructure, registers = made.infrastructure, made.registers
    now = infrastructure.clock.now()
    with infrastructure.database.transaction() as session:
        registers.federation.end_everything(session, now)
        registers.emergency.end_all(session, now)
        end_all(session)
        held = infrastructure.audit.fence_in(
            session,
            fence,
            head,
            lambda: infrastructure.recorder.record_in(
                session, EventKind.RECORDING, time=now, detail=fence.detail(names)
            ),
        )
    infrastructure.audit.fenced(held)


def _head(made: Services, file: Path | None) -> str:
    """Give the last known note; raises InvalidInput when none is kept and none was given."""
    kept = made.infrastructure.kept_note
    note = file.read_text() if file is not None else kept.read() if kept is not None else None
    if note is None:
        raise InvalidInput([Fault("--head", "no checkpoint is kept outside the database: give the last one known")])
    return note


def _raw_public_key(private_pem: str) -> str:
    """Give the 32 bytes of an Ed25519 public key, base64: they end its SubjectPublicKeyInfo (RFC 8410 section 4)."""
    lines = public_key_of(private_pem).strip().splitlines()[1:-1]
    return base64.b64encode(base64.b64decode("".join(lines))[-32:]).decode()
