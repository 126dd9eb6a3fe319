"""The service is asked to stop while somebody follows its alerts: they are answered, and it stops in order itself."""

import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from governance.commands._demo_home import DemoHome
from governance.commands.serving import GRACE
from governance.detection.reader import _store
from governance.detection.reader.engine import CURSOR
from governance.settings import from_environment
from governance.simulation import network
from governance.simulation.client import Surface
from governance.simulation.programs import Program, free_port
from governance.storage import Database
from governance.vocabulary import Scope
from tests.peers.postgres import silent
from tests.worlds.region import Parties, environment_of, seed_home
from tests.worlds.served import answers, running, said, seeded_home, until

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0  # seconds within which what must happen has happened, on a busy machine too
MARGIN = 5.0  # seconds that a busy machine may add to what is promised


@pytest.fixture
def home(tmp_path: Path) -> DemoHome:
    return seed_home(tmp_path / "home", f"http://127.0.0.1:{free_port()}", "http://127.0.0.1:9")


@pytest.fixture
def service(home: DemoHome, tmp_path: Path) -> Iterator[Program]:
    command = [sys.executable, "app.py", "serve"]
    program = Program("service", command, log=tmp_path / "service.log", environ=environment_of(home), folder=ROOT)
    with program:
        program.await_answer(f"{home.service}/readyz", seconds=PATIENCE)
        yield program


class Follower(threading.Thread):
    """Follows the alerts until the stream ends, in whichever way."""

    def __init__(self, home: DemoHome) -> None:
        super().__init__(daemon=True)
        surface = Surface(home.service, Parties(home).credentials(network.SOC), [Scope.ALERTS_READ.value])
        self._url = f"{home.service}/alerts/v1/stream"
        self._headers = {"Authorization": f"Bearer {surface.bearer()}"}
        self.began = threading.Event()
        self.ended_well = False

    def run(self) -> None:
        with requests.get(self._url, headers=self._headers, stream=True, timeout=PATIENCE) as answer:
            answer.raise_for_status()
            said = b""
            for part in answer.iter_content(None):
                self.began.set()
                said += part
        self.ended_well = said.endswith(b": this is the end; go on after the last id\n\n")


@pytest.fixture
def database(home: DemoHome) -> Iterator[Database]:
    opened = Database(from_environment(home.environment()).database_url.get_secret_value())
    yield opened
    opened.dispose()


def leased(database: Database) -> bool:
    """Say whether some process holds detection's lease."""
    with database.reading() as session:
        found = _store.cursor(session, CURSOR)
    return found is not None and found.held_until is not None and found.held_until > datetime.now(UTC)


def stop(service: Program) -> None:
    """Ask the service to stop; a worker that does not is killed once its grace is over."""
    asked = time.monotonic()
    service.stop(PATIENCE)
    assert time.monotonic() - asked < GRACE + MARGIN


def test_one_that_has_hardly_begun_stops_all_the_same(service: Program) -> None:
    """One worker answers already; the other may still be reading its settings."""
    stop(service)


def test_who_follows_alerts_is_answered_and_everything_is_stopped(
    home: DemoHome, service: Program, database: Database
) -> None:
    followers = [Follower(home) for _ in range(2)]
    for follower in followers:
        follower.start()
    assert all(follower.began.wait(PATIENCE) for follower in followers)
    deadline = time.monotonic() + PATIENCE
    while not leased(database):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    stop(service)
    assert not leased(database), "who is killed gives no lease back"
    for follower in followers:
        follower.join(PATIENCE)
    assert [follower.ended_well for follower in followers] == [True, True]


@pytest.mark.peer
def test_a_silent_database_keeps_nobody_from_stopping_in_order(
    tmp_path: Path, postgres_server: str, postgres_database: Database
) -> None:
    home = seeded_home(tmp_path / "home", postgres_database.url)
    with running(home, {"GOVERNANCE_SYSLOG_PORT": str(free_port())}) as process:
        with silent(postgres_server):
            until(lambda: not answers(f"{home.service}/readyz"), "a worker that is not ready")
            asked = time.monotonic()
            process.terminate()
            assert process.wait(PATIENCE) == 0
            took = time.monotonic() - asked
        assert took < GRACE + MARGIN, took
        assert "not stopped in time" not in said(home)
        assert "requests cut off" not in said(home)
