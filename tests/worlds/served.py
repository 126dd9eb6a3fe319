"""The service as processes of its own, run and ended in any way, and senders who remember what it acknowledged."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import requests

from governance.audit import RecordedEvent
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
from tests.worlds.audit_messages import READER, event, message, patient, source, study

ROOT = Path(__file__).resolve().parents[2]
BATCH = 20  # events in one request
PATIENCE = 60.0  # seconds within which what must happen has happened, on a busy machine too
SERVE = ("app.py", "serve")
SYSLOG_HEADER = b"<85>1 2026-11-24T12:00:00Z vna app 42 IHE+RFC-3881 - "
Service = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class HomeOn(DemoHome):
    """A home whose database is elsewhere."""

    database_url: str = field(kw_only=True)

    def environment(self) -> dict[str, str]:
        """Give its settings."""
        return {**DemoHome.environment(self), "GOVERNANCE_DATABASE_URL": self.database_url}


def seeded_home(folder: Path, database_url: str | None = None) -> DemoHome:
    """Seed a service's database, a file of its own or another one, with the region's network."""
    where = (folder, f"http://127.0.0.1:{free_port()}", "http://127.0.0.1:9")
    made = HomeOn(*where, database_url=database_url) if database_url else DemoHome(*where)
    made.folder.mkdir()
    services = build(from_environment(made.environment()))
    runtime = Runtime(services)
    runtime.start(jobs=False)
    seed_network(services, made, load_accounts())
    runtime.stop()
    return made


def start(
    home: DemoHome,
    settings: Mapping[str, str] | None = None,
    program: tuple[str, ...] = SERVE,
    stderr: "int | IO[Any] | None" = None,
) -> Service:
    """Start the service in a process group of its own; what it says goes into the home's log unless elsewhere."""
    with (home.folder / "service.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, *program],
            cwd=ROOT,
            env=os.environ | home.environment() | dict(settings or {}),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=log if stderr is None else stderr,
        )


def kill(process: Service) -> None:
    """Kill a service and all its workers."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def running(home: DemoHome, settings: Mapping[str, str] | None = None, **how: Any) -> Iterator[Service]:
    """Run the service; whatever happens, its whole process group is killed at the end, never asked to stop."""
    process = start(home, settings, **how)
    try:
        await_ready(home, process)
        yield process
    finally:
        kill(process)


def await_ready(home: DemoHome, process: Service) -> None:
    """Wait until the service is ready."""
    deadline = time.monotonic() + PATIENCE
    while not answers(f"{home.service}/readyz"):
        assert process.poll() is None, said(home)[-2000:]
        assert time.monotonic() < deadline, "the service does not answer"
        time.sleep(0.05)


def said(home: DemoHome) -> str:
    """Give what the service wrote into the home's log."""
    return (home.folder / "service.log").read_text()


def answers(url: str) -> bool:
    """Say whether somebody answers well there."""
    try:
        return requests.get(url, timeout=1).ok
    except requests.RequestException:
        return False


def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait until something has come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    """Give the processes that a process started and that run."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def feeds(home: DemoHome) -> Surface:
    """Speak as the region's client that sends audit events."""
    return Surface(home.service, Credentials.read(home.credential_file(network.FEEDS)), ["audit.write"])


def lines(sender: int, first: int) -> bytes:
    """Write a batch of events, numbered by their sender."""
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
    """Sends batches until the service is gone, or until it is told to end, and remembers what was acknowledged."""

    def __init__(self, number: int, home: DemoHome, bearer: str, first: int, enough: threading.Semaphore) -> None:
        super().__init__(daemon=True)
        self.over = threading.Event()
        self.number, self.next, self.acknowledged = number, first, set[str]()
        self._url, self._enough = f"{home.service}/audit/v1/events", enough
        self._headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/x-ndjson"}

    def run(self) -> None:
        """Send, one batch after the other."""
        with requests.Session() as http:
            while not self.over.is_set():
                body = lines(self.number, self.next)
                sent = {f"{self.number}-{number}" for number in range(self.next, self.next + BATCH)}
                self.next += BATCH
                try:
                    answer = http.post(self._url, data=body, headers=self._headers, timeout=10)
                except requests.ReadTimeout:
                    continue  # nothing was acknowledged
                except requests.RequestException:
                    return
                if answer.status_code == 200:
                    assert answer.json()["accepted"] == BATCH, answer.text
                    self.acknowledged |= sent
                    self._enough.release()


class Pouring(threading.Thread):
    """One sender's connection: sends its frames as fast as they are taken, until they are sent or it is cut off."""

    def __init__(self, name: str, port: int, frames: int, begun: threading.Semaphore) -> None:
        super().__init__(daemon=True)
        self.sender = name
        self.frames = [self._frame(number) for number in range(frames)]
        self.sent = 0
        self._link = socket.create_connection(("127.0.0.1", port))
        self._begun = begun

    def run(self) -> None:
        """Send, one frame after the other."""
        with self._link as link:
            try:
                for number, frame in enumerate(self.frames):
                    link.sendall(f"{len(frame)} ".encode() + frame)
                    self.sent = number + 1
                    if self.sent == len(self.frames) // 8:
                        self._begun.release()
                link.settimeout(PATIENCE)
                assert link.recv(1) == b"", "a syslog listener says nothing"
            except ConnectionError:
                return

    def _frame(self, number: int) -> bytes:
        reader = READER.replace("jdoe", f"user-{number}")
        return SYSLOG_HEADER + message(event("110103"), reader, source(name=self.sender), study(), patient())


def logged(home: DemoHome) -> list[RecordedEvent]:
    """Give every event of the log of a home that nothing runs on."""
    services = build(from_environment(home.environment()))
    found: list[RecordedEvent] = []
    while page := services.infrastructure.audit.read(len(found), 5_000):
        found += page
    services.infrastructure.database.dispose()
    return found


def check(home: DemoHome, acknowledged: set[str]) -> None:
    """Look for every acknowledged event, and let the independent checker go over the log."""
    assert acknowledged <= {each.id for each in logged(home) if each.source.id == "archive-rrk"}
    services = build(from_environment(home.environment()))
    services.infrastructure.audit.sign_checkpoint()
    reader = open_reader(services.infrastructure.database.url)
    report = verify(reader, [read_key(services.infrastructure.audit.verifier_key())], ed25519_valid)
    reader.close()
    services.infrastructure.database.dispose()
    assert report.ok, report.lines()
