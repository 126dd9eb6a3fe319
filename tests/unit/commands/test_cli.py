"""The command line: help everywhere, plain errors, and the log checked by its own command."""

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from governance.cli import main
from governance.settings import markdown
from tests.worlds.basics import secret


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Set whole settings with a database of the test's own."""
    values = {
        "GOVERNANCE_PROFILE": "demo",
        "GOVERNANCE_ISSUER": "http://127.0.0.1:8080",
        "GOVERNANCE_ORGANISATION": "QHL",
        "GOVERNANCE_DATABASE_URL": f"sqlite:///{tmp_path}/cli.sqlite",
        "GOVERNANCE_PSEUDONYM_KEY": secret(1),
        "GOVERNANCE_KEY_ENCRYPTION_KEY": secret(2),
        "GOVERNANCE_LOG_SIGNING_KEY": secret(3),
        "GOVERNANCE_SESSION_KEY": secret(4),
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    migrated = run("migrate")
    assert migrated.exit_code == 0, migrated.output
    return values


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def every_command(group: click.Group = main, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from every_command(command, (*path, name))


@pytest.mark.parametrize("command", list(every_command()), ids=" ".join)
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output
    assert len(result.output.splitlines()) > 3


def test_a_missing_setting_is_named_and_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("GOVERNANCE_"):
            monkeypatch.delenv(name)
    result = run("serve")
    assert result.exit_code == 1
    assert "GOVERNANCE_ISSUER: is required" in result.output
    assert "GOVERNANCE_PSEUDONYM_KEY: is required" in result.output


def test_new_keys_make_complete_settings(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for line in run("keys", "new").output.splitlines():
        name, _, value = line.partition("=")
        monkeypatch.setenv(name, value)
    result = run("check-settings")
    assert result.exit_code == 0
    assert "complete: demo profile" in result.output


def test_new_keys_go_into_a_file_of_their_owner_and_none_is_written_over(tmp_path: Path) -> None:
    file = tmp_path / "secrets.env"
    before = os.umask(0o022)
    try:
        said = run("keys", "new", "--to", str(file))
    finally:
        os.umask(before)
    assert (said.exit_code, oct(file.stat().st_mode & 0o777)) == (0, "0o600")
    kept = file.read_text()
    assert not any(line.partition("=")[2] in said.output for line in kept.splitlines())
    printed = [line.partition("=")[0] for line in run("keys", "new").output.splitlines()]
    assert [line.partition("=")[0] for line in kept.splitlines()] == printed
    sourced = subprocess.run(
        ["sh", "-c", f"set -a; . {file}; set +a; env"], capture_output=True, text=True, timeout=30, check=True
    )
    assert set(kept.splitlines()) <= set(sourced.stdout.splitlines())
    again = run("keys", "new", "--to", str(file))
    assert (again.exit_code, again.output) == (1, f"Error: {file} is there already.\n")
    assert file.read_text() == kept


@pytest.mark.parametrize(
    "command", [("keys", "new", "--to"), ("agreements", "new-key"), ("restore-fence", "new-key", "ada")], ids=" ".join
)
def test_a_key_that_cannot_be_written_is_one_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "there").write_text("of somebody else")
    for file, words in ((tmp_path / "there", "is there already"), (tmp_path / "no" / "such", "cannot be written")):
        result = run(*command, str(file))
        assert (result.exit_code, len(result.output.splitlines())) == (1, 1), result.output
        assert words in result.output
    assert (tmp_path / "there").read_text() == "of somebody else"


@pytest.mark.parametrize("command", ["check-settings", "serve"])
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("GOVERNANCE_TENANTS", "no-such-folder", "folder 1 is not there"),
        ("GOVERNANCE_DATABASE_URL", "sqlite:////no/such/folder/log.sqlite", "in a folder that is not there"),
        ("GOVERNANCE_DATABASE_URL", "garbage", "begins with sqlite:///"),
        ("GOVERNANCE_LOG_ORIGIN", "", "1 to 255 characters"),
    ],
)
def test_a_setting_that_cannot_start_is_one_line(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, command: str, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    result = run(command)
    assert result.exit_code == 1
    assert f"{name}: " in result.output
    assert message in result.output
    assert "Traceback" not in result.output


def test_the_page_of_the_settings_is_printed_without_any_being_set() -> None:
    printed = run("settings")
    assert printed.exit_code == 0
    assert printed.output == markdown()


def test_the_federation_is_loaded_from_a_file_or_refused_by_path(environment: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "network.yaml"
    file.write_text("trusts: [{ods: RRK, name: University Hospitals Birmingham}]\n")
    loaded = run("federation", "load", str(file))
    assert loaded.exit_code == 0, loaded.output
    assert loaded.output.startswith("1 trusts")
    file.write_text("trusts: [{ods: rrk, name: x}]\nstrangers: []\n")
    refused = run("federation", "load", str(file))
    assert refused.exit_code == 1
    assert "is a mapping with some of" in refused.output


def test_the_log_is_exported_checked_and_found_out_when_altered(environment: dict[str, str], tmp_path: Path) -> None:
    output = tmp_path / "events.ndjson"
    assert run("export", "--output", str(output)).exit_code == 0
    assert run("export", "--output", str(output), "--format", "fhir").exit_code == 0
    assert output.read_text().count("AuditEvent") >= 1
    whole = run("verify-log", "--quiet")
    assert whole.exit_code == 0, whole.output
    assert "The log is whole." in whole.output
    with sqlite3.connect(tmp_path / "cli.sqlite") as connection:
        connection.execute(
            'UPDATE audit_entry SET entry = replace(entry, \'"export":true\', \'"export":null\') WHERE "index" = 1'
        )
    altered = run("verify-log", "--quiet")
    assert altered.exit_code == 1
    assert "First bad entry: 1." in altered.output


def test_a_log_that_cannot_be_read_is_no_verdict(environment: dict[str, str], tmp_path: Path) -> None:
    result = run("verify-log", "--quiet", "--database", f"sqlite:///{tmp_path}/none.sqlite")
    assert result.exit_code == 2


def test_without_the_settings_that_a_check_needs_there_is_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.startswith("GOVERNANCE_"):
            monkeypatch.delenv(name)
    for chosen in ([], ["--database", f"sqlite:///{tmp_path}/none.sqlite"], ["--key", "name+00000000+AAAA"]):
        result = run("verify-log", "--quiet", *chosen)
        assert result.exit_code == 2
        assert "The settings are not complete" in result.output


def test_a_database_without_a_log_is_no_verdict_and_one_line(environment: dict[str, str], tmp_path: Path) -> None:
    key = run("log-key").output.strip()
    sqlite3.connect(tmp_path / "empty.sqlite").close()
    with sqlite3.connect(tmp_path / "cli.sqlite") as connection:
        connection.execute("DROP TABLE audit_signing")
    for name in ("empty", "cli"):
        result = run("verify-log", "--quiet", "--database", f"sqlite:///{tmp_path}/{name}.sqlite", "--key", key)
        assert result.exit_code == 2
        assert len(result.output.strip().splitlines()) == 1


def test_a_fault_without_a_word_is_no_verdict_and_named_by_its_kind(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(url: str, longest: float) -> None:
        raise ConnectionResetError

    monkeypatch.setattr("governance.commands.log.open_reader", failing)
    result = run("verify-log", "--quiet")
    assert result.exit_code == 2
    assert result.output == "The log cannot be checked: ConnectionResetError\n"
