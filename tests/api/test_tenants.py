"""Tenants over HTTP, on both engines: AuthZEN 1.0 whole, and the certification scenario's fixture loaded as data."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import g
from joserfc import jwt
from joserfc.jwk import KeySet

from governance.bootstrap import build
from governance.clock import FixedClock
from governance.console._events import event_page_of
from governance.formats import native
from governance.formats.fhir_out import build_audit_event
from governance.jobs import Runtime
from governance.server import create_app
from governance.settings import Settings
from governance.vocabulary import EventKind, Outcome, Scope
from governance.web import Caller
from tests.peers.opa import OpaServer
from tests.worlds.basics import ISSUER
from tests.worlds.callers import REGION
from tests.worlds.tenants import CERTIFICATION, ROOMS, TenantWorld, question

ARCHIVED, ADMIN = {"status": "archived"}, {"role": "admin"}
FIXTURE = [
    (question("alice", "read", "record-1"), True),
    (question("alice", "write", "record-1"), True),
    (question("bob", "read", "record-1"), True),
    (question("bob", "write", "record-1"), False),
    (question("alice", "write", "record-2", resource=ARCHIVED), False),
    (question("bob", "write", "record-2", subject=ADMIN, resource=ARCHIVED), True),
    (question("alice", "delete", "record-1", action={"soft": True}), True),
    (question("alice", "delete", "record-1", action={"soft": False}), False),
]


def without(body: dict[str, Any], path: str) -> dict[str, Any]:
    """Take a member out, as ``subject/id``."""
    made: dict[str, Any] = json.loads(json.dumps(body))
    *parents, last = path.split("/")
    place = made
    for parent in parents:
        place = place[parent]
    del place[last]
    return made


@pytest.fixture(params=["embedded", pytest.param("opa", marks=pytest.mark.peer)])
def world(request: pytest.FixtureRequest, settings: Settings, clock: FixedClock) -> Iterator[TenantWorld]:
    changed = settings.replaced(tenants=(str(ROOMS), str(CERTIFICATION)))
    if request.param == "opa":
        server: OpaServer = request.getfixturevalue("opa_server")
        changed = changed.replaced(opa_url=server.url, engine_timeout=10.0)
    services = build(changed, clock)
    runtime = Runtime(services)
    runtime.start(jobs=False)
    yield TenantWorld(create_app(services), services)
    runtime.stop()


def test_the_eight_decisions_of_the_certification_fixture(world: TenantWorld) -> None:
    assert [world.decide("certification", asked) for asked, _ in FIXTURE] == [expected for _, expected in FIXTURE]


def test_context_unknown_members_and_unknown_properties_change_nothing(world: TenantWorld) -> None:
    asked = question("alice", "read", "record-1", subject={"department": "Sales"}, action={"method": "GET"})
    extra = {"foo": "bar", "futureField": {"nested": True}, "context": {"time": "2025-06-27T18:03-07:00"}}
    assert world.decide("certification", asked | extra) is True


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("subject", without(question("x", "read", "record-1"), "subject/id"), {"alice", "bob"}),
        ("resource", without(question("alice", "read", "x"), "resource/id"), {"record-1"}),
        ("action", without(question("alice", "x", "record-1"), "action"), {"read", "write"}),
        ("subject", without(question("x", "write", "record-2", resource=ARCHIVED), "subject/id"), {"bob"}),
        ("resource", without(question("bob", "write", "x", subject=ADMIN), "resource/id"), {"record-2"}),
        ("action", without(question("bob", "x", "record-2", subject=ADMIN, resource=ARCHIVED), "action"), {"write"}),
    ],
    ids=["S1", "S2", "S3", "S4", "S5", "S6"],
)
def test_the_six_searches_of_the_certification_fixture(
    world: TenantWorld, kind: str, body: dict[str, Any], expected: set[str]
) -> None:
    results = world.found("certification", kind, body)
    assert expected <= {result.get("id", result.get("name")) for result in results}
    for result in results:  # what is found can be sent back as it is, and is a permit
        assert world.decide("certification", body | {kind: result}) is True


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("action", {"subject": {"type": "user", "id": "nonexistent-user"}}),
        ("subject", {"subject": {"type": "spaceship"}}),
        ("resource", {"resource": {"type": "spaceship"}}),
        ("subject", {"action": {"name": "fly"}}),
        ("subject", {"subject": {"type": "user", "properties": {"role": "nobody"}}}),
    ],
)
def test_what_the_tenant_does_not_know_is_not_found(world: TenantWorld, kind: str, changes: dict[str, Any]) -> None:
    assert world.found("certification", kind, question("alice", "read", "record-1") | changes) == []


def test_batches_merge_defaults_keep_order_and_isolate_what_is_wrong(world: TenantWorld) -> None:
    active = {"status": "active"}
    body = {
        "subject": {"type": "user", "id": "alice"},
        "action": {"name": "write"},
        "resource": {"type": "record"},
        "evaluations": [
            {"resource": {"id": "record-1", "properties": active}},
            {"resource": {"type": "record", "id": "record-2", "properties": ARCHIVED}},
            {},
        ],
    }
    answers = world.ask("certification", "evaluations", body).get_json()["evaluations"]
    assert [answer["decision"] for answer in answers] == [True, False, False]
    assert answers[2]["context"]["error"]["status"] == 400


@pytest.mark.parametrize(
    ("semantic", "decisions"),
    [
        ("execute_all", [True, False, True]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_the_three_semantics(world: TenantWorld, semantic: str, decisions: list[bool]) -> None:
    items = [{"action": {"name": name}} for name in ("read", "write", "read")]
    body = without(question("bob", "x", "record-1"), "action")
    sent = body | {"evaluations": items, "options": {"evaluations_semantic": semantic}}
    answers = world.ask("certification", "evaluations", sent).get_json()["evaluations"]
    assert [answer["decision"] for answer in answers] == decisions


def test_an_empty_batch_is_the_single_question(world: TenantWorld) -> None:
    for extra in ({}, {"evaluations": []}):
        answer = world.ask("certification", "evaluations", question("alice", "read", "record-1") | extra)
        assert answer.get_json()["decision"] is True


def test_the_request_id_is_echoed_and_every_answer_is_json(world: TenantWorld) -> None:
    answer = world.ask("certification", "evaluation", FIXTURE[0][0], X_Request_ID="r-7")
    assert (answer.status_code, answer.headers["X-Request-ID"], answer.mimetype) == (200, "r-7", "application/json")


def test_pages_go_on_where_they_stopped_and_belong_to_their_search(world: TenantWorld) -> None:
    body = without(question("x", "read", "record-1"), "subject/id")
    first = world.ask("certification", "search/subject", body | {"page": {"limit": 1}}).get_json()
    token = first["page"]["next_token"]
    assert [result["id"] for result in first["results"]] == ["alice"]
    second = world.ask("certification", "search/subject", body | {"page": {"token": token}}).get_json()
    assert [result["id"] for result in second["results"]] == ["bob"]
    assert second["page"] == {"next_token": "", "count": 1}
    other = body | {"action": {"name": "write"}, "page": {"token": token}}
    assert world.ask("certification", "search/subject", other).status_code == 400
    assert world.ask("meeting_rooms", "search/subject", body | {"page": {"token": token}}).status_code == 400


def test_metadata_names_the_base_that_was_used(world: TenantWorld) -> None:
    for path in ("tenants/meeting_rooms", "meeting_rooms"):
        answer = world.http.get(f"/.well-known/authzen-configuration/{path}")
        body = answer.get_json()
        assert body["policy_decision_point"] == f"{ISSUER}/tenants/meeting_rooms"
        assert body["access_evaluation_endpoint"] == f"{ISSUER}/tenants/meeting_rooms/access/v1/evaluation"
        assert body["search_action_endpoint"].endswith("/tenants/meeting_rooms/access/v1/search/action")
        signed = jwt.decode(
            body.pop("signed_metadata"), KeySet.import_key_set(world.services.registers.tokens.jwks())
        ).claims
        assert signed["iss"] == ISSUER
        assert {name: signed[name] for name in body} == body
    assert world.http.get("/.well-known/authzen-configuration/nowhere").status_code == 404


@pytest.mark.parametrize("member", ["subject", "action", "resource", "subject/type", "subject/id", "action/name"])
@pytest.mark.parametrize("replacement", ["absent", "number"])
def test_a_member_that_is_missing_or_of_the_wrong_type_is_refused(
    world: TenantWorld, member: str, replacement: str
) -> None:
    body = without(question("alice", "read", "record-1"), member)
    if replacement == "number":
        *parents, last = member.split("/")
        (body[parents[0]] if parents else body)[last] = 123
    assert world.ask("certification", "evaluation", body).status_code == 400


def test_what_is_no_json_object_is_refused(world: TenantWorld) -> None:
    path = "/tenants/certification/access/v1/evaluation"
    for data, kind, status in (
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"{}", "text/plain", 415),
    ):
        assert world.http.post(path, data=data, content_type=kind, headers=world.headers).status_code == status
    sent = world.http.post(
        path, data=json.dumps(FIXTURE[0][0]), content_type="application/json; charset=utf-8", headers=world.headers
    )
    assert sent.status_code == 200
    assert world.ask("certification", "evaluation", []).status_code == 400
    assert world.http.get(path, headers=world.headers).status_code == 405


def test_only_the_clients_a_tenant_names_may_ask(world: TenantWorld) -> None:
    other = world.callers.headers("lift-panels", REGION, [Scope.TENANTS_EVALUATE])
    network = world.callers.headers("viewer", REGION, [Scope.ACCESS_EVALUATE])
    path, body = "/tenants/meeting_rooms/access/v1/evaluation", FIXTURE[0][0]
    assert world.http.post(path, json=body).status_code == 401
    assert world.http.post(path, json=body, headers=network).get_json()["reason"] == "scope.missing"
    assert world.http.post(path, json=body, headers=other).get_json()["reason"] == "tenant.client"
    assert world.http.post("/access/v1/evaluation", json=body, headers=world.headers).status_code == 403
    assert world.ask("nowhere", "evaluation", body).status_code == 404


def test_the_rooms_of_the_office(world: TenantWorld) -> None:
    def asked(who: str, action: str, room: str, kind: str = "colleague", **context: Any) -> dict[str, Any]:
        return {
            "subject": {"type": kind, "id": who},
            "action": {"name": action},
            "resource": {"type": "room", "id": room},
            "context": context,
        }

    assert world.decide("meeting_rooms", asked("amina", "book", "severn", minutes=90)) is True
    assert world.decide("meeting_rooms", asked("amina", "book", "severn", minutes=300)) is False
    assert world.decide("meeting_rooms", asked("chidi", "book", "severn")) is False
    assert world.decide("meeting_rooms", asked("bryn", "enter", "trent")) is False
    assert world.decide("meeting_rooms", asked("guest-of-the-day", "enter", "teme", "visitor", invited=True)) is True
    assert world.decide("meeting_rooms", asked("guest-of-the-day", "enter", "teme", "visitor")) is False
    liar = asked("chidi", "book", "severn") | {
        "subject": {"type": "colleague", "id": "chidi", "properties": {"team": "standards"}}
    }
    assert world.decide("meeting_rooms", liar) is False
    found = world.found("meeting_rooms", "action", without(asked("chidi", "x", "teme"), "action"))
    assert [action["name"] for action in found] == ["book", "enter", "rearrange"]


def test_a_decision_is_in_the_log_before_it_is_told_and_names_nobody(world: TenantWorld) -> None:
    first = world.ask("certification", "evaluation", question("alice", "fly secretly", "record-1")).get_json()
    again = world.ask("certification", "evaluation", FIXTURE[0][0]).get_json()
    event = world.services.infrastructure.audit.entry(first["context"]["log_index"])
    assert (event.id, event.kind, event.outcome) == (first["context"]["id"], EventKind.DECISION, Outcome.MINOR)
    assert event.source.id == "imaging-governance-tenant-certification"
    assert event.detail["permit"] is False
    assert event.detail["asked_by"] == "room-panels"
    assert event.detail["revision"] == first["context"]["policy_revision"]
    assert event.detail["action"] is None  # not a word the tenant has
    other = world.services.infrastructure.audit.entry(again["context"]["log_index"])
    assert other.detail["action"] == "read"
    assert other.detail["subject"] == event.detail["subject"]
    for index in (event.index, other.index):
        stored = world.services.infrastructure.audit.entry_bytes(index).decode()
        assert not any(word in stored for word in ("alice", "record-1", "secretly"))


def test_a_search_is_in_the_log_before_it_is_told(world: TenantWorld) -> None:
    body = without(question("x", "read", "record-1"), "subject/id")
    index = world.ask("certification", "search/subject", body).get_json()["context"]["log_index"]
    event = world.services.infrastructure.audit.entry(index)
    assert event.kind is EventKind.QUERY
    facts = {name: event.detail[name] for name in ("examined", "found", "more", "search", "tenant", "action")}
    assert facts == {
        "examined": 2,
        "found": 2,
        "more": False,
        "search": "subject",
        "tenant": "certification",
        "action": "read",
    }
    assert "subject" not in event.detail


def test_detection_console_and_formats_take_a_tenants_decision_as_it_is(world: TenantWorld) -> None:
    answer = world.ask("certification", "evaluation", FIXTURE[3][0]).get_json()
    world.ask("certification", "search/subject", without(FIXTURE[0][0], "subject/id"))
    while world.services.uses.detection.run_once():
        pass
    assert not any(world.services.uses.alerts.counts().values())
    event = world.services.infrastructure.audit.entry(answer["context"]["log_index"])
    world.services.infrastructure.audit.sign_checkpoint()
    with world.app.test_request_context("/console/"):
        g.caller = Caller("s-" + "a" * 26, None, "person", frozenset({Scope.AUDIT_READ.value}))
        shown = event_page_of(event.index)
    assert shown.row.what == "Access decided"
    assert shown.answer is not None
    assert (shown.answer.permit, shown.answer.action) == (False, "write (tenant certification, not images)")
    assert shown.chain == ()
    assert native.render(event)["detail"]["tenant"] == "certification"
    assert build_audit_event(event)["resourceType"] == "AuditEvent"


def test_a_tenants_decision_vouches_for_no_access_to_images(world: TenantWorld) -> None:
    answer = world.ask("certification", "evaluation", FIXTURE[0][0]).get_json()
    event = world.services.infrastructure.audit.entry(answer["context"]["log_index"])
    assert event.authority.decision_id is None
