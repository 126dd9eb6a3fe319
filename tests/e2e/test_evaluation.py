"""One small run of the evaluation as people start it: a real service, the stress mix, a table at the end."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers.postgres import administer
from tests.worlds.running_service import ROOT

pytestmark = [pytest.mark.peer, pytest.mark.timeout(1_500)]
SMALL = ("--mix", "stress", "--size", "1/20", "--days", "10", "--warm-up", "4")


def evaluate(out: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "app.py", "evaluate", "--seeds", "1", "--out", str(out), *more]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1_400, check=False)


def test_an_evaluation_measures_a_real_service_and_resumes(tmp_path: Path) -> None:
    done = evaluate(tmp_path, *SMALL)
    assert done.returncode == 0, done.stderr[-3_000:]
    result = json.loads((tmp_path / "stress-1.json").read_text())
    table = (tmp_path / "table.txt").read_text()
    assert table in done.stdout
    assert "strict recall, micro" in table
    assert (tmp_path / "chart.svg").read_text().startswith("<svg")
    assert not list((tmp_path / "work").iterdir())  # nothing of a run stays but its result

    played = {name for name, row in result["scenarios"].items() if row["incidents"]}
    found = {name for name, row in result["scenarios"].items() if row["strict"]}
    assert len(played) > 25
    # What the service finds by one event, whatever else it finds: every link of the chain held to come so far.
    assert {"decoy", "self_access"} <= found
    assert result["true"] <= result["alerts"]
    assert result["refused"] == {}
    assert {"B0 classic rules", "B5 unexplained a week, cut"} <= result["baselines"].keys()
    assert result["leak"]["found"] <= 0.30 * result["leak"]["incidents"]

    stamp = (tmp_path / "stress-1.json").stat().st_mtime_ns
    again = evaluate(tmp_path, *SMALL, "--resume")
    assert again.returncode == 0, again.stderr[-3_000:]
    assert (tmp_path / "stress-1.json").stat().st_mtime_ns == stamp
    assert (tmp_path / "table.txt").read_text() == table


def test_an_evaluation_runs_on_postgresql(tmp_path: Path, postgres_server: str) -> None:
    administer(postgres_server, "CREATE DATABASE evaluated_null_1")
    tiny = ("--mix", "null", "--size", "1/100", "--days", "7", "--warm-up", "2")
    done = evaluate(tmp_path, *tiny, "--database", f"{postgres_server}/evaluated_{{run}}")
    assert done.returncode == 0, done.stderr[-3_000:]
    result = json.loads((tmp_path / "null-1.json").read_text())
    assert result["refused"] == {}
    assert result["true"] == 0
    assert result["looks"] > 1_000


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--size", "3"), "size"),
        (("--days", "3"), "days"),
        (("--seeds", "x"), "1,4,7-9"),
        (("--without", "x"), "Invalid"),
    ],
)
def test_what_cannot_be_played_is_refused_in_one_line(tmp_path: Path, more: tuple[str, str], said: str) -> None:
    refused = evaluate(tmp_path / "out", *more)
    assert refused.returncode != 0
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr
