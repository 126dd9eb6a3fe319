"""Simulate: play days of the region through the public surface."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import requests

from governance.commands._context import print_json
from governance.simulation import region
from governance.simulation.client import Surface, SurfaceError
from governance.simulation.credentials import Credentials
from governance.simulation.incidents import KINDS
from governance.simulation.player import Plan, Played, run
from governance.vocabulary import Scope

SCOPES = (Scope.AUDIT_WRITE.value, Scope.CONTEXT_WRITE.value)


@click.command()
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="Where the service answers.")
@click.option(
    "--credentials",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="Key file of a service with audit.write and context.write that is registered for the region.",
)
@click.option("--days", type=click.IntRange(1, 400), default=7, show_default=True)
@click.option("--first-day", type=click.DateTime(["%Y-%m-%d"]), help="Default: so that the last day is yesterday.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed plays the same days.")
@click.option("--staff", type=click.IntRange(8, 500), default=20, show_default=True, help="Staff of each trust.")
@click.option("--patients", type=click.IntRange(10, 50_000), default=120, show_default=True, help="Of each trust.")
@click.option("--examinations", type=click.IntRange(1, 2_000), default=20, show_default=True, help="A day and trust.")
@click.option("--incident", "incidents", type=click.Choice(sorted(KINDS)), multiple=True, help="Default: one of each.")
@click.option("--no-incidents", is_flag=True, help="Play none.")
def simulate(
    url: str,
    credentials: Path,
    days: int,
    first_day: datetime | None,
    seed: int,
    staff: int,
    patients: int,
    examinations: int,
    incidents: tuple[str, ...],
    no_incidents: bool,
) -> None:
    """Play days of the region: shifts, worklists, referrals, MDTs, AI reads, and some incidents to find."""
    now = datetime.now(UTC)
    plan = Plan(
        trusts=tuple(trust.ods for trust in region.trusts()),
        first_day=first_day.date() if first_day else now.date() - timedelta(days=days),
        days=days,
        seed=seed,
        staff_per_trust=staff,
        patients_per_trust=patients,
        examinations=examinations,
        incidents=() if no_incidents else incidents or tuple(sorted(KINDS)),
        until=now,
    )
    try:
        played = play(Surface(url, Credentials.read(credentials), SCOPES), plan)
    except (SurfaceError, requests.RequestException, ValueError, TypeError) as error:
        raise click.ClickException(f"The simulation stopped: {error}") from None
    report(played)


def play(surface: Surface, plan: Plan) -> Played:
    """Play a plan with a progress bar over its days."""
    with click.progressbar(length=plan.days, label="Playing days", show_pos=True) as bar:
        sent = 0

        def progress(what: str, count: int) -> None:
            nonlocal sent
            sent += count
            bar.label = f"Playing days ({sent:,} lines sent, now {what})"
            bar.render_progress()

        return run(surface, plan, progress, lambda: bar.update(1))


def report(played: Played) -> None:
    """Print what was played, the truth about its incidents included."""
    print_json(
        {
            "studies": played.studies,
            "edges": played.edges,
            "events": played.events,
            "incidents": [
                {"kind": one.kind, "subject": one.subject, "began": one.began.isoformat()} for one in played.incidents
            ],
        }
    )
