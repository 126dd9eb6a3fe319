"""The whole service is killed, or asked to stop, under load: what it acknowledged over HTTP is in the log."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from governance.audit.checker import open_reader, read_key, verify
from governance.audit.signer import ed25519_valid
from governance.bootstrap import build
from governance.commands._demo_home import DemoHome
from governance.commands._demo_seed import seed_network
from governance.jobs import Runtime
from governance.settings import from_environment
from governance.simulation import network
from governance.simulation.client import Surface
from governance.simulation.credentials import Credentials
from governance.simulation.identity_provider import load_accounts
from governance.simulation.programs import free_port

ROOT = Path(__file__).resolve().parents[2]
KILLS = 50
SENDERS = 4
BATCH = 20  # events in one request
ENOUGH = 8  # acknowledged requests before the next kill
PATIENCE = 60.0  # seconds a start may take


@pytest.fixture
def home(tmp_path: Path) -> DemoHome:
    """Seed a service's database with the region's network."""
    made = DemoHome(tmp_path / "home", f"http://127.0.0.1:{free_port()}", "http://127.0.0.1:9")
    made.folder.mkdir()
    services = build(from_environment(made.environment()))
    runtime = Runtime(services)
    runtime.start(jobs=False)
    seed_network(services, made, load_accounts())
    runtime.stop()
    return made


@contextmanager
def running(home: DemoHome) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the service; whatever happens, its whole process group is killed at the end, never asked to stop."""
    with (home.folder / "service.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "app.py", "serve"],
            cwd=ROOT,
            env=os.environ | home.environment(),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(f"{home.service}/readyz"):
            assert process.poll() is None, (home.folder / "service.log").read_text()[-2000:]
            assert time.monotonic() < deadline, "the service does not answer"
            time.sleep(0.05)
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).ok
    except requests.RequestException:
        return False


def lines(sender: int, first: int) -> bytes:
    at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    rows = [
        {
            "id": f"{sender}-{number}",
            "time": at,
            "source": {"id": "archive-rrk", "ods": "RRK"},
            "kind": "access",
            "outcome": "success",
            "subject": {"id": f"user-{number % 20}", "type": "practitioner"},
            "resource": {"patient": f"patient-{number % 50}"},
        }
        for number in range(first, first + BATCH)
    ]
    return "\n".join(json.dumps(row) for row in rows).encode()


class Sender(threading.Thread):
    """Sends batches until the service is gone, and remembers what was acknowledged."""

    def __init__(self, number: int, url: str, bearer: str, first: int, enough: threading.Semaphore) -> None:
        super().__init__(daemon=True)
        self.number, self.next, self.acknowledged = number, first, set[str]()
        self._url, self._enough = url, enough
        self._headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/x-ndjson"}

    def run(self) -> None:
        with requests.Session() as http:
            while True:
                body = lines(self.number, self.next)
                sent = {f"{self.number}-{number}" for number in range(self.next, self.next + BATCH)}
                self.next += BATCH
                try:
                    answer = http.post(self._url, data=body, headers=self._headers, timeout=10)
                except requests.RequestException:
                    return
                if answer.status_code == 200:
                    assert answer.json()["accepted"] == BATCH, answer.text
                    self.acknowledged |= sent
                    self._enough.release()


@pytest.mark.timeout(900)
def test_fifty_kills_under_load_lose_nothing_acknowledged(home: DemoHome) -> None:
    surface = Surface(home.service, Credentials.read(home.credential_file(network.FEEDS)), ["audit.write"])
    acknowledged: set[str] = set()
    following = [0] * SENDERS
    for _ in range(KILLS):
        with running(home):
            enough = threading.Semaphore(0)
            url = f"{home.service}/audit/v1/events"
            senders = [Sender(n, url, surface.bearer(), following[n], enough) for n in range(SENDERS)]
            for sender in senders:
                sender.start()
            for _ in range(ENOUGH):
                assert enough.acquire(timeout=PATIENCE)
        for sender in senders:
            sender.join(PATIENCE)
            assert not sender.is_alive()
            acknowledged |= sender.acknowledged
            following[sender.number] = sender.next
    assert len(acknowledged) >= KILLS * ENOUGH * BATCH
    check(home, acknowledged)


def test_a_stop_under_load_finishes_what_it_acknowledged(home: DemoHome) -> None:
    surface = Surface(home.service, Credentials.read(home.credential_file(network.FEEDS)), ["audit.write"])
    with running(home) as process:
        enough = threading.Semaphore(0)
        url = f"{home.service}/audit/v1/events"
        senders = [Sender(number, url, surface.bearer(), 0, enough) for number in range(SENDERS)]
        for sender in senders:
            sender.start()
        for _ in range(ENOUGH):
            assert enough.acquire(timeout=PATIENCE)
        process.terminate()
        assert process.wait(PATIENCE) == 0
        for sender in senders:
            sender.join(PATIENCE)
            assert not sender.is_alive()
    check(home, {name for sender in senders for name in sender.acknowledged})


def check(home: DemoHome, acknowledged: set[str]) -> None:
    """Look for every acknowledged event, and let the independent checker go over the log."""
    services = build(from_environment(home.environment()))
    services.infrastructure.audit.sign_checkpoint()
    held: set[str] = set()
    start = 0
    while page := services.infrastructure.audit.read(start, 5_000):
        held |= {event.id for event in page if event.source.id == "archive-rrk"}
        start = page[-1].index + 1
    services.infrastructure.database.dispose()
    assert acknowledged <= held
    reader = open_reader(services.infrastructure.database.url)
    key = services.infrastructure.audit.verifier_key()
    report = verify(reader, [read_key(key)], ed25519_valid)
    reader.close()
    assert report.ok, report.lines()
