"""Thirty-two clients ask a running service over HTTP while agreements are suspended, activated and renewed.

Every answer is decided again offline with the policy data of the revision it names: it must say the same, agreement,
version and clause included. And that revision must have been in force at some moment between question and answer, so
the first question after a change was answered is decided by the change.
"""

import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from governance.agreements import PolicyData
from governance.agreements.rehearsal import Signatory, Wanted, rehearse
from governance.bootstrap import Services, build
from governance.commands._demo_home import DemoHome
from governance.commands._demo_seed import seed_showcase
from governance.commands.simulate import SCOPES
from governance.decisions import AccessRequest, PolicyInformationPoint, PolicySource, RegorusEngine, RequestSubject
from governance.jobs import Runtime
from governance.settings import from_environment
from governance.simulation import network, showcase
from governance.simulation.client import Surface
from governance.simulation.identity_provider import load_accounts
from governance.simulation.programs import Program, free_port
from governance.vocabulary import Action, AgreementStatus, Purpose, ReasonCode, Scope, SubjectType
from tests.peers.opa import OpaServer
from tests.worlds.agreements import OFFICE
from tests.worlds.region import (
    DIRECT_CARE,
    SHORT_AGREEMENT,
    SHORT_PURPOSE,
    Parties,
    environment_of,
    seed_home,
    short_agreement,
)

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = 32
PATIENCE = 120.0  # seconds for what must happen
ROLE, ODS, ASSURANCE = "consultant_radiologist", "RKB", 3


@dataclass(frozen=True)
class Question:
    """What a client asks."""

    study: str
    purpose: Purpose
    action: Action = Action.READ
    reason: str | None = None

    def item(self) -> dict[str, Any]:
        context = {"purpose": self.purpose.value} | ({"break_glass": {"reason": self.reason}} if self.reason else {})
        return {
            "action": {"name": self.action.value},
            "resource": {"type": "study", "id": self.study},
            "context": context,
        }


QUESTIONS = (
    Question(showcase.SHARED_STUDY, Purpose.TREAT),
    Question(showcase.SHARED_STUDY, Purpose(SHORT_PURPOSE)),
    Question(showcase.UNRELATED_STUDY, Purpose.TREAT),
    Question(showcase.UNRELATED_STUDY, Purpose.TREAT, reason="unconscious after a fall"),
    Question(showcase.SEALED_STUDY, Purpose.TREAT),
    Question(showcase.UNRELATED_STUDY, Purpose(SHORT_PURPOSE)),
    Question(showcase.SHARED_STUDY, Purpose.TREAT, Action.EXPORT),
    Question(showcase.SHARED_STUDY, Purpose.HRESCH),
)
PERSON = {
    "type": "practitioner",
    "id": showcase.REPORTER,
    "properties": {"role": ROLE, "ods": ODS, "assurance": ASSURANCE},
}


@dataclass(frozen=True)
class Heard:
    """An answer, and between which moments it came about."""

    question: Question
    asked: float
    answered: float
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """A change of the agreements: the revision in force once it was answered."""

    began: float
    ended: float
    revision: str


class Client(threading.Thread):
    """Asks one question after the other, one at a time or all together, until told to stop."""

    def __init__(self, number: int, service: str, bearer: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.heard: list[Heard] = []
        self.failed: list[str] = []
        self._number, self._service, self._stop_asking = number, service, stop
        self._headers = {"Authorization": f"Bearer {bearer}"}

    def run(self) -> None:
        turns = itertools.cycle([*QUESTIONS, None])
        for _ in range(self._number % len(QUESTIONS)):
            next(turns)
        with requests.Session() as http:
            while not self._stop_asking.is_set():
                try:
                    self._ask(http, next(turns))
                except Exception as error:  # noqa: BLE001 - the main thread fails for it
                    self.failed.append(repr(error))
                    return

    def _ask(self, http: requests.Session, question: Question | None) -> None:
        together = QUESTIONS if question is None else (question,)
        body = {"subject": PERSON} | (
            {"evaluations": [one.item() for one in together]} if question is None else question.item()
        )
        path = "evaluations" if question is None else "evaluation"
        asked = time.monotonic()
        answer = http.post(f"{self._service}/access/v1/{path}", json=body, headers=self._headers, timeout=PATIENCE)
        answered = time.monotonic()
        answer.raise_for_status()
        found = answer.json()["evaluations"] if question is None else [answer.json()]
        self.heard += [Heard(one, asked, answered, told) for one, told in zip(together, found, strict=True)]


class Office:
    """Changes agreements over HTTP and keeps the policy data of every revision."""

    def __init__(self, home: DemoHome, offline: Services, surface: Surface) -> None:
        self.offline, self.surface = offline, surface
        self.known: dict[str, PolicyData] = {}
        self.changes: list[Change] = []
        self._signatories = {ods: Signatory(**row) for ods, row in json.loads(home.signatories().read_text()).items()}
        self._file(time.monotonic())

    def suspend(self, agreement: str, version: int) -> None:
        self._move(agreement, "suspend", version)

    def activate(self, agreement: str, version: int) -> None:
        self._move(agreement, "activate", version)

    def renew(self, version: int, roles: list[str]) -> None:
        """Bring a new version of the short agreement into force, open to these roles."""
        document = short_agreement(datetime.now(UTC).date()) | {"version": version}
        document["clauses"][0]["recipients"]["roles"] = roles
        plan = {SHORT_AGREEMENT: Wanted(AgreementStatus.SIGNED)}
        rehearse(self.offline.registers.agreements, [document], self._signatories, OFFICE, plan)
        self.activate(SHORT_AGREEMENT, version)

    def _move(self, agreement: str, verb: str, version: int) -> None:
        began = time.monotonic()
        body = {"version": version, "reason": "under review"}
        self.surface.post(f"/agreements/v1/agreements/{agreement}/{verb}", body)
        self._file(began)

    def _file(self, began: float) -> None:
        ended = time.monotonic()
        data = self.offline.registers.agreements.refresh()
        self.known[data.revision] = data
        self.changes.append(Change(began, ended, data.revision))

    def may_be(self, heard: Heard) -> set[str]:
        """Give the revisions that were in force at some moment between question and answer."""
        before = max(number for number, change in enumerate(self.changes) if number == 0 or change.ended <= heard.asked)
        return {change.revision for change in self.changes[before:] if change.began <= heard.answered}


@pytest.fixture(params=["embedded", pytest.param("opa", marks=pytest.mark.peer)])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    """Run a service process on a seeded home, with one engine or the other."""
    home = seed_home(tmp_path / "home", f"http://127.0.0.1:{free_port()}", "http://127.0.0.1:9")
    environment = environment_of(home) | {"GOVERNANCE_ENGINE_TIMEOUT": "60"}
    with ExitStack() as stack:
        if request.param == "opa":
            server = OpaServer(request.getfixturevalue("opa"))
            server.start()
            stack.callback(server.stop)
            environment["GOVERNANCE_OPA_URL"] = server.url
        command = [sys.executable, "app.py", "serve"]
        program = Program("service", command, log=tmp_path / "service.log", environ=environment, folder=ROOT)
        stack.enter_context(program)
        program.await_answer(f"{home.service}/readyz", seconds=PATIENCE)
        seed_showcase(
            Surface(home.service, Parties(home).credentials(network.FEEDS), SCOPES),
            load_accounts(),
            datetime.now(UTC).date(),
        )
        offline = build(from_environment(os.environ | home.environment()))
        runtime = Runtime(offline)
        runtime.start(jobs=False)
        stack.callback(runtime.stop)
        scopes = [Scope.ACCESS_EVALUATE.value, Scope.AGREEMENTS_WRITE.value]
        yield Office(home, offline, Surface(home.service, Parties(home).credentials(network.EXPLORER), scopes))


def gathered(services: Services, question: Question) -> Mapping[str, Any]:
    """Gather what the policy is asked, as the service does."""
    information = PolicyInformationPoint(
        federation=services.registers.federation,
        catalogue=services.registers.catalogue,
        relationships=services.registers.relationships,
        pseudonymiser=services.infrastructure.pseudonymiser,
        reads_today=lambda *_: 0,
    )
    subject = RequestSubject(showcase.REPORTER, SubjectType.PRACTITIONER, ROLE, ODS, ASSURANCE)
    request = AccessRequest(
        subject, question.action, question.purpose, question.study, break_glass_reason=question.reason
    )
    with services.infrastructure.database.reading() as session:
        return information.gather(request, session, services.infrastructure.clock.now())


class Judge:
    """Decides again, with the policy data of a revision."""

    def __init__(self, office: Office) -> None:
        self._known = office.known
        self._inputs = {question: gathered(office.offline, question) for question in QUESTIONS}
        self._engine = RegorusEngine(PolicySource.from_directory())
        self._said: dict[tuple[str, Question], Mapping[str, Any]] = {}

    def right(self, revision: str, question: Question) -> Mapping[str, Any]:
        """Give what an answer of a revision must say."""
        if (revision, question) not in self._said:
            self._engine.load(self._known[revision])
            answer = self._engine.evaluate(self._inputs[question])
            reasons = answer.reasons if answer.permit else [self._told(reason) for reason in answer.reasons]
            agreement = answer.agreement
            self._said[revision, question] = {
                "decision": answer.permit,
                "reasons": sorted({reason.value for reason in reasons}),
                "agreement": {"id": agreement.id, "version": agreement.version, "clause": agreement.clause}
                if agreement
                else None,
            }
        return self._said[revision, question]

    def _told(self, reason: ReasonCode) -> ReasonCode:
        return ReasonCode.REQUEST_REFUSED if reason.about_patient else reason


def wait_for_more(clients: list[Client], count: int = 3) -> None:
    """Wait until every client was answered this often again."""
    wanted = [len(client.heard) + count for client in clients]
    deadline = time.monotonic() + PATIENCE
    while any(len(client.heard) < least for client, least in zip(clients, wanted, strict=True)):
        assert not any(client.failed for client in clients), [client.failed for client in clients if client.failed]
        assert time.monotonic() < deadline, "the clients are not answered"
        time.sleep(0.02)


def test_no_answer_mixes_revisions_and_none_is_wrong_for_its_own(office: Office) -> None:
    stop = threading.Event()
    bearer = office.surface.bearer()
    service = office.offline.infrastructure.settings.issuer
    clients = [Client(number, service, bearer, stop) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        for change in (
            lambda: office.suspend(DIRECT_CARE, 1),
            lambda: office.renew(2, ["clinician"]),
            lambda: office.activate(DIRECT_CARE, 1),
            lambda: office.suspend(SHORT_AGREEMENT, 2),
            lambda: office.suspend(DIRECT_CARE, 1),
            lambda: office.renew(3, [ROLE]),
            lambda: office.activate(DIRECT_CARE, 1),
        ):
            wait_for_more(clients)
            change()
        wait_for_more(clients)
    finally:
        stop.set()
        for client in clients:
            client.join(PATIENCE)
    assert [client.failed for client in clients if client.failed] == []
    heard = [one for client in clients for one in client.heard]
    judge_all(office, heard)


def judge_all(office: Office, heard: list[Heard]) -> None:
    judge = Judge(office)
    effects: set[tuple[str, bool]] = set()
    for one in heard:
        context = one.body["context"]
        revision = context["policy_revision"]
        assert revision in office.may_be(one), "decided by what was not in force then"
        said = {
            "decision": one.body["decision"],
            "reasons": context["reasons"],
            "agreement": context.get("agreement"),
        }
        assert said == judge.right(revision, one.question)
        effects.add((revision, one.body["decision"]))
    assert {revision for revision, _ in effects} == office.known.keys()
    assert len(office.known) >= 6
    assert {decision for _, decision in effects} == {True, False}
