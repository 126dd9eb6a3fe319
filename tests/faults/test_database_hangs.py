"""A database that hangs: every endpoint answers in time all the same, and everything goes on when it is there again.

PostgreSQL is stopped in its tracks, its connections open and silent; SQLite's write lock is held by another process.
"""

import itertools
import re
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
import requests

from governance.bootstrap import build
from governance.commands._demo_seed import seed_showcase
from governance.commands.simulate import SCOPES
from governance.server import create_app
from governance.settings import from_environment
from governance.simulation import network, showcase
from governance.simulation.archive.orthanc import Orthanc
from governance.simulation.client import Surface
from governance.simulation.identity_provider import load_accounts
from governance.simulation.programs import Program, free_port
from governance.storage import Database
from governance.storage.upsert import chunks
from tests.peers.identity_provider import identity_provider
from tests.peers.postgres import administer, silent
from tests.peers.writer import OtherWriter
from tests.worlds.region import environment_of, seed_home
from tests.worlds.running_service import ROOT, RunningService, eventually

LIMIT = 5.0  # seconds in which every endpoint answers
WATCHED = 2.0  # seconds in which those do that say how the service is
AT_ONCE = 12  # requests under way: fewer than one worker has threads
TOKEN = "a-token-for-scraping-only"
QUESTION = showcase.question()
_REFUSED = re.compile(r'http_requests_total\{method="POST",route="/access/v1/evaluation",status="503"\} ([0-9.]+)')
_FILLED = {"int": "1", "path": "a/b"}  # by converter; any other is a plain name
_PARAMETER = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?[^<>]+>")


@dataclass(frozen=True, slots=True)
class Hanging:
    """The running service, its endpoints, and how its database is made to hang."""

    service: RunningService
    routes: tuple[tuple[str, str], ...]
    hang: Callable[[], AbstractContextManager[Any]]
    url: str
    bearer: str
    browser: requests.Session

    def ask(self, method: str, path: str, **how: Any) -> tuple[requests.Response, float]:
        """Send a request; gives the answer and the seconds it took."""
        began = time.monotonic()
        headers = {"Authorization": f"Bearer {self.bearer}"} | how.pop("headers", {})
        answer = requests.request(
            method, self.service.url + path, headers=headers, timeout=60, allow_redirects=False, stream=True, **how
        )
        if answer.headers.get("Content-Type", "").startswith("text/event-stream"):
            answer.close()  # it has begun, and goes on for minutes
        else:
            answer.content  # noqa: B018  read to its end
        return answer, time.monotonic() - began


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def hanging(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hanging]:
    folder = tmp_path_factory.mktemp("hanging")
    changed = {"GOVERNANCE_METRICS_TOKEN": TOKEN}
    if request.param == "postgresql":
        server: str = request.getfixturevalue("postgres_server")
        name = f"hanging_{uuid.uuid4().hex[:8]}"
        administer(server, f"CREATE DATABASE {name} TEMPLATE template_governance STRATEGY FILE_COPY")
        changed["GOVERNANCE_DATABASE_URL"] = f"{server}/{name}"
    with identity_provider("--demo") as identity:
        home = seed_home(folder / "home", f"http://127.0.0.1:{free_port()}", identity, changed)
        environment = environment_of(home) | changed
        made = build(from_environment(environment))
        rules = list(create_app(made).url_map.iter_rules())
        made.infrastructure.database.dispose()
        routes = tuple(
            (method, _filled(rule.rule))
            for rule in rules
            for method in sorted(rule.methods or ())
            if method != "OPTIONS"
        )
        command = [sys.executable, "app.py", "serve"]
        with Program("service", command, log=folder / "log", environ=environment, folder=ROOT) as program:
            program.await_answer(f"{home.service}/readyz")
            service = RunningService(home, program, Orthanc(folder / "orthanc", free_port()))
            feeds = Surface(home.service, service.parties.credentials(network.FEEDS), SCOPES)
            seed_showcase(feeds, load_accounts(), datetime.now(UTC).date())
            hang = (
                partial(silent, server)
                if request.param == "postgresql"
                else partial(OtherWriter, Database(environment["GOVERNANCE_DATABASE_URL"]))
            )
            bearer = service.surface(network.EXPLORER).bearer()
            browser = service.sign_in("ig.officer.rrk")
            yield Hanging(service, routes, hang, environment["GOVERNANCE_DATABASE_URL"], bearer, browser)


def _filled(rule: str) -> str:
    """Give a path that a rule matches."""
    return _PARAMETER.sub(lambda found: _FILLED.get(found[1] or "", "x-1"), rule)


def _media(path: str) -> str:
    """Give in which form an endpoint says what is wrong."""
    forms = {
        "/readyz": "application/json",
        "/console": "text/html",
        "/fhir": "application/fhir+json",
        "/oauth": "application/json",
    }
    return next((form for start, form in forms.items() if path.startswith(start)), "application/problem+json")


def event(number: int) -> dict[str, Any]:
    """Give one event as an archive sends it, the same for the same number."""
    return {
        "id": f"hung-{number}",
        "time": "2026-11-24T11:58:00.000Z",
        "source": {"id": "vna-1", "ods": "RRK"},
        "kind": "access",
        "outcome": "success",
        "subject": {"id": "jdoe", "type": "practitioner", "role": "consultant_radiologist", "ods": "RKB"},
        "purpose": "TREAT",
        "resource": {"study_uid": "1.2.826.0.1.3680043.8.498.10", "modality": "CT", "custodian": "RRK"},
    }


def test_every_endpoint_answers_in_time_and_goes_on_afterwards(hanging: Hanging) -> None:
    def ask(route: tuple[str, str]) -> tuple[str, str, requests.Response, float]:
        method, path = route
        console = path.startswith("/console")
        headers = {"Cookie": "; ".join(f"{c.name}={c.value}" for c in hanging.browser.cookies)} if console else {}
        body: dict[str, Any] = {"json": {}} if method in {"POST", "PUT", "PATCH"} and not console else {}
        answer, seconds = hanging.ask(method, path, headers=headers, **body)
        return method, path, answer, seconds

    with hanging.hang(), ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(ask, hanging.routes))
    assert len(answers) > 80
    late = [(method, path, round(seconds, 1)) for method, path, _, seconds in answers if seconds > LIMIT]
    assert late == []
    failed = [(method, path, a.status_code, a.text[:200]) for method, path, a, _ in answers if a.status_code == 500]
    assert failed == []
    closed = [(path, a) for _, path, a, _ in answers if a.status_code == 503]
    assert closed
    for path, answer in closed:
        assert answer.headers["Retry-After"].isdigit(), path
        assert answer.headers["Content-Type"].startswith(_media(path)), path
    eventually(lambda: hanging.ask("GET", "/readyz")[0].ok, "being ready again")


def test_a_question_in_its_plainest_form_is_answered_closed_counted_and_asked_again(hanging: Hanging) -> None:
    def question() -> tuple[requests.Response, float]:
        return hanging.ask("POST", "/access/v1/evaluation", json=QUESTION)

    assert question()[0].json()["decision"] is True
    with hanging.hang(), ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: question(), range(AT_ONCE * 2)))
    assert {answer.status_code for answer, _ in answers} == {503}
    assert {answer.headers["Content-Type"] for answer, _ in answers} == {"application/problem+json"}
    assert all(answer.headers["Retry-After"].isdigit() for answer, _ in answers)
    assert max(seconds for _, seconds in answers) < LIMIT
    answer = eventually(lambda: (a := question()[0]).ok and a, "a decision")
    assert answer.json()["decision"] is True
    text = hanging.ask("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})[0].text
    counted = _REFUSED.search(text)
    assert counted is not None
    assert float(counted[1]) >= len(answers)


def test_who_watches_hears_of_it_in_time(hanging: Hanging) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    busy = [("GET", "/audit/v1/events"), ("POST", "/audit/v1/events"), ("POST", "/access/v1/evaluation")] * 16
    with hanging.hang(), ThreadPoolExecutor(len(busy)) as pool:
        others = [pool.submit(hanging.ask, method, path) for method, path in busy]  # more than there are threads
        for path in ("/healthz", "/readyz", "/metrics") * 2:
            answer, seconds = hanging.ask("GET", path, headers=headers)
            assert seconds < WATCHED, path
            assert answer.status_code in ({200, 503} if path == "/readyz" else {200}), answer.text
        for other in others:
            other.result()
        down = "audit_log" if hanging.url.startswith("sqlite") else "database"
        eventually(lambda: not hanging.ask("GET", "/readyz")[0].json()["parts"][down], "a worker that is not ready")
        told = eventually(lambda: _not_ready(hanging, headers, down), "a worker whose metrics say so")
    assert ("governance_log_size_entries" in told) is (down != "database"), "what is not known is not told"
    assert "governance_state_age_seconds" in told
    eventually(lambda: all(hanging.ask("GET", "/readyz")[0].ok for _ in range(8)), "every worker's being ready again")
    told = hanging.ask("GET", "/metrics", headers=headers)[0].text
    assert 'governance_ready{part="database"} 1.0' in told
    assert "governance_log_size_entries" in told


def _not_ready(hanging: Hanging, headers: dict[str, str], part: str) -> str | None:
    """Give the metrics of a worker of which a part does not answer; None from another."""
    told = hanging.ask("GET", "/metrics", headers=headers)[0].text
    return told if f'governance_ready{{part="{part}"}} 0.0' in told else None


def test_an_event_whose_commit_is_in_doubt_is_in_the_log_once(hanging: Hanging) -> None:
    def send(*some: int) -> requests.Response:
        answer, seconds = hanging.ask("POST", "/audit/v1/events", json=[event(number) for number in some])
        assert seconds < LIMIT
        return answer

    def duplicates(some: Iterable[int]) -> int:
        answers = [send(*part).json() for part in chunks(sorted(some), 500)]
        assert all(not answer["rejected"] for answer in answers)
        return sum(answer["duplicates"] for answer in answers)

    numbers, over = itertools.count(), threading.Event()

    def keep_sending(_place: int) -> list[int]:
        kept = []
        while not over.is_set():
            number = next(numbers)
            if send(number).ok:
                kept.append(number)
        return kept

    with ThreadPoolExecutor(4) as pool:
        senders = [pool.submit(keep_sending, place) for place in range(4)]
        for _ in range(3):
            eventually(lambda: send(next(numbers)).ok, "an event taken")
            with hanging.hang():
                assert send(next(numbers)).status_code == 503
        over.set()
        acknowledged = {number for sender in senders for number in sender.result()}
    eventually(lambda: hanging.ask("GET", "/readyz")[0].ok, "being ready again")
    sent = range(next(numbers))
    assert 0 < len(acknowledged) < len(sent)
    assert duplicates(acknowledged) == len(acknowledged), "what was acknowledged is in the log"
    duplicates(sent)
    assert duplicates(sent) == len(sent), "and so is everything once it was sent again"
    assert hanging.service.command("verify-log", "--quiet", "--database", hanging.url).returncode == 0
