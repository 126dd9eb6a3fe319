"""Evaluate: measure detection on the protocol's region, with a real service for each seed and mix."""

import json
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import requests

from governance.commands._evaluate_run import Run, perform
from governance.errors import GovernanceError
from governance.simulation.client import SurfaceError
from governance.simulation.evaluation.chart import chart
from governance.simulation.evaluation.table import summary, table
from governance.simulation.programs import ProgramFailed
from governance.simulation.protocol import CONFOUNDERS, Mix, Plan
from governance.simulation.protocol.plan import DAYS, WARM_UP

_FAILURES = (
    SurfaceError,
    ProgramFailed,
    GovernanceError,
    BrokenExecutor,
    requests.RequestException,
    OSError,
    ValueError,
)


class Seeds(click.ParamType[tuple[int, ...]]):
    """Seeds as 1, 1-3 or 1,4,7-9."""

    name = "seeds"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Read them."""
        try:
            ends = [part.partition("-") for part in str(value).split(",")]
            found = [seed for low, _, high in ends for seed in range(int(low), int(high or low) + 1)]
        except ValueError:
            found = []
        if not found:
            self.fail("is a list such as 1,4,7-9", param, ctx)
        return tuple(dict.fromkeys(found))


@click.command()
@click.option("--seeds", type=Seeds(), default="1-3", show_default=True)
@click.option(
    "--mix", "mixes", type=click.Choice([mix.value for mix in Mix]), multiple=True, default=("natural", "null"),
    show_default=True,
)  # fmt: skip
@click.option("--size", default="1/20", show_default=True, help="Share of 20,000 users and 60,000 looks a day.")
@click.option("--days", type=int, default=DAYS, show_default=True)
@click.option("--warm-up", type=int, default=WARM_UP, show_default=True, help="Days at the start, not measured.")
@click.option("--without", type=click.Choice(CONFOUNDERS), multiple=True, help="Switch a confounder off.")
@click.option("--rate", type=float, default=1.0, show_default=True, help="Times the natural rate of incidents.")
@click.option("--jobs", type=click.IntRange(1, 16), default=2, show_default=True, help="Runs at a time.")
@click.option("--database", help="URL of a PostgreSQL server; {run} in it stands for the run's name. SQLite without.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep what is sent, and the services' homes, here.")
@click.option("--resume", is_flag=True, help="Leave out what has a result in the folder already.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of results, table and chart.")
def evaluate(
    seeds: tuple[int, ...],
    mixes: tuple[str, ...],
    size: str,
    days: int,
    warm_up: int,
    without: tuple[str, ...],
    rate: float,
    jobs: int,
    database: str | None,
    keep: Path | None,
    resume: bool,
    out: Path,
) -> None:
    """Measure detection: recall, precision, volume, fairness and baselines, over seeds and mixes of a simulated region.

    Each seed and mix is a run with a real service of its own. Results are kept a run at a time; with --resume an
    interrupted evaluation goes on. The folder then holds table.txt, table.json and chart.svg over all of them.
    """
    if find_spec("sklearn") is None:
        raise click.ClickException("The baselines need the development dependencies: `make dev` installs them.")
    plans = [
        _plan(seed, size, mix, days, warm_up, frozenset(without), rate)
        for mix in dict.fromkeys(mixes)
        for seed in seeds
    ]
    if database is not None and len(plans) > 1 and "{run}" not in database:
        raise click.ClickException("Several runs need a database each: put {run} into its name.")
    out.mkdir(parents=True, exist_ok=True)
    runs = [
        Run(plan, out, keep or out / "work", keep is not None, _named(database, f"{plan.mix.value}_{plan.seed}"))
        for plan in plans
    ]
    failed = _perform([run for run in runs if not (resume and run.done)], jobs)
    results = [json.loads(run.result.read_text()) for run in runs if run.done]
    if results:
        _write(out, results)
    if failed:
        raise click.ClickException("; ".join(failed))


def _plan(seed: int, size: str, mix: str, days: int, warm_up: int, without: frozenset[str], rate: float) -> Plan:
    try:
        share = Fraction(size)
        return Plan(seed, share, Mix(mix), days, warm_up, without, rate)
    except (ValueError, ZeroDivisionError) as error:
        raise click.ClickException(str(error)) from None


def _named(database: str | None, name: str) -> str | None:
    return None if database is None else database.replace("{run}", name)


def _perform(runs: Sequence[Run], jobs: int) -> list[str]:
    """Perform runs, so many at a time; gives what went wrong."""
    failed = []
    for run in runs:
        run.result.unlink(missing_ok=True)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=jobs, mp_context=context, max_tasks_per_child=1) as pool:
        begun = {pool.submit(perform, run): run for run in runs}
        for done in as_completed(begun):
            try:
                click.echo(f"{done.result()} is measured", err=True)
            except _FAILURES as error:
                failed.append(f"{begun[done].name}: {error}")
                click.echo(failed[-1], err=True)
    return failed


def _write(out: Path, results: list[dict[str, Any]]) -> None:
    text = table(results)
    (out / "table.txt").write_text(text)
    (out / "table.json").write_text(json.dumps(summary(results), indent=1))
    (out / "chart.svg").write_text(chart(results))
    click.echo(text)
    click.echo(f"Kept in {out}: table.txt, table.json, chart.svg, and a file a run.")
