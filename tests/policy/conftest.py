"""A real OPA for the policy tests: found or the test fails, and a server of our own on a free loopback port."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from governance.decisions import OpaEngine, PolicySource, RegorusEngine

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 20


@pytest.fixture(scope="session")
def opa() -> str:
    """Give the path of an OPA; `make opa` provides one."""
    found = shutil.which("opa", path=f"{ROOT / '.tools/bin'}{os.pathsep}{os.environ['PATH']}")
    assert found, "there is no OPA: run `make opa`"
    return found


class OpaServer:
    """An ``opa run --server`` child process that can be stopped and started again on its port."""

    def __init__(self, program: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it with nothing loaded and wait until it answers."""
        command = [self._program, "run", "--server", "--addr", f"127.0.0.1:{self.port}", "--log-level", "error"]
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

    def stop(self) -> None:
        """Stop it and wait for its end."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture(scope="session")
def policies() -> PolicySource:
    """Give the policies of this repository."""
    return PolicySource.from_directory()


@pytest.fixture(scope="session")
def opa_server(opa: str) -> Iterator[OpaServer]:
    """Serve decisions for the whole session."""
    server = OpaServer(opa)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def opa_engine(opa_server: OpaServer, policies: PolicySource) -> OpaEngine:
    """Decide at the real OPA server."""
    return OpaEngine(opa_server.url, policies, timeout=10)


@pytest.fixture(scope="session")
def embedded(policies: PolicySource) -> RegorusEngine:
    """Decide in this process."""
    return RegorusEngine(policies)
