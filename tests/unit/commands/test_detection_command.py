"""The detection commands: a replay gives the same bytes each time, a rewind reads again; both are on record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from governance.audit import Query
from governance.bootstrap import Services, build
from governance.cli import main
from governance.clock import FixedClock
from governance.jobs import Runtime
from governance.settings import from_environment
from governance.vocabulary import EventKind
from tests.worlds.alerts import act
from tests.worlds.basics import NOON, demo_environment


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    values = demo_environment(f"sqlite:///{tmp_path}/cli.sqlite")
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    assert CliRunner().invoke(main, ["migrate"]).exit_code == 0
    return values


@pytest.fixture
def opened(environment: dict[str, str]) -> Iterator[Services]:
    services = build(from_environment(environment), FixedClock(NOON))
    runtime = Runtime(services)
    runtime.start(jobs=False)
    told = [act(f"a-{n}", 120 * n, who=f"u{n}", patient="9990000026", study="1.2.4") for n in range(3)]
    services.infrastructure.audit.append(told)
    services.uses.detection.catch_up()
    yield services
    runtime.stop()


def command(*words: str) -> Result:
    return CliRunner().invoke(main, ["detection", *words])


def test_a_replay_gives_the_same_bytes_and_is_on_record(opened: Services) -> None:
    first, again = (command("replay", "--from", "0", "--to", "3", "--json", "--quiet") for _ in range(2))
    assert first.exit_code == 0, first.output
    assert first.stdout == again.stdout
    found = json.loads(first.stdout)
    assert (found["from"], found["to"], found["events"]) == (0, 3, 3)
    assert found["counts"] == {"access_without_decision": {"alert": 3, "notice": 0, "withdrawn": 0}}
    assert all(each["id"].startswith("f-") for each in found["findings"])
    assert opened.infrastructure.audit_search.count(Query(kind=EventKind.AUDIT_READ)) == 2


def test_a_replay_in_words_with_progress(opened: Services) -> None:
    told = command("replay", "--to", "2", "--from", "2020-01-01T00:00:00Z")
    assert told.exit_code == 0, told.output
    assert told.stdout.splitlines()[0] == "2 entries, 0 to 2"
    assert "access_without_decision" in told.stdout
    assert "Replaying" in told.stderr


def test_other_settings_are_used_and_faults_are_named(opened: Services, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("patient_burst: {early: 3, early_bits: 1.0}\n", "utf-8")
    told = command("replay", "--to", "3", "--settings", str(file), "--json", "--quiet")
    assert "patient_burst" in json.loads(told.stdout)["counts"], told.output
    file.write_text("patient_burst: {leest: 3}\n", "utf-8")
    refused = command("replay", "--settings", str(file), "--quiet")
    assert refused.exit_code == 1
    assert "/patient_burst/leest: is no setting of it" in refused.output


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--from", "soon"), "--from: is no index"),
        (("--from", "3", "--to", "1"), "--to: is before --from"),
    ],
)
def test_a_span_that_is_none_is_named(opened: Services, words: tuple[str, ...], fault: str) -> None:
    refused = command("replay", *words)
    assert refused.exit_code == 1
    assert fault in refused.output


def test_a_rewind_reads_the_log_again_and_is_on_record(opened: Services) -> None:
    before = opened.uses.detection.position()
    refused = CliRunner().invoke(main, ["detection", "rewind", "--because", "a test"], input="n\n")
    assert (refused.exit_code, opened.uses.detection.position()) == (1, before)
    told = command("rewind", "--because", "a test", "--yes")
    assert told.exit_code == 0, told.output
    assert opened.uses.detection.position() == 0
    changes = opened.infrastructure.audit_search.find(Query(kind=EventKind.CONFIG), 10)
    assert [change.detail.get("act") for change in changes].count("detection.rewind") == 1


def test_help_says_what_it_does() -> None:
    told = command("replay", "--help").output
    assert "No alert and nothing that the running detectors remember is touched." in told
