"""The generator's command line: ``python -m governance.simulation.protocol --seed 1 --size 1/5 --out FOLDER``."""

from fractions import Fraction
from pathlib import Path

import click

from governance.simulation.protocol import CONFOUNDERS, Mix, Plan, generate
from governance.simulation.protocol.plan import DAYS, WARM_UP
from governance.simulation.protocol.truth import BANDS


class SizeType(click.ParamType[Fraction]):
    """A share of the whole, written 1/5 or 0.2."""

    name = "share"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        """Read it."""
        try:
            return Fraction(str(value))
        except (ValueError, ZeroDivisionError):
            self.fail("is a share such as 1/5", param, ctx)


@click.command()
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed writes the same bytes.")
@click.option("--size", type=SizeType(), default="1/20", show_default=True, help="Of 20,000 users, 60,000 looks a day.")
@click.option("--mix", type=click.Choice([mix.value for mix in Mix]), default=Mix.NATURAL.value, show_default=True)
@click.option("--days", type=int, default=DAYS, show_default=True)
@click.option("--warm-up", type=int, default=WARM_UP, show_default=True, help="Days at the start without incidents.")
@click.option("--without", type=click.Choice(CONFOUNDERS), multiple=True, help="Switch a confounder off.")
@click.option("--rate", type=float, default=1.0, show_default=True, help="Times the natural rate of incidents.")
@click.option("--documentation", type=float, default=0.0, show_default=True, help="Added to the drawn documentation.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="An empty or new folder.")
def main(
    seed: int,
    size: Fraction,
    mix: str,
    days: int,
    warm_up: int,
    without: tuple[str, ...],
    rate: float,
    documentation: float,
    out: Path,
) -> None:
    """Write months of a region's audit events and feeds, with the truth about what was wrong in them."""
    try:
        plan = Plan(seed, size, Mix(mix), days, warm_up, frozenset(without), rate, documentation)
        with click.progressbar(length=days, label="Living days") as bar:
            truth = generate(plan, out, lambda _day: bar.update(1))
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from None
    counts = truth["counts"]
    looks = counts["looks"]
    click.echo(f"{truth['staff']:,} users, {looks:,} looks ({looks / days:,.0f} a day), {truth['events']:,} events")
    for name, (low, high) in BANDS.items():
        mark = "" if name not in truth["outside_bands"] else "   OUTSIDE"
        click.echo(f"  {name:12} {truth['rates'][name]:8.2f}   wanted {low:g} to {high:g}{mark}")
    click.echo("  confounders  " + ", ".join(f"{name} {count}" for name, count in truth["confounders"].items()))
    click.echo(f"  incidents    {len(truth['incidents'])}")


if __name__ == "__main__":
    main()
