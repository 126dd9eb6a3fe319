"""Plays days of the region through the public surface and keeps the truth of what was wrong in them."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from governance.simulation.activity import Region
from governance.simulation.client import Surface
from governance.simulation.incidents import KINDS, Incident, play
from governance.simulation.population import draw


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to play: trusts by ODS code, the first day, sizes for each trust, which incidents, and where.

    What would happen after ``until`` has not happened: a night shift of yesterday goes on this morning.
    """

    trusts: tuple[str, ...]
    first_day: date
    days: int
    seed: int = 1
    staff_per_trust: int = 20
    patients_per_trust: int = 120
    examinations: int = 20
    incidents: tuple[str, ...] = tuple(KINDS)
    focus: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Played:
    """What was sent, and the incidents in it."""

    studies: int
    edges: int
    events: int
    incidents: tuple[Incident, ...]


Progress = Callable[[str, int], None]


def run(
    surface: Surface,
    plan: Plan,
    progress: Progress = lambda _what, _count: None,
    day_done: Callable[[], None] = lambda: None,
) -> Played:
    """Play the plan: people first, then each day's context and events.

    The incidents are spread evenly over the days; the same plan sends the same bytes.

    Args:
        surface: the service, as a client.
        plan: how much to play.
        progress: gets what was sent and how many lines of it.
        day_done: called after each day.
    """
    rng = random.Random(plan.seed)  # noqa: S311 - a simulation must be repeatable
    population = draw(
        rng,
        plan.trusts,
        staff_per_trust=plan.staff_per_trust,
        patients_per_trust=plan.patients_per_trust,
        today=plan.first_day,
    )
    surface.post_lines("/relationships/v1/staff", (p.row() for p in population.staff), lambda n: progress("staff", n))
    surface.post_lines(
        "/relationships/v1/patients", (p.row() for p in population.patients), lambda n: progress("patients", n)
    )
    region = Region(rng, population, plan.trusts, plan.examinations, plan.focus)
    studies = edges = events = 0
    found: list[Incident] = []
    for number in range(plan.days):
        day = region.live(plan.first_day + timedelta(days=number))
        found += [play(kind, region, day) for kind in _share(plan.incidents, number, plan.days)]
        studies += surface.post_lines("/catalogue/v1/studies", day.studies, lambda n: progress("studies", n))
        edges += surface.post_lines("/relationships/v1/edges", day.edges, lambda n: progress("edges", n))
        happened = [event for event in day.events if _happened(event, plan.until)]
        events += surface.post_lines("/audit/v1/events", happened, lambda n: progress("events", n))
        day_done()
    begun = tuple(one for one in found if plan.until is None or one.began <= plan.until)
    return Played(studies, edges, events, begun)


def _happened(event: Mapping[str, Any], until: datetime | None) -> bool:
    """Say whether an event lies before the end of what is played."""
    return until is None or datetime.fromisoformat(event["time"]) <= until


def _share(incidents: Sequence[str], number: int, days: int) -> Sequence[str]:
    """Give the incidents that fall on one of the days."""
    return incidents[number::days]
