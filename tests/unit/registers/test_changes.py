"""Register changes on a real database with a real log: who may make them, each with its record or not at all."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from governance.clock import FixedClock
from governance.errors import Conflict, Forbidden, InvalidInput
from governance.federation import WHOLE_REGION, AiManifest, IdentityProvider, Person, ServiceClient, Trust
from governance.pseudonyms import Pseudonymiser
from governance.registers import (
    OPERATOR,
    ApprovedManifest,
    ContextFeeds,
    Network,
    Registrations,
    StudyActs,
    Writer,
)
from governance.registers.feeds import COMMIT
from governance.storage import Database
from governance.vocabulary import Purpose, Role, Scope, SubjectType
from tests.worlds.registers import RegisterWorld, register_world, said, writer
from tests.worlds.tokens import KeyPair

TRUST = Trust("RRK", "University Hospitals Birmingham")
PROVIDER = IdentityProvider("https://id.rrk.example", "RRK", "https://id.rrk.example/jwks", ("us",))
KEYS = {"keys": [KeyPair.ec("triage-1").public]}
TRIAGE = ServiceClient("triage", "RRK", "Triage", SubjectType.AI_SERVICE, KEYS, ai_version="2.1")
MANIFEST = AiManifest(
    "triage", "2.1", frozenset({"CT"}), frozenset({"HEAD"}), frozenset({"RRK"}), frozenset({Purpose.TREAT}), 400
)
PERSON = Person("https://id.rrk.example", "officer-1", "RRK", frozenset({Role.IG_OFFICER}))
SECRET = "abcdefghijklmnopqrstuvwxyz0123456789"
FEEDER = writer("RRK", scopes=frozenset({Scope.CONTEXT_WRITE.value}))
OFFICE = writer("QHL", WHOLE_REGION, scopes=frozenset({Scope.FEDERATION_WRITE.value}))
LINES: dict[str, dict[str, object]] = {
    "studies": {"id": "1.2.3", "custodians": ["RRK"], "patient": "9990000018", "modality": "CT"},
    "edges": {"id": "o-1", "kind": "order", "subject": "u-1", "patient": "9990000018", "ods": "RRK", "source": "ris"},
    "staff": {"id": "u-1", "ods": "RRK", "role": "clinician"},
    "patients": {"id": "9990000018"},
}
LINES["studies"]["study_date"] = "2026-11-20"
LINES["edges"]["from"] = "2026-11-20T08:00:00Z"
ACTS: dict[str, Callable[[StudyActs, Writer], object]] = {
    "labels": lambda room, writer: room.labels(writer, "1.2.3", ["sensitive"]),
    "custodians": lambda room, writer: room.custodians(writer, "1.2.3", ["RRK", "RKB"]),
}
REGISTER: dict[str, Callable[[Registrations, Writer], object]] = {
    "trust": lambda room, writer: room.trust(writer, TRUST),
    "identity_provider": lambda room, writer: room.identity_provider(writer, PROVIDER),
    "client": lambda room, writer: room.client(writer, TRIAGE),
    "credentials": lambda room, writer: room.credentials(writer, "triage", [], SECRET),
    "manifest": lambda room, writer: room.manifest(writer, MANIFEST),
    "approve": lambda room, writer: room.approve(writer, "triage", "2.1"),
    "withdraw": lambda room, writer: room.withdraw(writer, "triage", "2.1"),
    "person": lambda room, writer: room.person(writer, PERSON),
    "network": lambda room, writer: room.network(writer, Network(trusts=[replace(TRUST, name="Another name")])),
}


@pytest.fixture
def world(database: Database, clock: FixedClock) -> RegisterWorld:
    return register_world(database, clock)


def body(feed: str, count: int = 1) -> bytes:
    rows = [LINES[feed] | ({"id": f"1.2.3.{number}"} if count > 1 else {}) for number in range(count)]
    return "\n".join(json.dumps(row) for row in rows).encode()


def change(world: RegisterWorld, name: str, writer: Writer) -> object:
    if name in REGISTER:
        return REGISTER[name](world.registrations, writer)
    if name in ACTS:
        return ACTS[name](world.studies, writer)
    take: Callable[[Writer, bytes], object] = getattr(world.feeds, name)
    return take(writer, body(name))


def methods(room: type[Any]) -> set[str]:
    return {name for name in vars(room) if not name.startswith("_")}


def test_every_way_to_change_a_register_is_tried_here() -> None:
    assert methods(Registrations) == set(REGISTER)
    assert methods(ContextFeeds) == set(LINES)
    assert methods(StudyActs) == set(ACTS)


@pytest.mark.parametrize("name", [*REGISTER, *LINES, *ACTS])
def test_a_register_is_open_to_who_holds_its_scope_alone(world: RegisterWorld, name: str) -> None:
    for needed in REGISTER:
        change(world, needed, OFFICE)
    change(world, "studies", FEEDER)
    before = world.everything()
    stranger = FEEDER if name in REGISTER else OFFICE
    with pytest.raises(Forbidden) as refused:
        change(world, name, stranger)
    assert refused.value.reason == "scope.missing"
    assert world.everything() == before


@pytest.mark.parametrize("writer", [FEEDER, OPERATOR])
@pytest.mark.parametrize("name", LINES)
def test_a_feed_is_recorded_as_its_writers(world: RegisterWorld, name: str, writer: Writer) -> None:
    change(world, name, writer)
    (record,) = world.records()
    assert record.subject == writer.subject
    assert said(record) == {"feed": name, "accepted": 1, "rejected": 0}
    assert record.detail.keys() - said(record).keys() == {"rows"}


def test_every_registration_is_recorded_as_its_writers(world: RegisterWorld, clock: FixedClock) -> None:
    for name in REGISTER:
        change(world, name, OFFICE)
    records = world.records()
    assert [record.subject for record in records] == [OFFICE.subject] * len(REGISTER)
    assert {record.time for record in records} == {clock.now()}
    version = {"service_id": "triage", "version": "2.1"}
    assert [record.detail for record in records] == [
        {"registered": "trust", "ods": "RRK"},
        {"registered": "identity_provider", "issuer": PROVIDER.issuer, "ods": "RRK"},
        {"registered": "client", "client_id": "triage", "scopes": []}
        | {"asks_for": [], "attests": [], "writes_for": [], "origins": []},
        {"registered": "client_credentials", "client_id": "triage", "certificates": [], "secret": True},
        {"registered": "manifest"} | version,
        {"approved": "manifest"} | version,
        {"withdrawn": "manifest"} | version,
        {
            "registered": "person",
            "subject": Pseudonymiser(b"k" * 32).subject("officer-1"),
            "ods": "RRK",
            "roles": ["ig_officer"],
        },
        {"registered": "network", "trusts": 1, "identity_providers": 0, "clients": 0, "manifests": 0, "persons": 0},
    ]


@pytest.mark.parametrize("name", [*REGISTER, *LINES, *ACTS])
def test_a_change_the_log_refuses_does_not_happen(world: RegisterWorld, name: str) -> None:
    for needed in itertools.takewhile(lambda one: one != name, REGISTER):
        change(world, needed, OPERATOR)
    if name in ACTS:
        change(world, "studies", OPERATOR)
    world.ids = itertools.repeat(0)  # from now on every event has the id of the first one
    world.registrations.trust(OPERATOR, Trust("RKB", "Coventry and Warwickshire"))
    before = world.everything()
    with pytest.raises(Conflict) as refused:
        change(world, name, OPERATOR)
    assert refused.value.reason == "audit.refused"
    assert world.everything() == before


def test_a_long_feed_is_cut_into_commits_of_one_instant(world: RegisterWorld, clock: FixedClock) -> None:
    lines = body("studies", COMMIT + 1) + b"\n{broken"
    taken = world.feeds.studies(FEEDER, lines)
    assert (taken.accepted, [fault.line for fault in taken.rejected]) == (COMMIT + 1, [COMMIT + 2])
    assert [said(record) for record in world.records()] == [
        {"feed": "studies", "accepted": COMMIT, "rejected": 1},
        {"feed": "studies", "accepted": 1, "rejected": 0},
    ]
    assert {record.time for record in world.records()} == {clock.now()}


def test_a_network_is_registered_whole_or_not_at_all(world: RegisterWorld, clock: FixedClock) -> None:
    yesterday = clock.now() - timedelta(days=1)
    whole = Network([TRUST], [PROVIDER], [TRIAGE], [ApprovedManifest(MANIFEST, yesterday)], [PERSON])
    ahead = [ApprovedManifest(MANIFEST, clock.now() + timedelta(seconds=1))]
    empty = world.everything()
    with pytest.raises(InvalidInput) as refused:
        world.registrations.network(OPERATOR, replace(whole, manifests=ahead))
    assert [fault.path for fault in refused.value.faults] == ["/manifests/0/approved_at"]
    assert world.everything() == empty
    world.registrations.network(OPERATOR, whole)
    with world.database.reading() as session:
        (kept,) = world.federation.manifests(session)
    assert kept.approved_at == yesterday
    (record,) = world.records()
    assert (record.subject, record.detail["manifests"]) == (None, 1)


def test_credentials_of_a_kind_that_is_off_are_refused(world: RegisterWorld) -> None:
    world.registrations.network(OPERATOR, Network([TRUST], [], [TRIAGE]))
    before = world.everything()
    with pytest.raises(InvalidInput) as refused:
        world.registrations.credentials(OFFICE, "triage", ["A" * 43], "too short")
    assert [fault.path for fault in refused.value.faults] == ["/certificates", "/secret"]
    assert world.everything() == before
