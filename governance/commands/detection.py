"""Detection: run the detectors over a span of the log again without touching an alert, or start from the beginning."""

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import yaml

from governance.bootstrap import Services
from governance.commands._context import operator, plain_errors, print_json, services
from governance.detection import DetectionEngine, Replayed, changed_rules
from governance.errors import Fault, InvalidInput
from governance.vocabulary import EventKind

_INDEX = re.compile(r"[0-9]{1,15}")


@click.group()
def detection() -> None:
    """Run the detectors over the log again."""


@detection.command("rewind")
@click.option("--because", required=True, help="Why; it is recorded.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@plain_errors
def rewind(because: str, yes: bool) -> None:
    """Send detection back to the start of the log, or as far as facts are kept; all they remember is learnt again.

    Alerts gain nothing they already have, and reviews stay. A running service notices within seconds and reads on from
    the start; until it has caught up, new events wait. Recorded in the audit log.
    """
    if not yes:
        click.confirm("Forget what the detectors remember, and read the whole log again?", abort=True)
    with services() as made:
        _record(made, EventKind.CONFIG, {"act": "detection.rewind", "reason": because})
        made.uses.detection.rewind()
        size = made.infrastructure.audit.tree_head()[0]
    click.echo(f"{size} entries will be read again")


@detection.command("replay")
@click.option("--from", "begins", default="0", show_default=True, help="An index of the log, or an RFC 3339 instant.")
@click.option("--to", "ends", help="The same, not included; without it, to the end of the log.")
@click.option(
    "--settings",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML or JSON: other settings, as `{detector: {setting: value}}`.",
)
@click.option("--json", "as_json", is_flag=True, help="Every finding, for programs.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@plain_errors
def replay(begins: str, ends: str | None, file: Path | None, as_json: bool, quiet: bool) -> None:
    """Run the detectors over a span of the log and say what they find.

    No alert and nothing that the running detectors remember is touched. The same span and settings give the same
    output, byte for byte. An instant stands for the first entry recorded then or later. The look is recorded.
    """
    with services() as made:
        engine = made.uses.detection
        rules = engine.rules if file is None else changed_rules(engine.rules, _settings(file))
        size = made.infrastructure.audit.tree_head()[0]
        first = _index(begins, "--from", engine, size)
        last = size if ends is None else _index(ends, "--to", engine, size)
        if last < first:
            raise InvalidInput([Fault("--to", "is before --from")], "There is no such span.")
        detail = {"door": "detection replay", "filters": ["from", "to"], "returned": last - first}
        _record(made, EventKind.AUDIT_READ, detail)
        with click.progressbar(length=last - first, label="Replaying", hidden=quiet, file=sys.stderr) as bar:
            found = engine.replay(first, last, rules=rules, progress=lambda done: bar.update(done - bar.pos))
    if as_json:
        print_json(_document(found))
    else:
        click.echo("\n".join(_summary(found)))


def _record(made: Services, kind: EventKind, detail: dict[str, Any]) -> None:
    """Record who did it; raises when it cannot be recorded, and then nothing is done."""
    made.infrastructure.recorder.record(kind, subject=operator(), detail=detail)


def _index(given: str, option: str, engine: DetectionEngine, size: int) -> int:
    """Read a place in the log; raises InvalidInput."""
    if _INDEX.fullmatch(given):
        return min(int(given), size)
    try:
        instant = datetime.fromisoformat(given)
    except ValueError:
        raise InvalidInput([Fault(option, "is no index and no RFC 3339 instant")], "There is no such span.") from None
    return engine.index_at(instant if instant.tzinfo else instant.replace(tzinfo=UTC))


def _settings(file: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(file.read_text("utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError):
        raise InvalidInput([Fault("--settings", "is no YAML or JSON file")], "A file cannot be read.") from None
    if not isinstance(found, dict):
        raise InvalidInput([Fault("--settings", "must map detectors to settings")], "A file cannot be read.")
    return found


def _document(found: Replayed) -> dict[str, Any]:
    span = {"from": found.first, "to": found.last, "events": found.events}
    return span | {"counts": found.counts(), "findings": json.loads(json.dumps(found.findings))}


def _summary(found: Replayed) -> list[str]:
    lines = [f"{found.events} entries, {found.first} to {found.last}"]
    lines.append(f"{'detector':<32} {'alerts':>8} {'notices':>8} {'taken back':>11}")
    for rule, row in found.counts().items():
        lines.append(f"{rule:<32} {row['alert']:>8} {row['notice']:>8} {row['withdrawn']:>11}")
    return lines
