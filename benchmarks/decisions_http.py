"""Decisions over HTTP: ours (authenticated, attributes gathered, durable audit) against a raw OPA server.

Same policy, same agreements, same questions, same client (wrk, one thread, 16 connections), in turn. OPA is given the
attributes ready-made and only prints its decision log; ours gathers them and answers after the fsync. ``evaluations``
asks a hundred questions a call, against OPA's one call a decision. Ours decides with the embedded engine, and again
with an OPA server of its own.

Once it is one question, over and over, as a viewer asks it that fetches the images of a study. Once it is those of a
worklist, of four hundred studies of as many patients, all but a tenth of them the reporter's to read: each is asked
again only when all the others were.
"""

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import Session

from benchmarks import _worklist
from benchmarks._line import line
from benchmarks._served import drive, process, seed, service
from governance.bootstrap import Services, build
from governance.commands._demo_home import DemoHome
from governance.decisions import AccessRequest, PolicyInformationPoint, RequestSubject
from governance.settings import from_environment
from governance.simulation import showcase
from governance.simulation.programs import free_port
from governance.vocabulary import Action, Purpose, Role, SubjectType

ROUNDS = 3
SECONDS = 6
CONNECTIONS = 16
BATCH = 100  # questions in one call


@dataclass(frozen=True, slots=True)
class _Load:
    """What is asked, of us one by one and by the hundred, and of OPA with the attributes that we gathered."""

    name: str
    asked: Sequence[dict]
    batches: Sequence[dict]
    gathered: Sequence[dict]


def run() -> None:
    """Measure and print throughput and 99th percentile."""
    with tempfile.TemporaryDirectory() as folder:
        home = DemoHome(Path(folder), f"http://127.0.0.1:{free_port()}", "http://127.0.0.1:1")
        os.environ.update(home.environment())
        policy, loads = _prepare(home)
        _compare(Path(folder), home, policy, loads, "embedded")
        with _bare_opa() as engine:
            os.environ["GOVERNANCE_OPA_URL"] = engine
            _compare(Path(folder), home, policy, loads, "opa")
            del os.environ["GOVERNANCE_OPA_URL"]


def _compare(folder: Path, home: DemoHome, policy: dict, loads: Sequence[_Load], engine: str) -> None:
    """Drive both servers in turn, with each load, and print the medians."""
    made = build(from_environment(os.environ))
    with service(home) as (url, headers), _opa(folder, policy) as theirs:
        for load in loads:
            scores: dict[str, list[tuple[float, float]]] = {"ours": [], "batch": [], "theirs": []}
            for _ in range(ROUNDS):
                _settle(made)
                scores["theirs"].append(_wrk(folder, theirs, {}, load.gathered))
                scores["ours"].append(_wrk(folder, url, headers, load.asked))
                rate, tail = _wrk(folder, f"{url}s", headers, load.batches)
                scores["batch"].append((rate * BATCH, tail))
            rates = {who: statistics.median(rate for rate, _ in found) for who, found in scores.items()}
            tails = {who: statistics.median(tail for _, tail in found) for who, found in scores.items()}
            name = f"decisions_http {engine} {load.name}"
            line(f"{name} per_second", rates["ours"], rates["theirs"], "higher is better")
            line(f"{name} p99_ms", tails["ours"], tails["theirs"], "lower is better")
            line(f"{name} in_batches_per_second", rates["batch"], rates["theirs"], "higher is better")


def _prepare(home: DemoHome) -> tuple[dict, tuple[_Load, ...]]:
    """Seed the demo region and the worklist; give the compiled policy data and what is to be asked."""
    seed(home, _worklist.send)
    made = build(from_environment(os.environ))
    information = PolicyInformationPoint(
        federation=made.registers.federation,
        catalogue=made.registers.catalogue,
        relationships=made.registers.relationships,
        pseudonymiser=made.infrastructure.pseudonymiser,
        reads_today=lambda *_: 0,
    )
    with made.infrastructure.database.reading() as session:
        one = _load("one_question", [showcase.SHARED_STUDY], information, session)
        many = _load("worklist", _worklist.studies(), information, session)
    policy = dict(made.registers.agreements.compiled().document)
    made.infrastructure.database.dispose()
    return policy, (one, many)


def _load(name: str, studies: Sequence[str], information: PolicyInformationPoint, session: Session) -> _Load:
    """Make a load of the reporter's questions about some studies."""
    subject = RequestSubject(showcase.REPORTER, SubjectType.PRACTITIONER, Role.CONSULTANT_RADIOLOGIST, "RKB", 3)
    now, question = datetime.now(UTC), showcase.question()
    requests = [AccessRequest(subject, Action.READ, Purpose.TREAT, study) for study in studies]
    items = [{"resource": showcase.question(study)["resource"]} for study in studies]
    hundreds = [items[at : at + BATCH] for at in range(0, len(items), BATCH)] if len(items) > 1 else [items * BATCH]
    return _Load(
        name=name,
        asked=[showcase.question(study) for study in studies],
        batches=[question | {"evaluations": hundred} for hundred in hundreds],
        gathered=[{"input": dict(information.gather(request, session, now))} for request in requests],
    )


def _settle(services: Services) -> None:
    """Wait until our detection has read what we were asked before: nothing of ours may run beside the other's turn."""
    for _ in range(240):
        if services.uses.detection.position() >= services.infrastructure.audit.tree_head()[0]:
            return
        time.sleep(0.5)
    sys.exit("detection does not catch up")


@contextmanager
def _opa(folder: Path, policy: dict) -> Iterator[str]:
    opa = shutil.which("opa") or sys.exit("opa is not on the PATH; `make opa` builds it")
    port = free_port()
    data = folder / "data.json"
    data.write_text(json.dumps({"governance": policy}))
    command = [opa, "run", "--server", "--addr", f"127.0.0.1:{port}", "--set", "decision_logs.console=true"]
    command += ["--ignore", "*_test.rego", "--log-level", "info", "policies", str(data)]
    with process(command, f"http://127.0.0.1:{port}/health"):
        yield f"http://127.0.0.1:{port}/v1/data/imaging/decision/answer"


@contextmanager
def _bare_opa() -> Iterator[str]:
    """Run an OPA that holds nothing yet, for the service to decide with."""
    opa = shutil.which("opa") or sys.exit("opa is not on the PATH; `make opa` builds it")
    address = f"127.0.0.1:{free_port()}"
    with process([opa, "run", "--server", "--addr", address, "--log-level", "error"], f"http://{address}/health"):
        yield f"http://{address}"


def _wrk(folder: Path, url: str, headers: dict[str, str], bodies: Sequence[dict]) -> tuple[float, float]:
    """Drive one server; gives requests a second and the 99th percentile in milliseconds."""
    sent = {"Content-Type": "application/json"} | headers
    texts = [json.dumps(body) for body in bodies]
    driven = drive(folder, url, sent, texts, seconds=SECONDS, connections=CONNECTIONS)
    return driven.rate, driven.p99
