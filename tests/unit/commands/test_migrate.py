"""The schema is changed by one command; every other says in one line that it is not the one it works with."""

import os
import sqlite3
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from governance.bootstrap import build
from governance.cli import main
from governance.settings import from_environment
from governance.storage import Database, migrate
from tests.worlds.basics import demo_environment

READING = (
    ("agreements", "list"),
    ("agreements", "show", "two-trusts"),
    ("agreements", "export"),
    ("export", "--output", "events.ndjson"),
    ("keys", "list"),
    ("quarantine", "list"),
    ("serve",),
)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Name a database that nothing was ever put into, of an installation that is no demo."""
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path}/service.sqlite"
    for name, value in (demo_environment(url) | {"GOVERNANCE_PROFILE": "production"}).items():
        monkeypatch.setenv(name, value)
    return Database(url)


def tables(database: Database) -> set[str]:
    path = database.url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_no_other_command_changes_the_schema(database: Database, command: tuple[str, ...]) -> None:
    refused = run(*command)
    assert refused.exit_code == 1
    said = refused.output.strip().splitlines()
    assert len(said) == 1
    assert "older than this version needs" in said[0]
    assert "Run: app.py migrate" in said[0]
    assert tables(database) == set()


def test_a_migration_is_told_first_then_done_then_there_is_none(database: Database) -> None:
    told = run("migrate", "--dry-run")
    newest = migrate.schema(database).newest
    assert told.exit_code == 1, "there is something to do"
    assert told.output.startswith("Would run 0001: The first schema.")
    assert f"Would run {newest}" in told.output
    assert tables(database) == set()
    done = run("migrate")
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == f"The schema is at {newest}."
    assert migrate.schema(database).current
    again = run("migrate", "--dry-run")
    assert (again.exit_code, again.output) == (0, f"The schema is at {newest}.\n")
    assert run("quarantine", "list").exit_code == 0


@pytest.mark.parametrize("command", [*READING, ("migrate",), ("migrate", "--dry-run")], ids=" ".join)
def test_a_schema_of_a_newer_version_is_said_in_one_line(database: Database, command: tuple[str, ...]) -> None:
    assert run("migrate").exit_code == 0
    with database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    refused = run(*command)
    assert refused.exit_code == 1
    said = refused.output.strip().splitlines()
    assert len(said) == 1
    assert "schema (9999) is newer than this version of the service knows" in said[0]


def test_in_the_demo_the_first_command_finds_an_empty_database_and_makes_its_schema(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOVERNANCE_PROFILE", "demo")
    assert run("quarantine", "list").exit_code == 0
    assert migrate.schema(database).current
    with database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert "is newer than this version" in run("quarantine", "list").output


def test_the_demo_alone_migrates_as_it_starts(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOVERNANCE_PROFILE", "demo")
    made = build(from_environment(os.environ))
    made.infrastructure.database.dispose()
    assert migrate.schema(database).current


def test_a_log_with_another_schema_is_no_verdict_and_one_line(database: Database) -> None:
    database.ping()
    result = run("verify-log", "--quiet")
    assert result.exit_code == 2
    assert len(result.output.strip().splitlines()) == 1


def test_a_log_that_was_only_migrated_is_empty_and_not_yet_signed(database: Database) -> None:
    assert run("migrate").exit_code == 0
    new = run("verify-log", "--quiet")
    assert (new.exit_code, new.output.splitlines()[-2]) == (0, "The log is empty and not yet signed.")
    assert run("quarantine", "list").exit_code == 0  # the first that opens the log signs it
    signed = run("verify-log", "--quiet")
    assert (signed.exit_code, "not yet signed" in signed.output) == (0, False)
    with database.transaction() as session:
        for table in ("audit_checkpoint", "audit_signing"):
            session.connection().exec_driver_sql(f"DELETE FROM {table}")
    gone = run("verify-log", "--quiet")
    assert gone.exit_code == 3, "the note in the file beside the database says that it was signed"
    assert "The kept note of size 0 has no signing." in gone.output


def test_what_is_written_can_be_read_by_its_owner_alone(database: Database, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        assert run("migrate").exit_code == 0
        (tmp_path / "there.ndjson").touch(mode=0o644)
        assert run("export", "--output", "events.ndjson").exit_code == 0
        assert run("export", "--output", "there.ndjson").exit_code == 0
        assert run("agreements", "new-key", "signatory.pem").exit_code == 0
        with database.transaction():
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert {"service.sqlite", "service.sqlite-wal", "events.ndjson", "there.ndjson", "signatory.pem"} <= modes.keys()
    assert {name: oct(mode) for name, mode in modes.items() if mode != 0o600} == {}
