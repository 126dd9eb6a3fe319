"""The walk of a restore by the command line: two operators, and what ends with it on every process."""

import os
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from governance.audit.event import Event
from governance.bootstrap import Services, build
from governance.cli import main
from governance.clock import SystemClock
from governance.emergency import Grant, Scope, Submission
from governance.jobs import Runtime
from governance.settings import from_environment
from governance.tokens import TokenRefused
from governance.vocabulary import Action, EventKind, Outcome, Purpose
from governance.vocabulary import Scope as ApiScope
from governance.web import _session_store as sessions
from tests.worlds.basics import demo_environment
from tests.worlds.callers import Callers

NEW_ORIGIN = "127.0.0.1:8080/log-2"
pytestmark = pytest.mark.timeout(120)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def done(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def database(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set whole settings on a database of the test's own, its kept checkpoint elsewhere."""
    path = tmp_path / "log.sqlite"
    shutil.copy(sqlite_template, path)
    given = demo_environment(f"sqlite:///{path}") | {"GOVERNANCE_CHECKPOINT_FILE": str(tmp_path / "elsewhere")}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return path


@pytest.fixture
def operators(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Register two operators, each with a key in a file of their name."""
    names = ["ada", "ben"]
    pairs = [done("restore-fence", "new-key", name, str(tmp_path / name)).strip() for name in names]
    monkeypatch.setenv("GOVERNANCE_OPERATORS", ",".join(pairs))
    return names


def open_services() -> tuple[Services, Runtime]:
    made = build(from_environment(os.environ), SystemClock())
    runtime = Runtime(made)
    runtime.start(jobs=False)
    return made, runtime


@pytest.fixture
def restored(operators: list[str], database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let a service run, back its database up, let it go on, and put the backup back; gives a token of before."""
    from governance.server import create_app

    made, runtime = open_services()
    callers = Callers(create_app(made), made)
    callers.headers("watch", "QHL", {ApiScope.METRICS_READ})
    _grant_and_session(made)
    made.infrastructure.audit.sign_checkpoint()
    runtime.stop()
    shutil.copy(database, tmp_path / "backup")
    made, runtime = open_services()
    callers.services, callers.http = made, create_app(made).test_client()
    token = callers.token("watch")
    made.infrastructure.audit.sign_checkpoint()
    runtime.stop()
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup", database)
    monkeypatch.setenv("GOVERNANCE_LOG_ORIGIN", NEW_ORIGIN)
    return token


def _grant_and_session(made: Services) -> None:
    now = made.infrastructure.clock.now()
    scope = Scope("s-" + "a" * 26, "clinician", "RKB", "t-" + "b" * 26, Action.READ, Purpose.TREAT, "RKB")
    grant = Grant("task-1", "approval-1", "viewer", "d-1", scope, "care", 2, "4.1", now, now + timedelta(minutes=30))
    event: Event = made.infrastructure.recorder.event(EventKind.BREAK_GLASS, Outcome.SUCCESS)
    made.registers.emergency.give(grant, Submission("viewer", "k-1", "digest", "d-1"), event)
    with made.infrastructure.database.transaction() as session:
        until = now + timedelta(hours=1)
        sessions.save(session, sessions.StoredSession("hash", "handle", now, now, until))


def approve(tmp_path: Path, *names: str) -> list[str]:
    """Let operators sign the statement, each on their own machine; gives the options of the command that does it."""
    statement = tmp_path / "statement"
    statement.write_text(done("restore-fence", "statement"))
    options = []
    for number, name in enumerate(names):
        path = tmp_path / f"approval-{number}"
        arguments = ["restore-fence", "approve", str(statement), "--name", name, "--key", str(tmp_path / name)]
        signed = CliRunner(env={"GOVERNANCE_OPERATORS": None}).invoke(main, arguments)
        assert signed.exit_code == 0, signed.output
        path.write_text(signed.stdout)
        options += ["--approval", str(path)]
    return options


def test_two_operators_close_the_origin_and_all_that_was_given_before_is_dead_on_every_process(
    restored: str, tmp_path: Path
) -> None:
    assert run("verify-log", "--quiet").exit_code != 0
    other, runtime = open_services()  # a second process, which runs while the first one acts
    assert other.registers.tokens.authenticate_bearer(restored).client_id == "watch"
    assert other.registers.emergency.task("viewer", "task-1") is not None
    said = done("restore-fence", "close", *approve(tmp_path, "ada", "ben"))
    assert said.startswith("127.0.0.1:8080/log is closed, ")
    assert said.strip().endswith(f"{NEW_ORIGIN} goes on.")
    with pytest.raises(TokenRefused):
        other.registers.tokens.authenticate_bearer(restored)
    now, grant = other.infrastructure.clock.now(), other.registers.emergency.task("viewer", "task-1")
    assert grant is not None
    with other.infrastructure.database.reading() as session:
        assert list(other.registers.emergency.running(session, grant.scope, now)) == []
        assert sessions.find(session, "hash") is None
    runtime.stop()
    verdict = run("verify-log", "--quiet")
    assert verdict.exit_code == 0, verdict.output
    lost = re.search("its (entry .*?|entries .*?) (is|are) lost;", said)
    assert lost is not None, said
    assert f"{lost[1].capitalize()} of the origin 127.0.0.1:8080/log w" in verdict.output


def test_one_operator_twice_or_a_stranger_is_not_two(restored: str, tmp_path: Path) -> None:
    once = run("restore-fence", "close", *approve(tmp_path, "ada"))
    twice = run("restore-fence", "close", *approve(tmp_path, "ada", "ada"))
    done("restore-fence", "new-key", "eve", str(tmp_path / "eve"))
    strange = run("restore-fence", "close", *approve(tmp_path, "ada", "eve"))
    for refused, word in ((once, "two different"), (twice, "two different"), (strange, "/approval/1: is not an")):
        assert refused.exit_code == 1
        assert word in refused.output
    assert "is of another log" in run("verify-log", "--quiet").output


def test_an_approval_of_another_statement_does_not_count(restored: str, tmp_path: Path) -> None:
    options = approve(tmp_path, "ada", "ben")
    made, runtime = open_services()
    made.infrastructure.recorder.record(EventKind.CONFIG)
    runtime.stop()
    refused = run("restore-fence", "close", *options)
    assert refused.exit_code == 1
    assert "/approval/0: is not an operator's signature on this statement" in refused.output
