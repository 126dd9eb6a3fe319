"""A real OPA server on a free loopback port, that a test can stop and start again."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import requests

from governance.simulation.programs import free_port

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 20


def find_opa() -> str:
    """Give the path of an OPA; `make opa` provides one. None at all fails the test."""
    found = shutil.which("opa", path=f"{ROOT / '.tools/bin'}{os.pathsep}{os.environ['PATH']}")
    assert found, "there is no OPA: run `make opa`"
    return found


class OpaServer:
    """An ``opa run --server`` child process that can be stopped and started again on its port.

    Args:
        program: path of OPA.
        unix: path of a Unix socket that it listens on as well.
    """

    def __init__(self, program: str, unix: Path | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._program = program
        self._more = ["--addr", f"unix://{unix}"] if unix else []
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it with nothing loaded and wait until it answers."""
        command = [self._program, "run", "--server", "--addr", f"127.0.0.1:{self.port}", "--log-level", "error"]
        command += self._more
        self._process = subprocess.Popen(
            [*command, "--disable-telemetry"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            assert self._process.poll() is None, "OPA stopped at once"
            with contextlib.suppress(requests.ConnectionError):
                if requests.get(f"{self.url}/health", timeout=1).ok:
                    return
            time.sleep(0.05)
        raise AssertionError("OPA did not start")

    def hang(self) -> None:
        """Let it do nothing, its port open, until :meth:`resume`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Stop it and wait for its end."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
