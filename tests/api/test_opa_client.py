"""OPA as our client: a trust's own OPA, a real process, enforces our agreements with the configuration of the guide."""

import gzip
import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from governance.audit import RecordedEvent
from governance.clock import FixedClock, SystemClock
from governance.decisions import PolicySource, RegorusEngine
from governance.decisions.decision import parse_answer
from governance.edges import DECISION_LOG
from governance.simulation import network, showcase
from governance.simulation.programs import free_port
from governance.tokens.bundle_key import BundleKey
from governance.vocabulary import EventKind, Outcome, Purpose
from tests.worlds.edges import (
    EdgeOpa,
    Line,
    agreement,
    certificate,
    configuration,
    eventually,
    policy_input,
    register_edge,
)
from tests.worlds.intake import intake_at
from tests.worlds.region import DIRECT_CARE, OWNER, RegionWorld, seed_home
from tests.worlds.tokens import KeyPair

EDGE = "edge-rrk"
LIMIT = 14_400  # seconds that an edge decides on without word from the service, unless set otherwise
BUNDLE = "/opa/v1/bundles/imaging.tar.gz"
MEDIA_TYPE = "application/vnd.openpolicyagent.bundles"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def key() -> KeyPair:
    return KeyPair.ec("edge-1")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, key: KeyPair) -> Iterator[RegionWorld]:
    service = f"https://127.0.0.1:{free_port()}"
    made = RegionWorld(
        seed_home(tmp_path_factory.mktemp("edge") / "home", service, "http://127.0.0.1:9"), SystemClock()
    )
    made.feed_showcase()
    register_edge(made.services, EDGE, OWNER, key)
    yield made
    made.close()


@pytest.fixture(scope="module")
def line(world: RegionWorld, tls: tuple[Path, Path]) -> Iterator[Line]:
    made = Line(world.app.wsgi_app, int(world.home.service.rsplit(":", 1)[1]), tls)
    made.up()
    yield made
    world.services.uses.bundles.stop()
    made.down()


@pytest.fixture(scope="module")
def edge(
    opa: str,
    world: RegionWorld,
    line: Line,
    key: KeyPair,
    tls: tuple[Path, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[EdgeOpa]:
    folder = tmp_path_factory.mktemp("opa")
    running = EdgeOpa(
        opa, folder, free_port(), configuration(world.services, EDGE, key, tls[0], folder / "state", None)
    )
    eventually(running.active, "the activation of the bundle")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def headers(world: RegionWorld) -> dict[str, str]:
    """Speak for an edge that is no OPA but this test."""
    key = KeyPair.ec("t-1")
    register_edge(world.services, "edge-test", OWNER, key)
    endpoint, now = world.services.registers.tokens.token_endpoint, world.now
    claims = {
        "iss": "edge-test",
        "sub": "edge-test",
        "aud": endpoint,
        "iat": now,
        "exp": now + 600,
        "jti": "edge-test-1",
    }
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": key.sign(claims),
    }
    return {"Authorization": f"Bearer {world.post_form('/oauth/token', form).get_json()['access_token']}"}


def recorded(world: RegionWorld, source: str, decision_id: str) -> list[RecordedEvent]:
    found = world.events(kind=EventKind.DECISION, decision_id=decision_id)
    return [event for event in found if event.source.id == source]


def test_the_edge_decides_as_we_do(world: RegionWorld, edge: EdgeOpa) -> None:
    engine = RegorusEngine(PolicySource.from_directory())
    engine.load(world.services.registers.agreements.compiled())
    studies = (showcase.SHARED_STUDY, showcase.UNRELATED_STUDY, showcase.SEALED_STUDY, showcase.OWN_STUDY, "1.2.3")
    asked = [
        policy_input(world, user, study, purpose, role=role, break_glass_reason=reason)
        for user in (showcase.REPORTER, showcase.SELF, "nobody")
        for study in studies
        for purpose in (Purpose.TREAT, Purpose.BTG, Purpose.HRESCH, Purpose.HQUALIMP)
        for role in ("consultant_radiologist", "researcher")
        for reason in (None, "Unconscious after a fall")
    ]
    effects = set()
    for question in asked:
        told = edge.answer(question)
        assert 0 <= told.pop("age_seconds") <= LIMIT
        answer = parse_answer(told)
        assert answer == engine.evaluate(question)
        effects.add(answer.permit)
    assert effects == {True, False}


def test_a_decision_of_the_edge_is_in_our_log(world: RegionWorld, edge: EdgeOpa) -> None:
    told = edge.ask(policy_input(world, showcase.REPORTER, showcase.SHARED_STUDY))
    (event,) = eventually(lambda: recorded(world, EDGE, told["decision_id"]), "the decision's record")
    assert (event.source.ods, event.outcome) == (OWNER, Outcome.SUCCESS)
    assert event.authority.agreement_id == DIRECT_CARE
    assert event.resource is not None
    assert event.resource.study == world.services.infrastructure.pseudonymiser.study(showcase.SHARED_STUDY)
    assert event.detail["reasons"] == ["agreement.permits"]
    assert event.detail["revision"] == world.services.registers.agreements.compiled().revision
    assert event.detail["bundle_revision"] == world.services.uses.bundles.revision
    assert event.subject is not None
    assert event.subject.id == world.services.infrastructure.pseudonymiser.subject(showcase.REPORTER)


def test_a_log_that_is_sent_again_is_recorded_once(world: RegionWorld, edge: EdgeOpa, line: Line) -> None:
    eventually(lambda: world.services.uses.edges.states()[0].report, "a status")
    line.answers_to_lose = 1
    uploads = line.uploads
    told = [edge.ask(policy_input(world, showcase.REPORTER, showcase.SHARED_STUDY))["decision_id"] for _ in range(20)]
    eventually(lambda: not line.answers_to_lose and line.uploads > uploads + 1, "a second upload")
    for decision_id in told:
        found = eventually(lambda wanted=decision_id: recorded(world, EDGE, wanted), "the decision's record")
        assert len(found) == 1


def test_a_suspension_reaches_the_edge_by_long_poll(world: RegionWorld, edge: EdgeOpa) -> None:
    question = policy_input(world, showcase.REPORTER, showcase.SHARED_STUDY)
    eventually(lambda: world.services.uses.bundles.waiting == 2, "both long polls")
    assert edge.answer(question)["permit"] is True
    agreement(world, active=False)
    try:
        eventually(lambda: edge.answer(question)["permit"] is False, "a denial at the edge")
        newest = world.services.registers.agreements.compiled().revision
        denied = eventually(lambda: (a := edge.answer(question))["revision"] == newest and a, "the newest policy")
        assert denied["permit"] is False
        assert denied["agreement"]["id"] != DIRECT_CARE  # another agreement came closest
    finally:
        agreement(world, active=True)
    eventually(lambda: edge.answer(question)["permit"], "a permit at the edge")


def test_the_edge_says_where_it_is(world: RegionWorld, edge: EdgeOpa) -> None:
    def state() -> Any:
        (found,) = [state for state in world.services.uses.edges.states() if state.client_id == EDGE]
        return found

    eventually(lambda: state().current, "a status with the newest revision")
    assert state().report.code is None
    assert state().lag == 0
    shown = world.services.infrastructure.metrics.render("text/plain")[0].decode()
    assert f'governance_edge_current{{edge="{EDGE}"}} 1.0' in shown
    assert f'governance_edge_failing{{edge="{EDGE}"}} 0.0' in shown


def test_the_edge_decides_on_while_we_are_away(world: RegionWorld, edge: EdgeOpa, line: Line) -> None:
    line.down()
    try:
        question = policy_input(world, showcase.REPORTER, showcase.SHARED_STUDY)
        told = edge.ask(question)
        assert told["result"]["permit"] is True
    finally:
        line.up()
    (event,) = eventually(
        lambda: recorded(world, EDGE, told["decision_id"]), "the record of what was decided meanwhile"
    )
    assert event.outcome is Outcome.SUCCESS


def test_a_bundle_of_another_key_is_refused(
    opa: str, world: RegionWorld, line: Line, key: KeyPair, tls: tuple[Path, Path], tmp_path: Path
) -> None:
    register_edge(world.services, "edge-wary", OWNER, key)
    others = [BundleKey(b"another key-encryption key of 32b", generation) for generation in (1, 2)]
    config = configuration(world.services, "edge-wary", key, tls[0], tmp_path / "state", others)
    running = EdgeOpa(opa, tmp_path, free_port(), config)

    def refused() -> Any:
        states = {state.client_id: state.report for state in world.services.uses.edges.states()}
        return (report := states["edge-wary"]) and report.code and report

    try:
        report = eventually(refused, "a status that says so")
        assert report.revision is None
        assert not running.active()
        assert running.answer(policy_input(world, showcase.REPORTER, showcase.SHARED_STUDY)) is None
    finally:
        running.stop()
    shown = world.services.infrastructure.metrics.render("text/plain")[0].decode()
    assert 'governance_edge_failing{edge="edge-wary"} 1.0' in shown
    assert 'governance_edge_current{edge="edge-wary"} 0.0' in shown


# From here on the edge is this test: what no OPA can be made to do on demand.


def entry(**changes: Any) -> dict[str, Any]:
    """Give an entry of a decision log, as OPA writes them, of a decision that nobody had policy for."""
    return {
        "labels": {"id": "i", "version": "1.22.2"},
        "decision_id": f"d-{next(_numbers)}",
        "bundles": {"imaging": {"revision": "r.p"}},
        "path": "imaging/decision/answer",
        "input": {
            "subject": {"id": "dr.a", "type": "practitioner", "role": "clinician", "ods": "RKB"},
            "purpose": "TREAT",
        },
        "timestamp": "2026-11-24T12:00:00.123456789Z",
        **changes,
    }


def upload(world: RegionWorld, headers: dict[str, str], body: bytes, **extra: str) -> TestResponse:
    sent = headers | {"Content-Encoding": "gzip"} | extra
    return world.client.post("/opa/v1/logs", data=body, content_type="application/json", headers=sent)


def test_a_bad_entry_is_named_and_its_neighbours_are_kept(world: RegionWorld, headers: dict[str, str]) -> None:
    good, late = entry(), entry()
    sent = [
        good,
        entry(path="system/main"),
        entry(decision_id=None),
        7,
        late,
        good,
        {**late, "path": "/" + late["path"], "input": {}},
    ]
    answer = upload(world, headers, gzip.compress(json.dumps(sent).encode()))
    assert answer.status_code == 200
    body = answer.get_json()
    assert (body["accepted"], body["duplicates"]) == (2, 1)
    assert [fault["line"] for fault in body["rejected"]] == [2, 3, 4, 7]
    assert body["quarantined"] == 3  # what another policy decided is not ours to keep
    (event,) = recorded(world, "edge-test", good["decision_id"])
    assert event.outcome is Outcome.MINOR
    assert event.detail["reasons"] == ["engine.undefined"]
    again = upload(world, headers, gzip.compress(json.dumps([good, late]).encode())).get_json()
    assert (again["accepted"], again["duplicates"]) == (0, 2)


def packed(body: bytes) -> bytes:
    """Pack without the time of day: every worker of a run must name the same tests."""
    return gzip.compress(body, mtime=0)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[]", 400),
        (packed(b"\xff"), 400),
        (packed(b'[{"a": NaN}]'), 400),
        (packed(b"[" * 100_000), 400),
        (packed(b"{}"), 400),
        (packed(b"[]")[:-4], 400),
        (packed(b"[]") + b"more", 400),
        (packed(b"[" + b" " * (32 * 1024 * 1024) + b"]"), 413),
        (b" " * (4 * 1024 * 1024 + 1), 413),
        (packed(json.dumps([{}] * 10_001).encode()), 400),
    ],
)
def test_an_upload_that_cannot_be_read_is_refused(
    world: RegionWorld, headers: dict[str, str], body: bytes, status: int
) -> None:
    before = world.size
    assert upload(world, headers, body).status_code == status
    assert world.size == before


def test_another_content_encoding_is_refused_by_name(world: RegionWorld, headers: dict[str, str]) -> None:
    for encoding in ("deflate", "br", "gzip, gzip"):
        answer = upload(world, headers, packed(b"[]"), **{"Content-Encoding": encoding})
        assert answer.status_code == 415
        assert "gzip" in answer.get_json()["detail"]
    assert upload(world, headers, b"[]", **{"Content-Encoding": "identity"}).status_code == 200


PATIENT_NUMBER = "9434765919"  # a test number of the NHS


def test_what_cannot_be_taken_is_kept_and_can_be_read_again(world: RegionWorld, headers: dict[str, str]) -> None:
    services, taken = world.services, entry()
    early = entry(timestamp=(services.infrastructure.clock.now() + timedelta(hours=1)).isoformat())
    sent = [
        taken,
        entry(input="all of it"),
        entry(timestamp="yesterday"),
        {**taken, "input": {"subject": {"id": "dr.b", "type": "practitioner"}}},  # the same id, another content
        entry(input={"subject": {"id": "dr.a", "type": "practitioner", "role": PATIENT_NUMBER}}),
        entry(result={"permit": True}),
        early,
    ]
    before = services.uses.quarantine.waiting()
    answer = upload(world, headers, packed(json.dumps(sent).encode()))
    body = answer.get_json()
    assert (answer.status_code, body["accepted"], body["quarantined"]) == (200, 1, 6)
    assert PATIENT_NUMBER not in answer.get_data(as_text=True)
    assert "/input/subject/role: may hold no NHS number" in {fault["reason"] for fault in body["rejected"]}
    assert services.uses.quarantine.waiting() == before + 6
    assert all(PATIENT_NUMBER not in group.reason for group in services.uses.quarantine.groups())
    shown = services.infrastructure.metrics.render("text/plain")[0].decode()
    assert 'governance_audit_events_total{format="opa",result="quarantined"}' in shown
    assert services.uses.intake.retry(DECISION_LOG).recorded == 0
    later = intake_at(services, FixedClock(services.infrastructure.clock.now() + timedelta(hours=1)))
    assert later.retry(DECISION_LOG).recorded == 1  # what came from an hour ahead is no longer ahead
    (event,) = recorded(world, "edge-test", early["decision_id"])
    assert event.source.ods == OWNER
    assert services.uses.quarantine.waiting() == before + 5


def test_a_bundle_is_the_same_until_the_policy_changes(world: RegionWorld, headers: dict[str, str]) -> None:
    first = world.client.get(BUNDLE, headers=headers)
    assert first.status_code == 200
    assert first.headers["Content-Type"] == MEDIA_TYPE
    again = world.client.get(BUNDLE, headers=headers)
    assert (again.data, again.headers["ETag"]) == (first.data, first.headers["ETag"])
    held = headers | {"If-None-Match": first.headers["ETag"]}
    for prefer in ("", "modes=snapshot,delta;wait=1", "modes=snapshot, wait=1"):
        unchanged = world.client.get(BUNDLE, headers=held | {"Prefer": prefer})
        assert (unchanged.status_code, unchanged.data) == (304, b"")
        assert unchanged.headers["Content-Type"] == MEDIA_TYPE
        assert unchanged.headers["ETag"] == first.headers["ETag"]
    assert world.client.get("/opa/v1/bundles/other.tar.gz", headers=headers).status_code == 404


def test_the_keys_are_published_and_the_edges_listed(world: RegionWorld, headers: dict[str, str]) -> None:
    published = world.client.get("/opa/v1/keys").get_json()["keys"]
    assert len(published) == 2
    assert all(one["algorithm"] == "ES256" and "PUBLIC KEY" in one["key"] for one in published.values())
    status = {
        "labels": {"id": "i", "version": "1.22.2"},
        "bundles": {"imaging": {"code": "bundle_error", "message": "no"}, "revocations": {"active_revision": "60.ab"}},
        "metrics": {"prometheus": {"counter_decision_logs_dropped_rate_limit_exceeded": 4}},
    }
    assert world.client.post("/opa/v1/status", json=status, headers=headers).status_code == 204
    assert world.client.post("/opa/v1/status", json={"bundles": {}}, headers=headers).status_code == 400
    form = {"grant_type": "client_credentials", "scope": "federation.read"}
    token = world.post_form("/oauth/token", form | world.parties.proof(network.EXPLORER, world.now)).get_json()
    listed = world.client.get("/opa/v1/edges", headers={"Authorization": f"Bearer {token['access_token']}"}).get_json()
    (shown,) = [one for one in listed["edges"] if one["client_id"] == "edge-test"]
    assert (shown["current"], shown["code"], shown["message"]) == (False, "bundle_error", "no")
    assert (shown["revocations"], shown["stale"], shown["decisions_lost"]) == ("60.ab", True, 4)
    assert shown["staleness_seconds"] > LIMIT
    assert listed["revision"] == world.services.uses.bundles.revision


def test_only_an_edge_may_speak_as_one(world: RegionWorld, headers: dict[str, str]) -> None:
    form = {"grant_type": "client_credentials", "scope": "audit.write"}
    token = world.post_form("/oauth/token", form | world.parties.proof(network.EXPLORER, world.now)).get_json()
    other = {"Authorization": f"Bearer {token['access_token']}"}
    assert world.client.get(BUNDLE).status_code == 401
    assert world.client.get(BUNDLE, headers=other).status_code == 403
    assert upload(world, other, gzip.compress(b"[]")).status_code == 403
    assert world.client.post("/opa/v1/status", json={"labels": {}}, headers=other).status_code == 403
