"""Lives a region's days and writes what it sends and what is true of it."""

import json
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from governance.simulation.protocol.background.ai import install
from governance.simulation.protocol.background.care import Care
from governance.simulation.protocol.background.confounders import plan_confounders, share_out
from governance.simulation.protocol.network import network
from governance.simulation.protocol.plan import NATURAL_RATE, SCENARIOS, STRESS, TAIL, Mix, Plan
from governance.simulation.protocol.region import Region
from governance.simulation.protocol.scenarios import KINDS, Stage
from governance.simulation.protocol.scenarios.replays import plan_replay
from governance.simulation.protocol.sending.outbox import EVENTS, Outbox
from governance.simulation.protocol.times import HOUR, written
from governance.simulation.protocol.truth import BANDS

TRUTH = "truth.json"
NETWORK = "network.json"
PEOPLE = "people.ndjson"
_SMALL = Fraction(1, 10)  # of less than this, rounds are rarer, or most bodies would hold next to nothing
_AFTER = 6  # days after the end within which everything that happened is sent
_TRIES = 6  # days on which an incident that finds nobody is tried again


def generate(plan: Plan, folder: Path, day_done: Callable[[int], None] = lambda _day: None) -> dict[str, Any]:
    """Write a run into a folder, which must be empty or not there; gives the ground truth as it is written.

    Beside what is sent (:mod:`outbox`) the folder gets ``truth.json``, ``network.json`` (what an operator registers)
    and ``people.ndjson`` (role, trust, shift and surname's share of every user, for questions of fairness).

    Raises:
        FileExistsError: the folder holds something.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    with Outbox(folder, HOUR if plan.size > _SMALL else 3 * HOUR) as outbox:
        region = Region(plan, outbox)
        outbox.begin(region.first - 6 * HOUR)
        region.services = install(region)
        care = Care(region)
        stage = Stage(region, care, region.stream("incidents"))
        share_out(region, care, region.stream("pools"))
        plan_confounders(region, care)
        _plan_incidents(stage)
        region.load()
        for day in range(plan.days):
            region.begin(day)
            care.live()
            outbox.flush(region.start(day))  # a day behind: a feed may tell today of what was said yesterday
            day_done(day)
        outbox.flush(region.start(plan.days + _AFTER))  # what was planned for weeks after the end is left out
    truth = _truth(region, stage, outbox)
    (folder / TRUTH).write_text(json.dumps(truth, indent=1))
    (folder / NETWORK).write_text(json.dumps(network(region), indent=1))
    with (folder / PEOPLE).open("w") as people:
        for who in region.population.staff:
            share = region.population.shares[who.home.surname]
            row = {"id": who.id, "ods": who.ods, "role": who.role.value, "shift": who.pattern, "surname_share": share}
            people.write(json.dumps(row) + "\n")
    return truth


def _plan_incidents(stage: Stage) -> None:
    plan, rng = stage.region.plan, stage.rng
    count = max(3, plan.staff // 250)
    stage.sleepers = rng.sample(stage.region.population.staff, count)
    for who in stage.sleepers:
        who.away.append((1, plan.days + 1))
    if plan.mix.replay:
        plan_replay(stage, plan.mix)
        return
    for scenario in _wanted(stage):
        _try_on(stage, scenario, rng.randrange(plan.warm_up, plan.days - TAIL), _TRIES)


def _wanted(stage: Stage) -> list[str]:
    """Give the scenario of each incident of the run."""
    plan, rng = stage.region.plan, stage.rng
    if plan.mix is Mix.NULL:
        return []
    natural = NATURAL_RATE * plan.rate * plan.staff / 1_000 * (plan.days - plan.warm_up) / 30
    if plan.mix.natural:
        return rng.choices(list(SCENARIOS), list(SCENARIOS.values()), k=round(natural))
    return [name for _ in range(max(1, round(natural * STRESS / len(SCENARIOS)))) for name in SCENARIOS]


def _try_on(stage: Stage, scenario: str, day: int, tries: int) -> None:
    """Draft an incident on a day, or on one of the next where it finds nobody."""

    def draft() -> None:
        stage.draw_evasion(scenario)
        if KINDS[scenario](stage) is None:
            if tries > 1 and day + 1 < stage.region.plan.days - TAIL:
                _try_on(stage, scenario, day + 1, tries - 1)
            else:
                stage.region.tally.counts[f"unplayed_{scenario}"] += 1

    stage.region.later(day, draft)


def _truth(region: Region, stage: Stage, outbox: Outbox) -> dict[str, Any]:
    plan, counts = region.plan, region.tally.counts
    rates = region.tally.rates()
    return {
        "seed": plan.seed,
        "size": str(plan.size),
        "mix": plan.mix.value,
        "first_day": plan.first_day.isoformat(),
        "days": plan.days,
        "warm_up": plan.warm_up,
        "measured_from": (plan.first_day + timedelta(days=plan.warm_up)).isoformat(),
        "ends": written(region.start(plan.days)),
        "without": sorted(plan.without),
        "rate": plan.rate,
        "parameters": region.parameters.as_row(),
        "trusts": {trust.ods: round(trust.weight, 5) for trust in region.trusts},
        "staff": len(region.population.staff),
        "patients": len(region.population.patients),
        "lines": dict(outbox.lines),
        "events": outbox.lines[EVENTS],
        "counts": dict(sorted(counts.items())),
        "rates": rates,
        "outside_bands": [name for name, (low, high) in BANDS.items() if not low <= rates[name] <= high],
        "confounders": dict(sorted(region.tally.confounders.items())),
        "incidents": [incident.row() for incident in stage.incidents if incident.events],
    }
