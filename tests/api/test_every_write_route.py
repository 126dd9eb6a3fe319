"""Every route that writes, by the application's URL map: a writer of another trust is refused at each of them.

1. A route with a method that may write is either tried here, or named in ``ASKS`` with the reason why it writes no
   trust's rows. A new route that is neither fails the test.
2. Each attempt is a good one: it has the scope, a token and a body of the right shape, and what it would write is RRK's
   while the writer is RL4's. Nothing that the service holds but its log may change by it, and in the log nothing that
   the writer said.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, Response

from governance.agreements.rehearsal import new_signatories
from governance.agreements.signing import public_key_of, sign
from governance.audit.event import Event, Resource, Source, Subject
from governance.bootstrap import Services, build
from governance.clock import FixedClock
from governance.detection.sampling import Candidate
from governance.emergency import Grant, Submission
from governance.emergency import Scope as GrantScope
from governance.federation import WHOLE_REGION
from governance.inquiries import AnswerCode
from governance.jobs import Runtime
from governance.server import create_app
from governance.settings import from_environment
from governance.vocabulary import SYSTEM, Action, EventKind, Outcome, Purpose, Role, Scope, SubjectType
from governance.web.authentication import rule_of
from governance.web.sessions import BrowserSession, ServerSideSessions, SignedInPerson
from tests.peers.postgres import administer
from tests.worlds.agreements import OFFICE, document
from tests.worlds.alerts import finding
from tests.worlds.audit_messages import NATIVE, READ
from tests.worlds.basics import NOON, demo_environment
from tests.worlds.callers import REGION, Callers
from tests.worlds.tokens import KeyPair

NDJSON, FHIR = "application/x-ndjson", "application/fhir+json"
UID, PATIENT, AGREEMENT, TASK = "1.2.3", "9990000018", "two-trusts", "task-1"
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_POINT = "an enforcement point asks whether a request may pass; its key is its archive's, and it writes its log alone"
_TOKEN = "a client asks for, shows or ends a token of its own; the log keeps it"
_DECIDES = "it asks for a decision, which the log keeps"
_LOOKS = "it reads, with its question in the body; the log keeps that it was asked"
_TENANT = "it asks for the decision of a tenant that names the caller"
_SESSION = "a page of signed-in people, with a form token; tests/console tries it as the officer of another trust"
ASKS = {
    "/access/v1/evaluation": _DECIDES,
    "/access/v1/evaluations": _DECIDES,
    "/access/v1/search/action": _DECIDES,
    "/access/v1/search/resource": _DECIDES,
    "/access/v1/search/subject": _DECIDES,
    "/agreements/v1/impact": _LOOKS,
    "/audit/v1/events/search": _LOOKS,
    "/console/alerts/<alert_id>/ask": _SESSION,
    "/console/alerts/<alert_id>/assign": _SESSION,
    "/console/alerts/<alert_id>/close": _SESSION,
    "/console/alerts/<alert_id>/comment": _SESSION,
    "/console/alerts/<alert_id>/questions/<reference>": _SESSION,
    "/console/alerts/<alert_id>/unmask": _SESSION,
    "/console/asked/<reference>": "a page of whoever was asked, signed in; tests/console tries it as everybody else",
    "/console/patients": _SESSION,
    "/console/sample/<int:index>": _SESSION,
    "/console/sample/rate": _SESSION,
    "/console/sign-out": _SESSION,
    "/console/suppressions/<suppression_id>": _SESSION,
    "/console/suppressions/<suppression_id>/approve": _SESSION,
    "/console/suppressions/new": _SESSION,
    "/enforce/envoy/<anything:original>": _POINT,
    "/enforce/orthanc/settings/roles": _POINT,
    "/enforce/orthanc/tokens/<kind>": _POINT,
    "/enforce/orthanc/tokens/decode": _POINT,
    "/enforce/orthanc/tokens/validate": _POINT,
    "/enforce/orthanc/user/get-profile": _POINT,
    "/fhir/AuditEvent/_search": _LOOKS,
    "/oauth/introspect": _TOKEN,
    "/oauth/revoke": _TOKEN,
    "/oauth/token": _TOKEN,
    "/tenants/<tenant>/access/v1/evaluation": _TENANT,
    "/tenants/<tenant>/access/v1/evaluations": _TENANT,
    "/tenants/<tenant>/access/v1/search/action": _TENANT,
    "/tenants/<tenant>/access/v1/search/resource": _TENANT,
    "/tenants/<tenant>/access/v1/search/subject": _TENANT,
}


@dataclass(frozen=True)
class Attempt:
    """What the writer of another trust sends.

    ``path`` has the values of the seeded world in its braces. A feed answers 200 and names the line it refused.
    """

    path: str
    body: Any = None
    media: str = "application/json"
    statuses: tuple[int, ...] = (403, 404)
    method: str = "POST"

    @property
    def data(self) -> bytes:
        return json.dumps(self.body).encode()


def feed(path: str, **row: Any) -> Attempt:
    return Attempt(path, row, NDJSON, (200,))


_F = "/federation/v1"
_CLIENT = {"ods": "RRK", "name": "Ours now", "kind": "service", "jwks": {"keys": [KeyPair.ec("k1").public]}}
_MANIFEST = {"service_id": "triage", "version": "2.1", "modalities": ["CT"], "body_parts": ["*"], "trusts": ["RRK"]}
_MANIFEST |= {"purposes": ["TREAT"], "daily_volume": 9}
_IDP = {"issuer": "https://id.rrk.example", "jwks_uri": "https://evil.example/jwks", "audiences": ["us"]}
_SUSPEND = {"version": 1, "reason": "not ours"}
_REQUEST = {
    "subject": {"type": "practitioner", "id": "u-1", "properties": {"ods": "RRK", "role": "clinician"}},
    "action": {"name": "read"},
    "resource": {"type": "study", "id": UID},
    "context": {"purpose": "TREAT", "break_glass": {"reason": "because"}},
    "requested_access": {"emergency": True},
    "denial": {"evaluation_id": "d-1", "binding_token": "not-theirs", "expires_at": "2026-11-24T12:10:00Z"},
}
ATTEMPTS: dict[str, Attempt] = {
    "/catalogue/v1/studies": feed(
        "/catalogue/v1/studies", id=UID, custodians=["RL4"], patient=PATIENT, modality="MR", study_date="2026-11-20"
    ),
    "/catalogue/v1/studies/<study_uid>/labels": Attempt(f"/catalogue/v1/studies/{UID}/labels", {"labels": []}),
    "/catalogue/v1/studies/<study_uid>/custodians": Attempt(
        f"/catalogue/v1/studies/{UID}/custodians", {"custodians": ["RL4"]}
    ),
    "/relationships/v1/edges": feed(
        "/relationships/v1/edges",
        id="e-1",
        kind="rota",
        subject="radiologist.rl4",
        ods="RRK",
        source="ris-rrk",
        **{"from": "2026-11-20T08:00:00Z"},
    ),
    "/relationships/v1/staff": feed("/relationships/v1/staff", id="u-1", ods="RRK", role="consultant_radiologist"),
    "/relationships/v1/patients": feed("/relationships/v1/patients", id=PATIENT, ods="RRK", flags=[]),
    f"{_F}/trusts": Attempt(f"{_F}/trusts", {"ods": "RRK", "name": "Ours now"}),
    f"{_F}/identity-providers": Attempt(f"{_F}/identity-providers", _IDP | {"ods": "RL4"}),
    f"{_F}/clients": Attempt(f"{_F}/clients", _CLIENT | {"client_id": "panel"}),
    f"{_F}/clients/<client_id>/credentials": Attempt(
        f"{_F}/clients/panel/credentials", {"secret": "abcdefghijklmnopqrstuvwxyz0123456789"}
    ),
    f"{_F}/manifests": Attempt(f"{_F}/manifests", _MANIFEST),
    f"{_F}/manifests/<service_id>/<version>/approve": Attempt(f"{_F}/manifests/triage/2.1/approve"),
    f"{_F}/manifests/<service_id>/<version>/withdraw": Attempt(f"{_F}/manifests/triage/2.0/withdraw"),
    f"{_F}/standings": Attempt(f"{_F}/standings", {"kind": "client", "client_id": "panel", "act": "suspend"}),
    f"{_F}/sessions/<handle>/end": Attempt(f"{_F}/sessions/{{session}}/end"),
    f"{_F}/persons": Attempt(
        f"{_F}/persons", {"issuer": _IDP["issuer"], "subject": "officer-1", "ods": "RL4", "roles": ["ig_officer"]}
    ),
    "/agreements/v1/agreements": Attempt("/agreements/v1/agreements", document(id="another", title="Ours")),
    "/agreements/v1/agreements/<agreement_id>/sign": Attempt(
        f"/agreements/v1/agreements/{AGREEMENT}/sign", {"version": 1, "key_id": "{key}", "signature": "{signature}"}
    ),
    "/agreements/v1/agreements/<agreement_id>/activate": Attempt(
        f"/agreements/v1/agreements/{AGREEMENT}/activate", _SUSPEND
    ),
    "/agreements/v1/agreements/<agreement_id>/suspend": Attempt(
        f"/agreements/v1/agreements/{AGREEMENT}/suspend", _SUSPEND
    ),
    "/agreements/v1/agreements/<agreement_id>/terminate": Attempt(
        f"/agreements/v1/agreements/{AGREEMENT}/terminate", _SUSPEND
    ),
    "/agreements/v1/import": Attempt("/agreements/v1/import", [document(id="another", title="Ours")]),
    "/agreements/v1/keys": Attempt(
        "/agreements/v1/keys", {"ods": "RRK", "name": "Not Theirs", "role": "Chief", "public_key": "{public}"}
    ),
    "/agreements/v1/keys/<key_id>/revoke": Attempt("/agreements/v1/keys/{key}/revoke"),
    "/alerts/v1/alerts/<alert_id>/assign": Attempt("/alerts/v1/alerts/{alert}/assign", {"assignee": "s-somebody"}),
    "/alerts/v1/alerts/<alert_id>/comment": Attempt("/alerts/v1/alerts/{alert}/comment", {"comment": "Nothing here"}),
    "/alerts/v1/alerts/<alert_id>/close": Attempt(
        "/alerts/v1/alerts/{alert}/close", {"verdict": "justified", "reason": "Nothing to see here"}
    ),
    "/alerts/v1/suppressions": Attempt(
        "/alerts/v1/suppressions",
        {"rule": "mass_export", "trust": "RRK", "reason": "x", "expires_at": "2026-12-01T00:00:00Z"},
    ),
    "/alerts/v1/suppressions/<suppression_id>/approve": Attempt("/alerts/v1/suppressions/{suppression}/approve"),
    "/alerts/v1/suppressions/<suppression_id>/end": Attempt(
        "/alerts/v1/suppressions/{suppression}/end", {"reason": "not ours"}
    ),
    "/alerts/v1/alerts/<alert_id>/ask": Attempt("/alerts/v1/alerts/{alert}/ask", {"why": "Nothing is on record"}),
    "/alerts/v1/alerts/<alert_id>/inquiries/<reference>/confirm": Attempt(
        "/alerts/v1/alerts/{alert}/inquiries/{inquiry}/confirm", {"reason": "Fine by us"}
    ),
    "/alerts/v1/alerts/<alert_id>/inquiries/<reference>/reject": Attempt(
        "/alerts/v1/alerts/{alert}/inquiries/{inquiry}/reject", {"reason": "Not fine by us"}
    ),
    "/alerts/v1/sample/<int:index>/verdict": Attempt(
        "/alerts/v1/sample/{drawn}/verdict", {"verdict": "justified", "reason": "Nothing to see here"}
    ),
    "/alerts/v1/sample/rate": Attempt("/alerts/v1/sample/rate", {"ods": "RRK", "rate": 0.00001}),
    "/access/v1/request": Attempt("/access/v1/request", _REQUEST, statuses=(400, 403, 404)),
    "/access/v1/request/<task_id>/revoke": Attempt(f"/access/v1/request/{TASK}/revoke"),
    "/audit/v1/events": Attempt("/audit/v1/events", NATIVE, NDJSON, (200,)),
    "/erasure/v1/holds": Attempt("/erasure/v1/holds", {"case": "{alert}", "reason": "not ours"}),
    "/erasure/v1/holds/<hold_id>/end": Attempt("/erasure/v1/holds/{hold}/end", {"reason": "not ours"}),
    "/fhir": Attempt("/fhir", {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": READ}]}, FHIR, (200,)),
    "/fhir/AuditEvent": Attempt("/fhir/AuditEvent", READ, FHIR, (400,)),
    "/fhir/AuditEvent/<identifier>": Attempt("/fhir/AuditEvent/1", READ, FHIR, (403, 404, 405), "PUT"),
    "/opa/v1/logs": Attempt("/opa/v1/logs", [{"decision_id": "d-1", "labels": {"id": "edge-rrk"}}]),
    "/opa/v1/status": Attempt("/opa/v1/status", {"labels": {"id": "edge-rrk"}}),
}
SCOPES = (
    Scope.ACCESS_EVALUATE,
    Scope.AGREEMENTS_READ,
    Scope.AGREEMENTS_WRITE,
    Scope.ALERTS_READ,
    Scope.ALERTS_REVIEW,
    Scope.AUDIT_WRITE,
    Scope.CONTEXT_WRITE,
    Scope.ERASURE_HOLD,
    Scope.FEDERATION_READ,
    Scope.FEDERATION_WRITE,
)


class WrittenWorld:
    """A service in which RRK has a row of each kind, and a client of RL4 with every scope that writes."""

    def __init__(self, app: Flask, services: Services) -> None:
        self.app, self.services = app, services
        self.callers = Callers(app, services)
        self.callers.trust("RKB")
        self.owner = self.callers.headers("office-rrk", "RRK", SCOPES)
        self.stranger = self.callers.headers("office-rl4", "RL4", SCOPES)
        self.office = self.callers.headers("office-region", REGION, SCOPES, writes_for=[WHOLE_REGION])
        self.values: dict[str, str] = {}
        self._registers()
        self._agreement()
        self._emergency()
        with services.infrastructure.database.transaction() as session:
            (raised,) = services.uses.alerts.raise_findings(session, [finding(trusts=("RRK",))])
        self.values["alert"] = raised.alert
        self._inquiry()
        looks = [Candidate(index, NOON, "s-somebody", "RRK") for index in range(10_000)]
        with services.infrastructure.database.transaction() as session:
            self.values["drawn"] = str(services.uses.sampling.draw_in(session, NOON.date(), looks)[0].index)
        assert self.send(Attempt("/erasure/v1/holds", {"patient": PATIENT, "reason": "A claim"}), self.owner) == 201
        self.values["hold"] = self.answer.get_json()["id"]
        held = {"rule": "mass_export", "reason": "A migration", "expires_at": "2026-12-01T00:00:00Z"}
        assert self.send(Attempt("/alerts/v1/suppressions", held), self.owner) == 201
        self.values["suppression"] = self.answer.get_json()["id"]
        self._session()

    def _inquiry(self) -> None:
        """Ask a person of RRK about a look, from the alert, and have it answered."""
        pseudonymiser = self.services.infrastructure.pseudonymiser
        who, whom = pseudonymiser.subject("u-1"), pseudonymiser.patient(PATIENT)
        look = Event(
            "look-1",
            NOON,
            Source("archive", "RRK"),
            EventKind.ACCESS,
            outcome=Outcome.SUCCESS,
            subject=Subject("u-1", SubjectType.PRACTITIONER, "clinician", "RRK"),
            resource=Resource(patient=PATIENT, study_uid=UID, modality="CT", custodian="RRK"),
        )
        index = self.services.infrastructure.audit.append([look])[0].index
        inquiries = self.services.uses.inquiries
        with self.services.infrastructure.database.transaction() as session:
            asked = inquiries.open_in(
                session, subject=who, patient=whom, looks=[index], why="Why?", case=self.values["alert"]
            )
        inquiries.answer(asked.person, asked.reference, AnswerCode.TREATING, "")
        self.values["inquiry"] = asked.reference

    def _session(self) -> None:
        """Sign somebody of RRK in, as the page that their provider sends them back to does."""
        now = self.services.infrastructure.clock.now()
        person = SignedInPerson(_IDP["issuer"], "officer-1", "RRK", "A Name", frozenset({Role.IG_OFFICER}), now)
        sessions = self.app.session_interface
        assert isinstance(sessions, ServerSideSessions)
        with self.app.test_request_context("/console/"):
            made = BrowserSession(None, None)
            made.sign_in(person)
            sessions.save_session(self.app, made, Response())
        (found,) = self.callers.http.get(f"{_F}/sessions", headers=self.owner).get_json()["sessions"]
        self.values["session"] = found["handle"]

    def _registers(self) -> None:
        send = self.send
        for path, body in (
            ("identity-providers", _IDP | {"ods": "RRK", "jwks_uri": "https://id.rrk.example/jwks"}),
            ("clients", _CLIENT | {"client_id": "panel", "name": "Panel"}),
            ("clients", _CLIENT | {"client_id": "triage", "kind": "ai_service", "ai_version": "2.1"}),
            ("manifests", _MANIFEST | {"daily_volume": 400}),
            ("manifests", _MANIFEST | {"version": "2.0"}),
            ("manifests/triage/2.0/approve", None),
            ("persons", {"issuer": _IDP["issuer"], "subject": "officer-1", "ods": "RRK", "roles": ["ig_officer"]}),
        ):
            assert send(Attempt(f"{_F}/{path}", body), self.owner) == 200
        study = {"id": UID, "custodians": ["RRK"], "patient": PATIENT, "modality": "CT", "study_date": "2026-11-20"}
        edge = {"id": "e-1", "kind": "order", "subject": "u-1", "patient": PATIENT, "ods": "RRK", "source": "ris-rrk"}
        for one in (
            feed("/catalogue/v1/studies", **study, labels=["sealed"]),
            feed("/relationships/v1/edges", **edge, **{"from": "2026-11-20T08:00:00Z"}),
            feed("/relationships/v1/staff", id="u-1", ods="RRK", role="clinician"),
            feed("/relationships/v1/patients", id=PATIENT, flags=["vip"]),
        ):
            assert send(one, self.owner) == 200

    def _agreement(self) -> None:
        register = self.services.registers.agreements
        signatories = new_signatories({"RRK": "Birmingham", "RKB": "Coventry"})
        keys = {
            ods: register.register_key(ods, one.name, one.role, public_key_of(one.private_key), OFFICE).key_id
            for ods, one in signatories.items()
        }
        (record,) = register.load([document(id=AGREEMENT)], OFFICE)
        signature = sign(record.text, signatories["RRK"].private_key)
        self.values |= {
            "key": keys["RRK"],
            "signature": signature,
            "public": public_key_of(new_signatories({"RRK": "x"})["RRK"].private_key),
        }

    def _emergency(self) -> None:
        infrastructure = self.services.infrastructure
        now = infrastructure.clock.now()
        scope = GrantScope("s-" + "a" * 26, "clinician", "RRK", "t-" + "b" * 26, Action.READ, Purpose.TREAT, "RRK")
        until = now + timedelta(minutes=30)
        grant = Grant(TASK, "a-1", "office-rrk", "d-1", scope, AGREEMENT, 1, "1", now, until)
        event = infrastructure.recorder.event(EventKind.BREAK_GLASS)
        self.services.registers.emergency.give(grant, Submission("office-rrk", "k-1", "digest", "d-1"), event)

    def send(self, attempt: Attempt, headers: dict[str, str]) -> int:
        """Send an attempt with the values of this world in it, and give the status."""
        path, data = attempt.path, attempt.data.decode()
        for name, value in self.values.items():
            path, data = path.replace(f"{{{name}}}", value), data.replace(f"{{{name}}}", json.dumps(value)[1:-1])
        answer = self.callers.http.open(
            path, method=attempt.method, data=data, content_type=attempt.media, headers=headers
        )
        self.answer = answer
        return answer.status_code

    def held(self) -> dict[str, list[tuple[Any, ...]]]:
        """Give every row of every table but the log's and its vault's, which keep what is asked, and the tokens'."""
        metadata = sa.MetaData()
        with self.services.infrastructure.database.reading() as session:
            connection = session.connection()
            metadata.reflect(connection)
            return {
                table.name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr)
                for table in metadata.sorted_tables
                if not table.name.startswith(("audit_", "owner_key", "token_"))
            }

    def said(self, since: int) -> list[str]:
        """Give whom the log names as the source of what was recorded since an index."""
        return [event.source.id for event in self.services.infrastructure.audit.read(since, 1_000)]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WrittenWorld]:
    """Seed one world a database for all attempts: none of them may change it."""
    with database_of(request, tmp_path_factory.mktemp("written")) as url:
        environment = demo_environment(url) | {"GOVERNANCE_CLIENT_SECRET_BASIC": "on"}
        services = build(from_environment(environment), FixedClock(NOON))
        runtime = Runtime(services)
        runtime.start(jobs=False)
        yield WrittenWorld(create_app(services), services)
        runtime.stop()


@contextmanager
def database_of(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """Make a database that is kept for a module."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), folder / "written.sqlite")
        yield f"sqlite:///{folder}/written.sqlite"
        return
    server: str = request.getfixturevalue("postgres_server")
    name = f"written_{os.getpid()}"
    administer(server, f"CREATE DATABASE {name} TEMPLATE template_governance STRATEGY FILE_COPY")
    yield f"{server}/{name}"
    administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def writing(app: Flask) -> set[str]:
    """Give the rules of the routes that have a method that may write."""
    return {rule.rule for rule in app.url_map.iter_rules() if WRITES & (rule.methods or set())}


def test_every_route_that_writes_is_tried_or_says_whose_rows_it_leaves_alone(written: WrittenWorld) -> None:
    assert writing(written.app) == ATTEMPTS.keys() | ASKS.keys()
    assert not ATTEMPTS.keys() & ASKS.keys()


def test_every_attempt_would_be_let_in(written: WrittenWorld) -> None:
    demanded = {
        rule.rule: rule_of(written.app.view_functions[rule.endpoint])
        for rule in written.app.url_map.iter_rules()
        if rule.rule in ATTEMPTS and WRITES & (rule.methods or set())
    }
    scopes = {rule.scope for rule in demanded.values() if rule is not None and rule.scope is not None}
    assert scopes <= set(SCOPES)


@pytest.mark.parametrize("route", ATTEMPTS)
def test_a_writer_of_another_trust_changes_nothing(written: WrittenWorld, route: str) -> None:
    before, size = written.held(), written.services.infrastructure.audit.tree_head()[0]
    status = written.send(ATTEMPTS[route], written.stranger)
    assert status in ATTEMPTS[route].statuses, written.answer.get_data(as_text=True)
    assert written.held() == before
    assert set(written.said(size)) <= {SYSTEM}
    if status == 200:
        _refused(written.answer.get_json())


def _refused(answer: Any) -> None:
    """Make sure that an answer of many parts took none."""
    if "entry" in answer:
        assert [one["response"]["status"] for one in answer["entry"]] == ["400 Bad Request"]
    else:
        assert (answer["accepted"], len(answer["rejected"])) == (0, 1)


REGISTERS = [name for name in ATTEMPTS if name.startswith(("/catalogue", "/relationships", "/federation"))]


@pytest.mark.parametrize("route", REGISTERS)
def test_the_same_is_the_region_s_to_write(written: WrittenWorld, route: str) -> None:
    """What was refused above was refused for whose it is and for nothing else; these come last, for they do write."""
    before = written.held()
    assert written.send(ATTEMPTS[route], written.office) == 200, written.answer.get_data(as_text=True)
    assert written.answer.get_json().get("rejected", []) == []
    assert written.held() != before
