"""Servers to measure, and the client that drives them: wrk with one thread."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import requests

from governance.bootstrap import build
from governance.commands._demo_home import DemoHome
from governance.commands._demo_seed import seed_agreements, seed_network, seed_showcase
from governance.jobs import Runtime
from governance.settings import from_environment
from governance.simulation import network
from governance.simulation.client import Surface
from governance.simulation.credentials import Credentials
from governance.simulation.identity_provider import load_accounts

ROOT = Path(__file__).resolve().parents[1]
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Driven:
    """What came of driving a server: requests a second, and milliseconds."""

    rate: float
    median: float
    p99: float


@contextmanager
def service(home: DemoHome) -> Iterator[tuple[str, dict[str, str]]]:
    """Run the service; gives the address of single questions, and what one is asked with."""
    with process([sys.executable, "app.py", "serve"], f"{home.service}/readyz"):
        surface = Surface(home.service, Credentials.read(home.credential_file(network.EXPLORER)), ["access.evaluate"])
        headers = {"Authorization": f"Bearer {surface.bearer()}", "Content-Type": "application/json"}
        yield f"{home.service}/access/v1/evaluation", headers


def seed(home: DemoHome, more: Callable[[Surface, date], None] = lambda _surface, _today: None) -> None:
    """Make the demo region, its agreements and showcase, with the settings of the environment.

    Args:
        home: of the service.
        more: sends what else is to be there, through the public surface.
    """
    made = build(from_environment(os.environ))
    runtime = Runtime(made)
    runtime.start(jobs=False)
    today, accounts = datetime.now(UTC).date(), load_accounts()
    seed_network(made, home, accounts)
    seed_agreements(made, home, today)
    runtime.stop()
    with service(home):
        surface = Surface(home.service, Credentials.read(home.credential_file(network.FEEDS)), ["context.write"])
        seed_showcase(surface, accounts, today)
        more(surface, today)


@contextmanager
def process(command: list[str], ready: str) -> Iterator[None]:
    """Run a program until the end of the block, from when it answers at an address."""
    with tempfile.TemporaryFile() as sink:
        running = subprocess.Popen(command, cwd=ROOT, stdout=sink, stderr=sink)
        try:
            for _ in range(300):
                try:
                    if requests.get(ready, timeout=1).ok:
                        break
                except requests.RequestException:
                    time.sleep(0.1)
            else:
                sys.exit(f"{command[0]} does not answer")
            yield
        finally:
            running.terminate()
            running.wait(30)


def drive(
    folder: Path, url: str, headers: Mapping[str, str], bodies: Sequence[str], *, seconds: int, connections: int
) -> Driven:
    """Post one body after the other over so many connections; an answer that is not 2xx ends the measurement."""
    script = folder / "post.lua"
    lines = ['wrk.method = "POST"', f"bodies = {{{', '.join(f'[==[{body}]==]' for body in bodies)}}}"]
    lines += [f'wrk.headers["{name}"] = {json.dumps(value)}' for name, value in headers.items()]
    lines += ["at = 0", "requests = {}"]
    lines += [
        "init = function(args) for i, body in ipairs(bodies) do requests[i] = wrk.format(nil, nil, nil, body) end end"
    ]
    lines += ["request = function() at = at % #requests + 1; return requests[at] end"]
    script.write_text("\n".join(lines))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "--latency", "-s", str(script)]
    printed = subprocess.run([*command, url], check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in printed or "Socket errors" in printed:
        sys.exit(printed)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", printed)[1])
    return Driven(rate, _milliseconds(printed, 50), _milliseconds(printed, 99))


def _milliseconds(printed: str, percentile: int) -> float:
    found = re.search(rf"{percentile}%\s+([\d.]+)(us|ms|s)", printed)
    return float(found[1]) * _UNITS[found[2]]
