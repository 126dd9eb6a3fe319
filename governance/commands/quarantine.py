"""Quarantine: how many audit messages wait unread and why, and reading them again. No command shows a content."""

import click

from governance.commands._context import plain_errors, services

BATCH = 100  # messages between two moves of the progress bar


@click.group()
def quarantine() -> None:
    """Count the audit messages that could not be read, and read them again."""


@quarantine.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Reasons to show.")
@plain_errors
def show(limit: int) -> None:
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
