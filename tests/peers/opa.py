"""A real OPA server on a free loopback port, that a test can stop and start again."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import requests

from governance.decisions import OpaEngine, OpaHost, PolicySource
from governance.outbound import Outbound
from governance.simulation.programs import free_port
from tests.peers.stopping import stop

ROOT = Path(__file__).resolve().parents[2]
AUTHORIZATION = ROOT / "docs" / "examples" / "opa" / "authz.rego"
READY_SECONDS = 20


def find_opa() -> str:
    """Give the path of an OPA; `make opa` provides one. None at all fails the test."""
    found = shutil.which("opa", path=f"{ROOT / '.tools/bin'}{os.pathsep}{os.environ['PATH']}")
    assert found, "there is no OPA: run `make opa`"
    return found


def open_host(url: str, timeout: float = 10.0, outbound: Outbound | None = None) -> OpaHost:
    """Give what stands for a server that anybody may change, as only the demo's may be."""
    return OpaHost(url, timeout, may_be_open=True, outbound=outbound)


def engine_at(url: str, policies: PolicySource, timeout: float = 10.0, **more: float) -> OpaEngine:
    """Decide at a server that anybody may change."""
    return OpaEngine(open_host(url, timeout), policies, **more)


@dataclass(frozen=True, slots=True)
class Guard:
    """What a server asks of its callers: a token that its ``system.authz`` knows, certificates for TLS, or both.

    ``tls`` are the files of the server's certificate and key, and of the certificates of clients it lets in.
    """

    token: str | None = None
    tls: tuple[str, str, str] | None = None
    authorization: Path = AUTHORIZATION

    @property
    def arguments(self) -> list[str]:
        """Give OPA's arguments."""
        found: list[str] = []
        if self.token is not None:
            found += ["--authentication", "token", "--authorization", "basic", str(self.authorization)]
        if self.tls is not None:
            certificate, key, clients = self.tls
            found += ["--authentication", "tls", "--tls-cert-file", certificate, "--tls-private-key-file", key]
            found += ["--tls-ca-cert-file", clients]
        return found


class OpaServer:
    """An ``opa run --server`` child process that can be stopped and started again on its port.

    Args:
        program: path of OPA.
        unix: path of a Unix socket that it listens on as well.
        guard: what it asks of its callers; nothing unless given.
    """

    def __init__(self, program: str, unix: Path | None = None, guard: Guard | None = None) -> None:
        self.port = free_port()
        self.guard = guard or Guard()
        self.url = f"https://localhost:{self.port}" if self.guard.tls else f"http://127.0.0.1:{self.port}"
        self._program = program
        self._more = ["--addr", f"unix://{unix}"] if unix else []
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it with nothing loaded and wait until it answers."""
        command = [self._program, "run", "--server", "--addr", f"127.0.0.1:{self.port}", "--log-level", "error"]
        command += [*self._more, *self.guard.arguments, "--disable-telemetry"]
        told = {"GOVERNANCE_TOKEN": self.guard.token} if self.guard.token else {}
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | told
        )
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            assert self._process.poll() is None, "OPA stopped at once"
            with contextlib.suppress(OSError):
                if self._answers():
                    return
            time.sleep(0.05)
        raise AssertionError("OPA did not start")

    def _answers(self) -> bool:
        if self.guard.tls:  # whoever has no certificate is told nothing, but there is a port
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        return requests.get(f"{self.url}/health", timeout=1).ok

    def put(self, path: str, text: str) -> None:
        """Change it as somebody who may: a module, or data below ``data/`` as JSON."""
        headers = {"Authorization": f"Bearer {self.guard.token}"} if self.guard.token else {}
        answer = requests.put(f"{self.url}/v1/{path}", data=text.encode(), headers=headers, timeout=10)
        answer.raise_for_status()

    def held(self) -> dict[str, str]:
        """Give its modules by id, read as somebody who may."""
        headers = {"Authorization": f"Bearer {self.guard.token}"} if self.guard.token else {}
        answer = requests.get(f"{self.url}/v1/policies", headers=headers, timeout=10)
        return {policy["id"]: policy["raw"] for policy in answer.json()["result"]}

    def hang(self) -> None:
        """Let it do nothing, its port open, until :meth:`resume`."""
        assert self._process is not None
        stop(self._process.pid)

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
