"""Registers and keys that several processes change at once: each change is made once, each rule is kept."""

import dataclasses
import threading
from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest

from governance.audit.event import Subject
from governance.clock import FixedClock
from governance.edges import EdgeReport, _store
from governance.emergency import EmergencyGrants, Grant, Repeated, Scope, Submission
from governance.errors import Conflict
from governance.federation import ClientCredentials, FederationDirectory, ServiceClient, Trust
from governance.pseudonyms import Pseudonymiser
from governance.storage import Database
from governance.tokens import KeyRing, TokenRefused, single_use
from governance.vocabulary import Action, AgreementStatus, EventKind, Purpose, SubjectType
from governance.web import _session_store as sessions
from tests.worlds.agreements import OFFICE, World, document
from tests.worlds.basics import NOON
from tests.worlds.processes import PATIENCE, at_once
from tests.worlds.registers import register_world, writer
from tests.worlds.tokens import KEK, KeyPair

PARTIES = ("RRK", "RKB")
THUMBPRINT = "A" * 43


def unique() -> str:
    return uuid4().hex


def expire(database: Database, days: int) -> int:
    """Expire what is over; gives how many versions that were here."""
    world = World(database, FixedClock(NOON + timedelta(days=days)), new_id=unique)
    return len(world.service.expire_due(world.clock.now()))


def load(database: Database) -> int:
    """Load the same documents as everybody; gives how many came in new or were there."""
    world = World(database, FixedClock(NOON), *PARTIES, new_id=unique)
    return len(world.service.load([document(id=f"agreement-{number}") for number in range(5)], OFFICE))


def import_signed(database: Database, items: list[dict[str, object]]) -> int:
    return len(World(database, FixedClock(NOON), *PARTIES, new_id=unique).service.transfer.load(items, OFFICE))


def first_key(database: Database) -> str:
    return KeyRing(database, KEK).ensure(NOON)


def rotate(database: Database) -> str:
    return KeyRing(database, KEK).rotate(NOON + timedelta(days=1))


def report(database: Database, instance: str, dropped: int) -> None:
    """Tell what an edge dropped since its start, one more each time."""
    for number in range(1, dropped + 1):
        with database.transaction() as session:
            told = EdgeReport(revision="r-1", instance=f"{instance}-{number}", dropped=1)
            _store.keep(session, "edge-rrk", told, NOON, current=True)


def register(database: Database, client_id: str) -> bool:
    """Register the certificate that everybody wants; gives whether it is this service's now."""
    directory = FederationDirectory(Pseudonymiser(b"k" * 32))
    try:
        with database.transaction() as session:
            directory.register_credentials(session, ClientCredentials(client_id, (THUMBPRINT,), None))
    except Conflict:
        return False
    return True


def give(database: Database, number: int) -> bool:
    """Answer the one denial; gives whether it was this answer."""
    recorder = World(database, FixedClock(NOON), new_id=unique).recorder
    scope = Scope("s-" + "a" * 26, "clinician", "RKB", "t-" + "b" * 26, Action.READ, Purpose.TREAT, "RKB")
    until = NOON + timedelta(minutes=30)
    grant = Grant(f"task-{number}", f"approval-{number}", "viewer", "d-1", scope, "care", 2, "4.1", NOON, until)
    person = Subject(scope.subject, SubjectType.PRACTITIONER, "clinician", "RKB")
    event = recorder.event(EventKind.BREAK_GLASS, subject=person)
    submission = Submission("viewer", f"k-{number}", "x", "d-1")
    try:
        return EmergencyGrants(database, recorder).give(grant, submission, event) == grant
    except Repeated:
        return False


def present(database: Database) -> int:
    """Present the same identifiers as everybody; gives how many were taken here."""
    taken = 0
    for number in range(20):
        try:
            with database.transaction() as session:
                single_use.use_once(session, "dpop_proof", "viewer", str(number), NOON.timestamp() + 60)
        except TokenRefused:
            continue
        taken += 1
    return taken


def feed_as(database: Database, ods: str) -> tuple[int, int]:
    """Feed the same new member of staff and the same new study as everybody; gives how many of each were taken."""
    world, by = register_world(database, FixedClock(NOON), new_id=unique), writer(ods)
    staff = {"id": "u-1", "ods": ods, "role": "nurse"}
    study = {"id": "1.2.3", "custodians": [ods], "patient": "9990000018", "modality": "CT", "study_date": "2026-11-20"}
    return world.feed("staff", by, staff).accepted, world.feed("studies", by, study).accepted


def test_a_study_that_several_trusts_feed_at_once_is_one_trusts_and_a_name_is_each_ones(database: Database) -> None:
    trusts = ("RRK", "RKB", "RL4", "RJE")
    taken = at_once(database.url, feed_as, [(ods,) for ods in trusts])
    assert [sum(some) for some in zip(*taken, strict=True)] == [len(trusts), 1]
    world = register_world(database, FixedClock(NOON), new_id=unique)
    with database.reading() as session:
        called = world.federation.namesakes(session, world.pseudonymiser.subject("u-1"))
    study = world.study()
    assert sorted(member.ods for member in called) == sorted(trusts)
    assert study is not None
    assert taken[trusts.index(study.custodians[0])][1] == 1
    assert len(study.custodians) == 1


def test_an_agreement_that_is_over_expires_once(database: Database, clock: FixedClock) -> None:
    world = World(database, clock, *PARTIES)
    world.active()
    assert sum(at_once(database.url, expire, [(400,)] * 3)) == 1
    told = Counter(change.transition for change in world.service.history("two-trusts"))
    assert told["expire"] == 1
    assert [detail["transition"] for detail in world.details()].count("expire") == 1


def test_the_same_documents_are_put_on_file_once(database: Database, clock: FixedClock) -> None:
    assert at_once(database.url, load, [()] * 3) == [5] * 3
    world = World(database, clock, *PARTIES)
    assert len(world.service.list().records) == 5
    assert len(world.details()) == 5


def test_the_same_signatures_are_imported_once(database: Database, elsewhere: World) -> None:
    elsewhere.signed()
    items = list(elsewhere.service.transfer.register())
    assert at_once(database.url, import_signed, [(items,)] * 3) == [1] * 3
    (record,) = World(database, elsewhere.clock, *PARTIES).service.list().records
    assert record.status is AgreementStatus.SIGNED
    assert len(record.signatures) == 2


def test_processes_make_one_first_key_and_one_after_another(database: Database) -> None:
    assert len(set(at_once(database.url, first_key, [()] * 4))) == 1
    made = at_once(database.url, rotate, [()] * 3)
    published = KeyRing(database, KEK).published(NOON + timedelta(days=1))
    assert {key.kid for key in published} >= set(made)
    assert len([key for key in published if key.published_until is None]) == 1


def test_what_an_edge_dropped_adds_up_whoever_hears_it(database: Database) -> None:
    at_once(database.url, report, [("a", 12), ("b", 12), ("c", 12)])
    with database.reading() as session:
        assert _store.reports(session)["edge-rrk"].lost == 36


def test_a_certificate_is_one_service_s(database: Database, pseudonymiser: Pseudonymiser) -> None:
    directory, jwks = FederationDirectory(pseudonymiser), {"keys": [KeyPair.ec("k1").public]}
    names = [f"viewer-{number}" for number in range(4)]
    with database.transaction() as session:
        directory.register_trust(session, Trust("RKB", "Coventry"))
        for name in names:
            client = ServiceClient(name, "RKB", name, SubjectType.SERVICE, jwks)
            directory.register_client(session, client)
    assert sorted(at_once(database.url, register, [(name,) for name in names])) == [False, False, False, True]


def test_a_denial_is_answered_once_whoever_asks(database: Database) -> None:
    assert sorted(at_once(database.url, give, [(number,) for number in range(4)])) == [False, False, False, True]


def test_an_identifier_is_taken_once_whoever_presents_it(database: Database) -> None:
    assert sum(at_once(database.url, present, [()] * 4)) == 20


@pytest.mark.parametrize("revoked", ["handle", "person"])
def test_a_session_that_is_ended_while_a_request_saves_it_does_not_come_back(database: Database, revoked: str) -> None:
    person = sessions.SignedInPerson("https://id.example", "s-1", "RRK", "Name", frozenset(), NOON)
    stored = sessions.StoredSession("hash", "handle", NOON, NOON, NOON + timedelta(hours=1), person)
    with database.transaction() as session:
        sessions.save(session, stored)
    found = threading.Event()

    def request() -> None:
        with database.transaction() as session:
            assert sessions.find(session, "hash", lock=True) is not None
            found.set()
            sessions.save(session, dataclasses.replace(stored, data={"a": 1}))

    running = threading.Thread(target=request)
    running.start()
    assert found.wait(PATIENCE)
    with database.transaction() as session:
        if revoked == "handle":
            assert sessions.remove_handle(session, "handle")
        else:
            assert sessions.remove_person(session, "https://id.example", "s-1") == 1
    running.join()
    with database.reading() as session:
        assert sessions.find(session, "hash") is None
