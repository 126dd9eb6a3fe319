"""Quarantine: how many audit messages wait unread and why, reading them again, looking at one, taking away, discarding.

`list` and `retry` open none. Whoever opens, takes away or discards is in the audit log.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from governance.commands._context import operator, plain_errors, services
from governance.commands._private import open_private
from governance.intake.quarantine import Chosen, QuarantinedMessage

BATCH = 100  # messages between two moves of the progress bar
Command = Callable[..., Any]


@click.group()
def quarantine() -> None:
    """Count audit messages that could not be read, read them again, look at them, take them away, discard them."""


def _choosing(command: Command) -> Command:
    """Give a command the options that choose waiting messages."""
    options: tuple[Callable[[Command], Command], ...] = (
        click.option("--before", type=click.DateTime(), help="Only messages that came before this instant, in UTC."),
        click.option("--carrier", help="Only messages that came this way, as `list` names it: syslog, opa."),
        click.option("--source", help="Only messages of this address or client id."),
    )
    for option in options:
        command = option(command)
    return command


@quarantine.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Reasons to show.")
@plain_errors
def count(limit: int) -> None:
    """Count waiting messages by reason, the most frequent first, with when the first and the last of them came."""
    with services() as made:
        waiting, groups = made.uses.quarantine.waiting(), made.uses.quarantine.groups(limit)
    click.echo(f"{waiting} waiting")
    for group in groups:
        days = f"{group.oldest:%Y-%m-%d} to {group.newest:%Y-%m-%d}"
        click.echo(f"{group.count:>8}  {group.carrier}  {days}  {group.reason}")


@quarantine.command("retry")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@plain_errors
def retry(quiet: bool) -> None:
    """Read every waiting message again and record what can be read now.

    Each message is recorded and marked as read in one commit, so a run that was interrupted is simply repeated.
    """
    recorded = 0
    with services() as made:
        with click.progressbar(length=made.uses.quarantine.waiting(), label="Reading", hidden=quiet) as bar:
            for carrier in made.uses.intake.kept_carriers:
                after = 0
                while (tried := made.uses.intake.retry(carrier, BATCH, after)).last is not None:
                    recorded, after = recorded + tried.recorded, tried.last
                    bar.update(tried.tried)
        waiting = made.uses.quarantine.waiting()
    click.echo(f"{recorded} recorded, {waiting} still waiting")


@quarantine.command("show")
@click.argument("number", type=click.IntRange(1), required=False)
@click.option("--after", type=click.IntRange(0), default=0, help="List messages with a number over this one.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="Messages to list.")
@plain_errors
def show(number: int | None, after: int, limit: int) -> None:
    """List waiting messages one by one, none opened; with NUMBER, open that one and show what it holds.

    What a message holds may identify a patient. Opening it is recorded in the audit log. Characters that could steer a
    terminal are shown as escapes; `export` gives the bytes as they came.
    """
    with services() as made:
        if number is None:
            for each in made.uses.quarantine.page(after, limit):
                click.echo(_line(each))
            return
        message, raw = made.uses.clearing.show(number, operator())
    click.echo(_line(message))
    if raw is None:
        raise click.ClickException("Its bytes cannot be had any more: the key of its day was destroyed.")
    click.echo(_shown(raw))


@quarantine.command("export")
@click.argument("file", type=click.Path(dir_okay=False, exists=False, path_type=Path))
@_choosing
@plain_errors
def export(file: Path, source: str | None, carrier: str | None, before: datetime | None) -> None:
    """Write waiting messages to FILE, which must not be there yet: a JSON object a line, the bytes in base64.

    The file is readable by its owner alone (mode 0600). They go on waiting. Taking them away is recorded.
    """
    with services() as made, open_private(file, new=True) as out:
        taken = made.uses.clearing.export(_chosen(source, carrier, before), operator())
        for message, raw in taken.messages:
            at, told = message.received_at.isoformat(), None if raw is None else base64.b64encode(raw).decode()
            out.write(json.dumps(asdict(message) | {"received_at": at, "raw": told}, ensure_ascii=False) + "\n")
    click.echo(f"{taken.count} written to {file}")


@quarantine.command("discard")
@click.argument("numbers", type=click.IntRange(1), nargs=-1)
@click.option("--because", required=True, help="Why; it is recorded.")
@click.option(
    "--all", "every", is_flag=True, help="Every waiting message that the options below choose, or all of them."
)
@_choosing
@click.option("--yes", is_flag=True, help="Ask nothing.")
@plain_errors
def discard(
    numbers: tuple[int, ...],
    because: str,
    every: bool,
    source: str | None,
    carrier: str | None,
    before: datetime | None,
    yes: bool,
) -> None:
    """Discard waiting messages, by NUMBERS or with --all; their bytes are gone for good.

    The audit log keeps who discarded what, why, and each message's SHA-256.
    """
    if bool(numbers) is every or (numbers and (source or carrier or before)):
        raise click.UsageError("Name messages by their numbers, or choose them with --all and its options.")
    with services() as made:
        chosen = list(numbers) or made.uses.clearing.chosen(_chosen(source, carrier, before))
        if not yes:
            click.confirm(f"Discard {len(chosen)} messages for good?", abort=True)
        done = made.uses.clearing.discard(chosen, because, operator())
        waiting = made.uses.quarantine.waiting()
    click.echo(f"{done} discarded, {waiting} still waiting")


def _chosen(source: str | None, carrier: str | None, before: datetime | None) -> Chosen:
    return Chosen(carrier, source, before.replace(tzinfo=UTC) if before else None)


def _line(message: QuarantinedMessage) -> str:
    at = message.received_at.isoformat(timespec="seconds")
    return f"{message.number:>8}  {message.carrier}  {message.peer}  {at}  {message.size} bytes  {message.reason}"


def _shown(raw: bytes) -> str:
    """Write bytes as text that does nothing to a terminal but stand there."""
    text = raw.decode("utf-8", "backslashreplace")
    return "".join(
        each if each.isprintable() or each == "\n" else each.encode("unicode_escape").decode() for each in text
    )
