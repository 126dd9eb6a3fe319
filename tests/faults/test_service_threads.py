"""Nothing that only watches ends a thread that serves; a thread that is lost ends the process, which says so.

The service runs as real processes; faults are put in by a program that starts it as ``app.py serve`` does.
"""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from governance.commands._demo_home import DemoHome
from governance.server._ending import LIMIT
from governance.simulation.programs import free_port
from tests.worlds.served import (
    BATCH,
    PATIENCE,
    Service,
    answers,
    await_ready,
    check,
    feeds,
    kill,
    lines,
    running,
    said,
    seeded_home,
    start,
    until,
)

FAULTY = """
import itertools, os, sys
from governance.audit import health
from governance.audit._sequencer import Sequencer
from governance.cli import main

append, trigger, commits = Sequencer.append, sys.argv.pop(), itertools.count(1)
class Panic(BaseException): "As a Rust library's."
def heard(self, receipts):
    self.ok = True
    raise Panic
def faulty(self, session, events):
    if os.path.exists(trigger): raise SystemExit("the writer is lost")
    if len(events) > 10 and next(commits) % 3 == 0: raise RuntimeError("a commit fails, which the writer logs")
    return append(self, session, events)
health.LogHealth.committed, Sequencer.append = heard, faulty
main()
"""
TALKATIVE = {"GOVERNANCE_WORKERS": "1", "GOVERNANCE_LOG_LEVEL": "INFO"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> DemoHome:
    return seeded_home(tmp_path_factory.mktemp("threads") / "home")


def faulty(trigger: Path) -> tuple[str, ...]:
    """Give the program of a service of which every third commit fails, and which loses its writer at a trigger."""
    return "-c", FAULTY, "serve", str(trigger)


def sent(home: DemoHome, bearer: str, sender: int, first: int) -> None:
    """Send a batch until it is taken: a commit that fails is answered 503."""
    until(lambda: send(home, bearer, sender, first).status_code == 200, "events are not taken", PATIENCE)


def send(home: DemoHome, bearer: str, sender: int, first: int) -> requests.Response:
    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/x-ndjson"}
    url = f"{home.service}/audit/v1/events"
    return requests.post(url, data=lines(sender, first), headers=headers, timeout=PATIENCE)


@pytest.fixture(params=["a pipe that nobody reads any more", "a full disk"])
def unheard(home: DemoHome, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    """Run the service while its standard error can no longer, or could never, be written."""
    program = faulty(tmp_path / "never")
    if request.param == "a full disk":
        with Path("/dev/full").open("wb") as full, running(home, TALKATIVE, program=program, stderr=full) as process:
            yield process
        return
    read, write = os.pipe()
    with os.fdopen(write, "wb") as pipe:
        process = start(home, TALKATIVE, program, pipe)
    try:
        threading.Thread(target=lambda: os.read(read, 65_536), daemon=True).start()
        await_ready(home, process)
        os.close(read)
        yield process
    finally:
        kill(process)


def test_a_log_line_that_cannot_be_written_keeps_nobody_from_being_served(home: DemoHome, unheard: Service) -> None:
    sender, bearer = unheard.pid, feeds(home).bearer()
    for number in range(10):
        sent(home, bearer, sender, number * BATCH)
    assert requests.get(f"{home.service}/readyz", timeout=PATIENCE).status_code == 200
    unheard.terminate()
    assert unheard.wait(PATIENCE) == 0
    check(home, {f"{sender}-{number}" for number in range(10 * BATCH)})


def last_heard(home: DemoHome, path: str) -> requests.Response:
    """Ask until the service is gone, and give its last answer."""
    answer = None
    while True:
        try:
            answer = requests.get(f"{home.service}/{path}", timeout=PATIENCE)
        except requests.RequestException:
            assert answer is not None
            return answer


def test_a_lost_writer_is_shown_told_and_fatal_and_nobody_waits_for_it(home: DemoHome, tmp_path: Path) -> None:
    trigger = tmp_path / "lose the writer"
    bearer = feeds(home)
    with running(home, TALKATIVE, program=faulty(trigger)) as process:
        token = bearer.bearer()
        for number in range(4):
            sent(home, token, process.pid, number * BATCH)
        trigger.touch()
        began = time.monotonic()
        with ThreadPoolExecutor() as probes:
            heard = [probes.submit(last_heard, home, path) for path in ("healthz", "readyz")]
            answer = send(home, token, process.pid, 4 * BATCH)
        assert answer.status_code == 503
        assert process.wait(PATIENCE) != 0
        assert time.monotonic() - began < 15, "thirty seconds is what an append waits for a writer that lives"
    health, ready = (each.result() for each in heard)
    assert (health.status_code, health.json()["status"]) == (503, "a thread is lost")
    assert (ready.status_code, ready.json()["parts"]["threads"]) == (503, False)
    assert "thread lost: the process ends" in said(home)
    assert "a worker ended, so the server ends; its supervisor should start it again" in said(home).splitlines()[-1]
    check(home, {f"{process.pid}-{number}" for number in range(4 * BATCH)})


def claimed(home: DemoHome) -> bool:
    """Say whether a process of a server still holds its port: one that answers no more may not have ended yet."""
    name = f"@imaging-governance/127.0.0.1/{urlsplit(home.service).port}"
    return any(line.endswith(name) for line in Path("/proc/net/unix").read_text().splitlines())


def test_workers_end_with_the_process_that_started_them(home: DemoHome) -> None:
    with running(home) as process:
        assert claimed(home)
        process.kill()
        process.wait()
        until(lambda: not claimed(home), "the workers go on serving", LIMIT + PATIENCE)
        with running(home):
            pass


def test_a_second_server_on_either_port_is_refused_and_the_first_goes_on(home: DemoHome) -> None:
    syslog = {"GOVERNANCE_SYSLOG_PORT": str(free_port())}
    elsewhere = {"GOVERNANCE_PORT": str(free_port())}
    with running(home, settings=syslog):
        for settings, port in (
            ({}, urlsplit(home.service).port),
            (syslog | elsewhere, syslog["GOVERNANCE_SYSLOG_PORT"]),
        ):
            second = start(home, settings, stderr=subprocess.PIPE)
            try:
                _, told = second.communicate(timeout=PATIENCE)
            finally:
                kill(second)
            assert second.returncode == 1
            assert told.decode() == f"Error: Another server is running at 127.0.0.1 port {port}.\n"
        assert answers(f"{home.service}/readyz")
