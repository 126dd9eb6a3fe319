"""Decisions over HTTP: ours (authenticated, attributes gathered, durable audit) against a raw OPA server.

Same policy, same agreements, same question, same client (wrk, one thread, 16 connections), in turn. OPA is given the
attributes ready-made and only prints its decision log; ours gathers them and answers after the fsync. ``evaluations``
asks a hundred questions a call, on four connections, against OPA's one call a decision. Ours decides with the embedded
engine, and again with an OPA server of its own.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import requests

from benchmarks._line import line
from governance.bootstrap import build
from governance.commands._demo_home import DemoHome
from governance.commands._demo_seed import seed_agreements, seed_network, seed_showcase
from governance.decisions import AccessRequest, PolicyInformationPoint, RequestSubject
from governance.jobs import Runtime
from governance.settings import from_environment
from governance.simulation import network, showcase
from governance.simulation.client import Surface
from governance.simulation.credentials import Credentials
from governance.simulation.identity_provider import load_accounts
from governance.simulation.programs import free_port
from governance.vocabulary import Action, Purpose, Role, SubjectType

ROUNDS = 3
SECONDS = 6
CONNECTIONS = 16
BATCH = 100  # questions in one call
BATCH_CONNECTIONS = 4
ROOT = Path(__file__).resolve().parents[1]
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def run() -> None:
    """Measure and print throughput and 99th percentile."""
    with tempfile.TemporaryDirectory() as folder:
        home = DemoHome(Path(folder), f"http://127.0.0.1:{free_port()}", "http://127.0.0.1:1")
        os.environ.update(home.environment())
        policy, asked = _prepare(home)
        _compare(Path(folder), home, policy, asked, "embedded")
        with _bare_opa() as engine:
            os.environ["GOVERNANCE_OPA_URL"] = engine
            _compare(Path(folder), home, policy, asked, "opa")
            del os.environ["GOVERNANCE_OPA_URL"]


def _compare(folder: Path, home: DemoHome, policy: dict, asked: dict, engine: str) -> None:
    """Drive both servers in turn and print the medians."""
    scores: dict[str, list[tuple[float, float]]] = {"ours": [], "batch": [], "theirs": []}
    with _service(home) as (url, headers, question), _opa(folder, policy, asked) as theirs:
        batch = question | {"evaluations": [{} for _ in range(BATCH)]}
        for _ in range(ROUNDS):
            scores["theirs"].append(_wrk(folder, *theirs))
            scores["ours"].append(_wrk(folder, url, headers, question))
            rate, tail = _wrk(folder, f"{url}s", headers, batch, BATCH_CONNECTIONS)
            scores["batch"].append((rate * BATCH, tail))
    rates = {who: statistics.median(rate for rate, _ in found) for who, found in scores.items()}
    tails = {who: statistics.median(tail for _, tail in found) for who, found in scores.items()}
    line(f"decisions_http {engine} per_second", rates["ours"], rates["theirs"], "higher is better")
    line(f"decisions_http {engine} p99_ms", tails["ours"], tails["theirs"], "lower is better")
    line(f"decisions_http {engine} in_batches_per_second", rates["batch"], rates["theirs"], "higher is better")


def _prepare(home: DemoHome) -> tuple[dict, dict]:
    """Seed the demo region; give the compiled policy data and the gathered input of the question."""
    made = build(from_environment(os.environ))
    runtime = Runtime(made)
    runtime.start(jobs=False)
    today = datetime.now(UTC).date()
    accounts = load_accounts()
    seed_network(made, home, accounts)
    seed_agreements(made, home, today)
    runtime.stop()
    with _service(home) as _:
        surface = Surface(home.service, Credentials.read(home.credential_file(network.FEEDS)), ["context.write"])
        seed_showcase(surface, accounts, today)
    made = build(from_environment(os.environ))
    information = PolicyInformationPoint(
        federation=made.federation,
        catalogue=made.catalogue,
        relationships=made.relationships,
        pseudonymiser=made.pseudonymiser,
        reads_today=lambda *_: 0,
    )
    subject = RequestSubject(showcase.REPORTER, SubjectType.PRACTITIONER, Role.CONSULTANT_RADIOLOGIST, "RKB", 3)
    request = AccessRequest(subject, Action.READ, Purpose.TREAT, showcase.SHARED_STUDY)
    with made.database.reading() as session:
        gathered = dict(information.gather(request, session, datetime.now(UTC)))
    policy = dict(made.agreements.compiled().document)
    made.database.dispose()
    return policy, gathered


@contextmanager
def _service(home: DemoHome) -> Iterator[tuple[str, dict[str, str], dict]]:
    command = [sys.executable, "app.py", "serve"]
    with _process(command, f"{home.service}/readyz"):
        surface = Surface(home.service, Credentials.read(home.credential_file(network.EXPLORER)), ["access.evaluate"])
        headers = {"Authorization": f"Bearer {surface.bearer()}"}
        yield f"{home.service}/access/v1/evaluation", headers, showcase.question()


@contextmanager
def _opa(folder: Path, policy: dict, gathered: dict) -> Iterator[tuple[str, dict[str, str], dict]]:
    opa = shutil.which("opa") or sys.exit("opa is not on the PATH; `make opa` builds it")
    port = free_port()
    data = folder / "data.json"
    data.write_text(json.dumps({"governance": policy}))
    command = [opa, "run", "--server", "--addr", f"127.0.0.1:{port}", "--set", "decision_logs.console=true"]
    command += ["--ignore", "*_test.rego", "--log-level", "info", "policies", str(data)]
    with _process(command, f"http://127.0.0.1:{port}/health"):
        yield f"http://127.0.0.1:{port}/v1/data/imaging/decision/answer", {}, {"input": gathered}


@contextmanager
def _bare_opa() -> Iterator[str]:
    """Run an OPA that holds nothing yet, for the service to decide with."""
    opa = shutil.which("opa") or sys.exit("opa is not on the PATH; `make opa` builds it")
    address = f"127.0.0.1:{free_port()}"
    with _process([opa, "run", "--server", "--addr", address, "--log-level", "error"], f"http://{address}/health"):
        yield f"http://{address}"


@contextmanager
def _process(command: list[str], ready: str) -> Iterator[None]:
    with tempfile.TemporaryFile() as sink:
        process = subprocess.Popen(command, cwd=ROOT, stdout=sink, stderr=sink)
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
            process.terminate()
            process.wait(30)


def _wrk(
    folder: Path, url: str, headers: dict[str, str], body: dict, connections: int = CONNECTIONS
) -> tuple[float, float]:
    """Drive one server; gives requests a second and the 99th percentile in milliseconds. A non-2xx answer ends it."""
    script = folder / "post.lua"
    lines = ['wrk.method = "POST"', f"wrk.body = [==[{json.dumps(body)}]==]"]
    lines += [
        f'wrk.headers["{name}"] = "{value}"' for name, value in {"Content-Type": "application/json", **headers}.items()
    ]
    script.write_text("\n".join(lines))
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{SECONDS}s",
        "--timeout",
        "20s",
        "--latency",
        "-s",
        str(script),
        url,
    ]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in printed or "Socket errors" in printed:
        sys.exit(printed)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", printed)[1])
    tail = re.search(r"99%\s+([\d.]+)(us|ms|s)", printed)
    return rate, float(tail[1]) * _UNITS[tail[2]]
