"""The studies commands: labels and custodians of one study, on the host."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from governance.cli import main
from governance.commands._context import services
from governance.federation import Trust
from governance.registers import OPERATOR
from tests.worlds.basics import demo_environment
from tests.worlds.registers import said

UID = "1.2.3"


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in demo_environment(f"sqlite:///{tmp_path}/cli.sqlite").items():
        monkeypatch.setenv(name, value)
    assert CliRunner().invoke(main, ["migrate"]).exit_code == 0
    row = {"id": UID, "custodians": ["RRK"], "patient": "9990000018", "modality": "CT", "study_date": "2026-11-20"}
    with services() as made:
        for ods in ("RRK", "RKB"):
            made.uses.registrations.trust(OPERATOR, Trust(ods, f"Trust {ods}"))
        made.uses.feeds.studies(OPERATOR, json.dumps(row | {"labels": ["sealed"]}).encode())


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["studies", *arguments])


def test_an_operator_sets_labels_and_custodians_and_the_log_keeps_both_sides() -> None:
    shared = run("custodians", UID, "--ods", "RRK", "--ods", "RKB")
    assert json.loads(shared.output) == {"id": UID, "custodians": ["RRK", "RKB"], "labels": ["sealed"]}
    lowered = run("labels", UID, "--none")
    assert json.loads(lowered.output) == {"id": UID, "custodians": ["RRK", "RKB"], "labels": []}
    with services() as made:
        told = [said(event) for event in made.infrastructure.audit.read(0, 100) if "changed" in event.detail]
    assert told == [
        {"changed": "custodians", "before": ["RRK"], "after": ["RRK", "RKB"]},
        {"changed": "labels", "before": ["sealed"], "after": []},
    ]


@pytest.mark.parametrize("act", ["labels", "custodians"])
def test_a_word_that_was_forgotten_takes_nothing_away(act: str) -> None:
    option = "--label" if act == "labels" else "--ods"
    assert f"Give {option}, or --none." in run(act, UID).output
    assert run(act, UID, "--none", option, "x").exit_code == 2
    assert "study.unknown" in run(act, "1.2.9", "--none").output
    with services() as made, made.infrastructure.database.reading() as session:
        study = made.registers.catalogue.study(session, UID)
    assert study is not None
    assert (study.custodians, study.labels) == (("RRK",), {"sealed"})
