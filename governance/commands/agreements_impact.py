"""Impact analysis on the host of the service: any period, any number of decisions, with a progress bar."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from governance.agreements import InForce, Moved, Transition
from governance.agreements.documents import check, parse
from governance.bootstrap import Services
from governance.commands._agreement_files import format_of
from governance.commands._context import operator, plain_errors, print_json, services
from governance.errors import Fault, InvalidInput
from governance.impact import ImpactReport, Question
from governance.impact.candidate import read_candidate
from governance.impact.impact import EXAMPLES_MAXIMUM
from governance.impact.rendering import document, summary
from governance.vocabulary import EventKind

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_USUAL = timedelta(days=30)


class _Version(click.ParamType[tuple[str, int]]):
    """``NAME:VERSION``."""

    name = "name:version"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Give the agreement's name and the version."""
        name, _, version = value.rpartition(":")
        if not name or not version.isdecimal():
            self.fail("is an agreement's name, a colon and a version", param, ctx)
        return name, int(version)


@click.command("impact")
@click.argument("files", nargs=-1, type=_FILE)
@click.option("--activate", multiple=True, type=_Version(), help="Suppose this version on file were in force.")
@click.option("--suspend", multiple=True, type=_Version(), help="Suppose this version were suspended.")
@click.option("--expire", multiple=True, type=_Version(), help="Suppose this version had expired.")
@click.option("--terminate", multiple=True, type=_Version(), help="Suppose this version were terminated.")
@click.option(
    "--policies",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Suppose the Rego policies of this folder decided, in place of today's.",
)
@click.option("--since", type=click.DateTime(), help="From this time on (UTC). Default: 30 days before the end.")
@click.option("--until", type=click.DateTime(), help="Up to this time (UTC). Default: now.")
@click.option("--examples", type=click.IntRange(0, EXAMPLES_MAXIMUM), default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@plain_errors
def impact(
    files: tuple[Path, ...],
    policies: Path | None,
    since: datetime | None,
    until: datetime | None,
    examples: int,
    as_json: bool,
    quiet: bool,
    **moves: tuple[tuple[str, int], ...],
) -> None:
    """Tell who would gain and who would lose access if agreements or policies changed.

    FILES are drafts (YAML or JSON), as if they were signed and in force. All changes are supposed together, and the
    logged decisions of the period are asked again. Nothing is changed; the look is recorded in the log.
    """
    changes: tuple[InForce | Moved, ...] = (*_drafts(files), *_moves(moves))
    candidate = None if policies is None else read_candidate(policies)
    with services() as made:
        end = until.replace(tzinfo=UTC) if until else made.infrastructure.clock.now()
        start = since.replace(tzinfo=UTC) if since else end - _USUAL
        question = Question(changes, start, end, examples, policies=candidate)
        length = made.uses.impact.decisions(question)
        with click.progressbar(length=length, label="Replaying", hidden=quiet, file=sys.stderr) as bar:
            report = made.uses.impact.analyse(question, progress=lambda done: bar.update(done - bar.pos))
        _record(made, report)
    if as_json:
        print_json(document(report))
    else:
        click.echo("\n".join(summary(report)))


def _drafts(files: Iterable[Path]) -> list[InForce]:
    found: list[InForce] = []
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise InvalidInput([Fault(str(file), "is not UTF-8")], "A file cannot be read.") from None
        documents = parse(text, str(file), format_of(file))
        found += [InForce(check(one, f"{file}#/{number}").agreement) for number, one in enumerate(documents)]
    return found


def _moves(moves: dict[str, tuple[tuple[str, int], ...]]) -> list[Moved]:
    return [Moved(name, version, Transition(step)) for step in sorted(moves) for name, version in moves[step]]


def _record(made: Services, report: ImpactReport) -> None:
    """Every look at the log is an event of it; raises when it cannot be recorded, and then nothing is shown."""
    made.infrastructure.recorder.record(
        EventKind.AUDIT_READ,
        subject=operator(),
        detail={"door": "agreements impact", "filters": ["since", "until"], "returned": report.tally.decisions},
    )
