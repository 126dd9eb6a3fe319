"""The impact command: a summary for people, a document for programs, and a record of the look."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from governance.bootstrap import Services
from governance.cli import main
from governance.clock import FixedClock
from governance.decisions.engine import POLICIES
from governance.settings import Settings
from governance.vocabulary import EventKind
from tests.worlds.basics import ISSUER, secret
from tests.worlds.impact import ImpactWorld, terms

PERIOD = ("--since", "2026-11-24", "--until", "2026-11-25")


@pytest.fixture(autouse=True)
def world(services: Services, settings: Settings, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> ImpactWorld:
    """Decide a few accesses in the database the command opens."""
    values = {
        "PROFILE": "demo",
        "ISSUER": ISSUER,
        "ORGANISATION": "QHL",
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "PSEUDONYM_KEY": secret(1),
        "KEY_ENCRYPTION_KEY": secret(2),
        "LOG_SIGNING_KEY": secret(3),
        "SESSION_KEY": secret(4),
    }
    for name, value in values.items():
        monkeypatch.setenv(f"GOVERNANCE_{name}", value)
    made = ImpactWorld(services, clock)
    made.ask()
    made.ask("nurse")
    return made


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["agreements", "impact", *map(str, arguments)])


def written(path: Path, made: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(made))
    return path


def test_a_summary_in_plain_english(world: ImpactWorld) -> None:
    result = run("--suspend", "two-trusts:1", *PERIOD, "--examples", 1)
    assert result.exit_code == 0, result.output
    (example,) = [line for line in result.stdout.splitlines() if "log index" in line]
    assert result.stdout.splitlines() == [
        "Supposing two-trusts version 1 were suspended.",
        "2 decisions from 2026-11-24 00:00 to 2026-11-25 00:00 (UTC) were looked at.",
        "1 decision would lose access:",
        "  RKB: 1 decision",
        "    1 x clinician, TREAT, read, images of RRK (agreement.not_active 1)",
        example,
        "Unchanged: 0 permitted, 1 denied.",
        "Today's policy decides every one of them as it was logged.",
    ]
    looks = [
        event for event in world.services.infrastructure.audit.read(0, 1_000) if event.kind is EventKind.AUDIT_READ
    ]
    assert [look.detail["door"] for look in looks] == ["agreements impact"]


def test_a_draft_as_json(tmp_path: Path) -> None:
    draft = written(tmp_path / "wider.yaml", terms({"/clauses/0/recipients": {"roles": ["nurse"]}}, version=2))
    result = run(draft, *PERIOD, "--json", "--quiet")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["gains"], report["loses"], report["decisions"]) == (1, 1, 2)


def test_the_usual_period_is_the_last_thirty_days() -> None:
    result = run("--terminate", "two-trusts:1")
    assert "decisions from" in result.stdout


def test_nothing_changes_says_so(tmp_path: Path) -> None:
    result = run(written(tmp_path / "same.yaml", terms()), *PERIOD)
    assert "The policy would be the same: nothing changes for anybody." in result.stdout
    assert "Nobody who asked would have gained or lost access." in result.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--suspend", "two-trusts"), "a colon and a version"),
        (("--suspend", "two-trusts:7"), "agreement.unknown"),
        ((), "The question cannot be answered."),
    ],
)
def test_what_cannot_be_asked_is_said(arguments: tuple[str, ...], told: str) -> None:
    result = run(*arguments, *PERIOD)
    assert result.exit_code != 0
    assert told in result.output


def test_a_bad_draft_is_named(tmp_path: Path) -> None:
    bad = written(tmp_path / "bad.yaml", terms({"/title": ""}))
    result = run(bad, *PERIOD)
    assert result.exit_code == 1
    assert f"{bad}#/0/title: " in result.output


def test_candidate_policies(tmp_path: Path) -> None:
    folder = shutil.copytree(POLICIES, tmp_path / "candidate")
    module = folder / "imaging" / "recipients" / "recipients.rego"
    module.write_text(module.read_text().replace("request.subject.role in clause.roles", "true"))
    result = run("--policies", folder, *PERIOD)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Supposing the candidate policies ")
    assert "1 x nurse, TREAT, read, images of RRK (role.not_covered 1)" in result.stdout
    module.write_text("package imaging.recipients\n\nfailures(request) := {\n")
    refused = run("--policies", folder, *PERIOD)
    assert refused.exit_code == 1
    assert f"{module}:4: expecting expression" in refused.output
    assert "The candidate policies cannot be used." in refused.output
