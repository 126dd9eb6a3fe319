"""A wrong key ends a command, the server's start too, with one line that names its setting."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from governance.bootstrap import build
from governance.cli import main
from governance.settings import from_environment
from tests.worlds.basics import demo_environment, secret

KEYS = ("GOVERNANCE_PSEUDONYM_KEY", "GOVERNANCE_KEY_ENCRYPTION_KEY")
COMMANDS = (
    ("check-settings",),
    ("serve",),
    ("verify-log", "--quiet"),
    ("export", "--output", "events.ndjson"),
    ("holds", "list"),
    ("keys", "list"),
    ("quarantine", "list"),
)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Set whole settings on a SQLite file that nothing made yet."""
    monkeypatch.chdir(tmp_path)
    values = demo_environment(f"sqlite:///{tmp_path}/keys.sqlite")
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


@pytest.mark.parametrize("profile", ["production", "demo"])
@pytest.mark.parametrize("wrong", KEYS)
def test_a_wrong_key_is_said_in_one_line(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, profile: str, wrong: str
) -> None:
    made = build(from_environment(os.environ))
    made.infrastructure.database.dispose()
    monkeypatch.setenv("GOVERNANCE_PROFILE", profile)
    monkeypatch.setenv(wrong, secret(101))
    for command in COMMANDS:
        result = run(*command)
        assert result.exit_code == (2 if command[0] == "verify-log" else 1), (command, result.output)
        (line,) = result.output.strip().splitlines()
        assert f"{wrong} is not the key that this database was first used with." in line, command
        assert secret(101) not in line


def test_the_check_of_the_settings_makes_no_database_and_knows_no_key_before_there_is_one(
    environment: dict[str, str], tmp_path: Path
) -> None:
    assert run("check-settings").exit_code == 0
    assert list(tmp_path.iterdir()) == []
    assert run("migrate").exit_code == 0
    assert run("check-settings").exit_code == 0


def test_the_check_of_the_settings_says_when_the_database_does_not_answer(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOVERNANCE_DATABASE_URL", "postgresql+psycopg://governance@127.0.0.1:9/governance")
    result = run("check-settings")
    assert result.exit_code == 0
    assert "The database does not answer: neither the keys nor" in result.output
