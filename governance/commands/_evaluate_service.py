"""A service of its own for one run of the evaluation: keys, database, the region registered, a process."""

import base64
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from governance.agreements import Actor
from governance.agreements.rehearsal import new_signatories, rehearse
from governance.bootstrap import Services, build
from governance.commands._demo_home import DemoHome
from governance.commands.federation import register
from governance.errors import GovernanceError
from governance.jobs import Runtime
from governance.settings import PREFIX, from_environment
from governance.simulation.client import Surface
from governance.simulation.evaluation.registration import (
    FEEDS,
    FEEDS_SCOPES,
    READER,
    READER_SCOPES,
    client_ids,
    federation,
)
from governance.simulation.evaluation.running import Service
from governance.simulation.programs import Program, free_port
from governance.simulation.protocol.folk.ties import TIE_KEY
from governance.telemetry import configure

_TIE_KEY_ID = "region"
_ROOT = Path(__file__).resolve().parents[2]
_PAGE = os.sysconf("SC_PAGE_SIZE")  # bytes
_RESIDENT = 23  # field of /proc/PID/stat behind the name: pages that are resident, counted from the name on
_PARENT = 1


@contextmanager
def running(folder: Path, network: Mapping[str, Any], database: str | None) -> Iterator[tuple[Service, list[str]]]:
    """Run a fresh service with the region registered; gives it, and what it would not take.

    Args:
        folder: its home: keys, credentials, log of the process, and a SQLite file where there is no database.
        network: what the generator says of the region.
        database: URL of an empty database.
    """
    home = DemoHome(folder, f"http://127.0.0.1:{free_port()}", "http://127.0.0.1:9")
    environ = {**os.environ, **home.environment()}
    environ[f"{PREFIX}TIE_KEYS"] = f"{_TIE_KEY_ID}={base64.b64encode(TIE_KEY).decode()}"
    if database is not None:
        environ["GOVERNANCE_DATABASE_URL"] = database
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    untaken = _seed(home, environ, network)
    serve = [sys.executable, "app.py", "serve"]
    with Program("The service", serve, log=folder / "service.log", environ=environ, folder=_ROOT) as program:
        program.await_answer(f"{home.service}/readyz")
        surfaces = [
            Surface(home.service, home.credentials([name])[name], scopes)
            for name, scopes in ((FEEDS, FEEDS_SCOPES), (READER, READER_SCOPES))
        ]
        yield Service(surfaces[0], surfaces[1], lambda: _resident(program.pid)), untaken


def _seed(home: DemoHome, environ: Mapping[str, str], network: Mapping[str, Any]) -> list[str]:
    configure("WARNING")
    made = build(from_environment(environ))
    runtime = Runtime(made)
    runtime.start(jobs=False)
    try:
        register(made, federation(network, home.credentials(client_ids(network))))
        return _sign(made, network)
    finally:
        runtime.stop()


def _sign(made: Services, network: Mapping[str, Any]) -> list[str]:
    """Sign the agreements and activate them, what is over by today for the record; gives what was refused."""
    signatories = new_signatories({trust["ods"]: trust["name"] for trust in network["trusts"]})
    actor = Actor("evaluation", "service", None)
    untaken = []
    for document in network["agreements"]:
        try:
            rehearse(made.registers.agreements, [document], signatories, actor)
        except GovernanceError as error:
            untaken.append(f"agreement {document['id']}: {error}")
    return untaken


def _resident(pid: int) -> int:
    """Give the resident memory of a process and those that it started, in bytes."""
    family, total, growing = {pid}, 0, True
    stats = dict(_stats())
    while growing:
        more = {child for child, fields in stats.items() if int(fields[_PARENT]) in family} - family
        family |= more
        growing = bool(more)
    for member in family & stats.keys():
        total += int(stats[member][_RESIDENT - 2]) * _PAGE
    return total


def _stats() -> Iterator[tuple[int, list[str]]]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue  # it ended meanwhile
        yield int(path.parent.name), text.rpartition(")")[2].split()
