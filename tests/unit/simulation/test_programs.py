"""Programs that run beside this one end with it, whatever happens."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from governance.simulation.programs import Program, ProgramFailed, free_port

ROOT = Path(__file__).resolve().parents[3]
SERVER = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1"]
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
)
OWNER = """
import sys, time
from governance.simulation.programs import Program
sleeper = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
program = Program("sleeper", [sys.executable, "-c", sleeper])
time.sleep(60)
"""


def gone(pid: int) -> bool:
    """Say whether a process has ended, a zombie that nobody waits for included."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


def test_it_is_ready_when_it_answers_and_stops_at_the_end(tmp_path: Path) -> None:
    port = free_port()
    with Program("a server", [*SERVER, str(port)], log=tmp_path / "log", folder=tmp_path) as program:
        program.await_answer(f"http://127.0.0.1:{port}/")
        assert program.running
    assert not program.running
    program.stop()


def test_one_that_ends_early_says_why(tmp_path: Path) -> None:
    program = Program("broken", [sys.executable, "-c", "raise SystemExit('no such disk')"], log=tmp_path / "log")
    with pytest.raises(ProgramFailed, match=r"broken ended with status 1\. no such disk"):
        program.await_answer(f"http://127.0.0.1:{free_port()}/")


def test_one_that_never_answers_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    mute = Program("mute", [sys.executable, "-c", "import time; time.sleep(60)"])
    with mute as program, pytest.raises(ProgramFailed, match=r"mute does not answer\."):
        program.await_answer(f"http://127.0.0.1:{free_port()}/", seconds=0.2)


def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = Program("deaf", [sys.executable, "-c", STUBBORN], log=log)
    while "deaf" not in log.read_text():
        assert program.running
        time.sleep(0.02)
    program.stop(seconds=0.1)
    assert not program.running


def test_it_ends_when_its_owner_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        os.kill(owner.pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while not gone(pid):
        assert time.monotonic() < deadline, "it outlived its owner"
        time.sleep(0.02)
