"""Studies: set the labels of one, and who answers for it, as its owner's explicit act would."""

from collections.abc import Sequence

import click

from governance.catalogue import Study
from governance.commands._context import plain_errors, print_json, services
from governance.registers import OPERATOR


@click.group()
def studies() -> None:
    """Set a study's labels and custodians; each act is in the log with what was before and after."""


@studies.command("labels")
@click.argument("study_uid")
@click.option("--label", "labels", multiple=True, help="One it is to have; give each. Others are taken away.")
@click.option("--none", is_flag=True, help="It is to have none.")
@plain_errors
def labels(study_uid: str, labels: Sequence[str], none: bool) -> None:
    """Set the labels of a study."""
    _say_which(labels, none, "--label")
    with services() as made:
        _show(made.uses.study_acts.labels(OPERATOR, study_uid, labels))


@studies.command("custodians")
@click.argument("study_uid")
@click.option("--ods", "custodians", multiple=True, help="A trust that is to answer for it; give each.")
@click.option("--none", is_flag=True, help="Nobody is to: then nobody is given access.")
@plain_errors
def custodians(study_uid: str, custodians: Sequence[str], none: bool) -> None:
    """Set the trusts that answer for a study."""
    _say_which(custodians, none, "--ods")
    with services() as made:
        _show(made.uses.study_acts.custodians(OPERATOR, study_uid, custodians))


def _say_which(values: Sequence[str], none: bool, option: str) -> None:
    """Refuse to take everything away by a word that was forgotten."""
    if bool(values) == none:
        raise click.UsageError(f"Give {option}, or --none.")


def _show(study: Study) -> None:
    print_json({"id": study.study_uid, "custodians": list(study.custodians), "labels": sorted(study.labels)})
