"""The demo with its archive as people run it: one command starts it, the guide works as written, one signal ends it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from governance.simulation import network
from governance.simulation.client import Surface
from governance.simulation.credentials import Credentials
from governance.simulation.programs import Program, free_port
from tests.worlds.running_service import ROOT, TIMEOUT, eventually

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("e2e-demo")]
BANNER = "Ctrl-C stops it."


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo: its folder, its ports, and what it printed so far."""

    folder: Path
    service: int
    identity: int
    archive: int
    syslog: int
    program: Program
    log: Path

    @property
    def url(self) -> str:
        """Give the service's base URL."""
        return f"http://127.0.0.1:{self.service}"

    def moved(self, shell: str) -> str:
        """Rewrite documented commands, which name the usual ports and folder, for this demo."""
        for usual, ours in ((8080, self.service), (8081, self.identity), (8090, self.archive)):
            shell = shell.replace(f"127.0.0.1:{usual}", f"127.0.0.1:{ours}")
        token = f"{sys.executable} app.py demo-token --folder {self.folder} --url {self.url}"
        shell = shell.replace(".venv/bin/python app.py demo-token", token)
        return shell.replace("study.multipart", str(self.folder / "study.multipart"))

    def processes(self) -> list[str]:
        """Give the commands of all processes that have the demo's folder or one of its ports among their arguments."""
        marks = {str(self.folder), str((ROOT / self.folder).resolve()), str(self.identity), str(self.archive)}
        found: list[str] = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = path.read_bytes().decode(errors="replace").replace("\0", " ")
            except OSError:
                continue
            if any(mark in command for mark in marks) and str(os.getpid()) != path.parent.name:
                found.append(command)
        return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Run ``python app.py demo --archive`` on free ports, with no history to play."""
    # named relatively, as `make` names it: nginx would take such a path from a folder of its own
    folder = Path(os.path.relpath(tmp_path_factory.mktemp("demo") / "home", ROOT))
    log = tmp_path_factory.mktemp("demo-log") / "log"
    service, identity, archive, syslog, mail = (free_port() for _ in range(5))
    ports = ("--port", service, "--identity-port", identity, "--archive-port", archive, "--mail-port", mail)
    command = [sys.executable, "app.py", "demo", "--folder", folder, "--days", "0", "--archive", *map(str, ports)]
    environ = dict(os.environ) | {"GOVERNANCE_SYSLOG_PORT": str(syslog)}
    with Program("The demo", command, log=log, environ=environ, folder=ROOT) as program:
        program.await_answer(f"http://127.0.0.1:{archive}/healthz", seconds=120)
        made = Demo(folder, service, identity, archive, syslog, program, log)
        eventually(lambda: BANNER in log.read_text(), "the banner")
        yield made


def documented() -> list[str]:
    """Give the shell commands of the integrators' guide that are for the demo; test_guide.py types the others."""
    page = (ROOT / "docs" / "integrators.md").read_text().partition("## 3. Feed the context")[2]
    return re.findall(r"```sh\n(.*?)```", page, re.DOTALL)


def test_the_demo_says_where_everything_is(demo: Demo) -> None:
    printed = demo.log.read_text()
    for said in (demo.url, f"http://127.0.0.1:{demo.archive}/dicom-web", f"--folder {demo.folder}"):
        assert said in printed
    question = re.search(r"  curl -s .*?}'\n", printed, re.DOTALL)
    assert question is not None
    answer = shell(demo, question[0])
    assert '"decision":true' in answer.replace(" ", "")


def test_the_walk_through_of_the_guide_works_as_it_is_written(demo: Demo) -> None:
    reading, emergency, native, syslog = documented()[:4]
    port = f"export GOVERNANCE_SYSLOG_PORT={demo.syslog}"
    told = shell(demo, f"{reading}\necho\n{emergency}\necho\n{native}\n{port}\n{syslog}")
    assert re.match(r"200 [0-9a-f-]{36}\n401 credential\.missing\n", told), told
    assert '"agreement_id":"wm-direct-care"' in told
    assert '"status":"approved"' in told.replace(" ", "")
    assert "break_glass.granted" in told
    assert '"accepted":1' in told
    assert b"DICM" in (demo.folder / "study.multipart").read_bytes()
    explorer = Surface(demo.url, Credentials.read(demo.folder / "clients" / f"{network.EXPLORER}.json"), ())
    eventually(lambda: explorer.get("/audit/v1/events?kind=delete")["events"], "the record of the syslog message")
    eventually(
        lambda: explorer.get("/alerts/v1/alerts?rule=access_without_decision")["alerts"],
        "the alert on the export that no decision allowed",
    )


def test_the_tenant_of_the_guide_answers_as_it_is_written(demo: Demo) -> None:
    (rooms,) = (block for block in documented() if "meeting_rooms" in block)
    told = shell(demo, rooms)
    assert f'"policy_decision_point":"{demo.url}/tenants/meeting_rooms"' in told
    assert '"decision":true' in told
    assert '"id":"amina"' in told


def test_one_signal_ends_all_of_it(demo: Demo) -> None:
    parts = demo.processes()
    for part in ("app.py demo", "identity_provider", "commands.archive", "Orthanc", "nginx"):
        assert any(part in command for command in parts), part
    os.kill(demo.program.pid, signal.SIGTERM)
    eventually(lambda: not demo.program.running and not demo.processes(), "the end of every part")
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{demo.url}/healthz", timeout=TIMEOUT)
    assert "Traceback" not in demo.log.read_text()


def shell(demo: Demo, commands: str) -> str:
    """Run shell commands from the repository's root, and give what they print."""
    began = time.monotonic()
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", demo.moved(commands)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, (time.monotonic() - began, done.stdout, done.stderr)
    return done.stdout
