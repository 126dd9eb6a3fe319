"""What a command says of settings and databases that it cannot work with: one line, in time, and never a traceback."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from governance.commands._demo_home import DemoHome
from governance.simulation.programs import free_port
from governance.storage import Database
from tests.peers.postgres import silent
from tests.worlds.served import ROOT, seeded_home

LIMIT = 10.0  # seconds that a command waits for a database that never answers
MARGIN = 60.0  # seconds that a busy machine may add to what is promised
COMMANDS = ("check-settings", "verify-log --quiet", "migrate --dry-run", "quarantine list", "serve")


def run(environment: dict[str, str], command: str) -> tuple[str, int, str, float]:
    """Run a command; gives it, its exit status, what it said and how long it took."""
    began = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "app.py", *command.split()],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("GOVERNANCE_")} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return command, ran.returncode, ran.stdout + ran.stderr, time.monotonic() - began


@pytest.mark.peer
def test_a_silent_database_is_said_in_one_line_and_in_time(
    tmp_path: Path, postgres_server: str, postgres_database: Database
) -> None:
    environment = seeded_home(tmp_path / "home", postgres_database.url).environment()
    with silent(postgres_server), ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda command: run(environment, command), COMMANDS))
    for command, status, said, took in found:
        assert "Traceback" not in said, said
        assert len(said.splitlines()) <= 3, said
        assert took < LIMIT + MARGIN, command
        assert (status == 0) is (command == "check-settings"), said


@pytest.mark.peer
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("/test_", "/none_", 'database "none_'),
        ("//postgres@", "//nobody@", 'role "nobody" does not exist'),
    ],
)
def test_a_refusal_of_the_database_is_said_by_the_setting_that_names_it(
    tmp_path: Path, postgres_database: Database, old: str, new: str, words: str
) -> None:
    environment = DemoHome(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:9").environment()
    environment["GOVERNANCE_DATABASE_URL"] = postgres_database.url.replace(old, new)
    for command in ("check-settings", "serve", "quarantine list"):
        _, status, said, _ = run(environment, command)
        assert status == 1, said
        assert said.startswith("Error: GOVERNANCE_DATABASE_URL: the database refuses the connection: "), said
        assert words in said
        assert len(said.splitlines()) == 1


def test_what_does_not_answer_now_is_said_and_is_no_fault(tmp_path: Path) -> None:
    environment = DemoHome(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:9").environment()
    _, status, said, _ = run(environment | {"GOVERNANCE_OPA_URL": f"http://127.0.0.1:{free_port()}"}, "check-settings")
    assert status == 0
    assert "The OPA server does not answer: until it does, everything is denied." in said.splitlines()


def test_an_address_of_another_machine_is_refused_by_its_setting(tmp_path: Path) -> None:
    environment = DemoHome(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:9").environment()
    given = {"GOVERNANCE_SYSLOG_PORT": str(free_port()), "GOVERNANCE_SYSLOG_HOST": "192.0.2.1"}
    _, status, said, _ = run(environment | given, "check-settings")
    assert status == 1
    assert said.startswith("Error: GOVERNANCE_SYSLOG_HOST: nothing can listen there")
