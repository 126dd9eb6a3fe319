"""One run of the evaluation, in a process of its own: generate, serve, send, measure, keep the result."""

import json
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click

from governance.commands._evaluate_service import running
from governance.simulation.evaluation.running import evaluate
from governance.simulation.protocol import Plan, generate


@dataclass(frozen=True, slots=True)
class Run:
    """One seed and mix.

    Args:
        plan: what is generated.
        out: where the result goes.
        work: where data and database are meanwhile.
        keep: whether they stay.
        database: URL of a PostgreSQL database that holds nothing; SQLite without.
    """

    plan: Plan
    out: Path
    work: Path
    keep: bool
    database: str | None

    @property
    def name(self) -> str:
        """Give the name of the run."""
        return f"{self.plan.mix.value}-{self.plan.seed}"

    @property
    def result(self) -> Path:
        """Give the file of its result."""
        return self.out / f"{self.name}.json"

    @property
    def done(self) -> bool:
        """Say whether there is a result of this very plan."""
        if not self.result.exists():
            return False
        found, plan = json.loads(self.result.read_text()), self.plan
        wanted = {
            "seed": plan.seed,
            "mix": plan.mix.value,
            "size": str(plan.size),
            "days": plan.days,
            "warm_up": plan.warm_up,
            "without": sorted(plan.without),
            "rate": plan.rate,
        }
        return all(found.get(name) == value for name, value in wanted.items())


def perform(run: Run) -> str:
    """Perform a run and write its result; gives its name.

    Raises what generating, serving and sending raise; nothing is written then.
    """

    def say(text: str) -> None:
        click.echo(f"{datetime.now().astimezone():%H:%M:%S} {run.name}: {text}", err=True)

    folder = run.work / run.name
    shutil.rmtree(folder, ignore_errors=True)
    say("living its days")
    truth = generate(run.plan, folder / "data")
    say(f"{truth['events']:,} events, {len(truth['incidents'])} incidents, outside bands: {truth['outside_bands']}")
    network = json.loads((folder / "data" / "network.json").read_text())
    with running(folder / "home", network, run.database) as (service, untaken):
        for text in untaken:
            say(text)
        result = evaluate(folder / "data", service, say)
    result["untaken"] = untaken
    waiting = run.result.with_suffix(".new")
    waiting.write_text(json.dumps(result, indent=1))
    waiting.replace(run.result)
    if not run.keep:
        shutil.rmtree(folder)
    return run.name
