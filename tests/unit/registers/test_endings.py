"""Ending a registration: whose it is to do, what it leaves, and the one event that tells of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from governance.clock import FixedClock
from governance.errors import Conflict, Forbidden, InvalidInput, NotFound
from governance.federation import (
    ClientCredentials,
    IdentityProvider,
    Person,
    Registered,
    ServiceClient,
    StaffMember,
    Trust,
    person_name,
)
from governance.registers import OPERATOR, Ending, Target, Writer
from governance.storage import Database
from governance.storage.prepared import Prepared
from governance.vocabulary import Role, SubjectType
from tests.worlds.registers import OFFICE, RegisterWorld, register_world, writer
from tests.worlds.tokens import KeyPair

ISSUER, NATIONAL = "https://id.rrk.example", "https://id.national.example"
CLIENT, ARCHIVE = Target(Registered.CLIENT, "panel"), Target(Registered.ENFORCEMENT_KEY, "pacs")
PERSON = Target(Registered.PERSON, ISSUER, "officer-1")
JWKS = {"keys": [KeyPair.ec("k1").public]}


@pytest.fixture
def world(database: Database, clock: FixedClock) -> RegisterWorld:
    made = register_world(database, clock)
    register = made.registrations
    register.trust(OPERATOR, Trust("RRK", "Birmingham"))
    register.trust(OPERATOR, Trust("RL4", "Wolverhampton"))
    for issuer, ods in ((ISSUER, "RRK"), (NATIONAL, None)):
        register.identity_provider(OPERATOR, IdentityProvider(issuer, ods, f"{issuer}/jwks", ("us",)))
    register.client(OPERATOR, ServiceClient("panel", "RRK", "Panel", SubjectType.SERVICE, JWKS))
    register.client(
        OPERATOR, ServiceClient("pacs", "RRK", "PACS", SubjectType.SERVICE, JWKS, token_audience="https://pacs.rrk")
    )
    register.person(OPERATOR, Person(ISSUER, "officer-1", "RRK", frozenset({Role.IG_OFFICER})))
    register.credentials(OPERATOR, "panel", [], "abcdefghijklmnopqrstuvwxyz0123456789")
    return made


def found(world: RegisterWorld, target: Target) -> bool:
    with world.database.reading() as session:
        register = world.federation
        if target.kind is Registered.CLIENT:
            return register.client(session, target.name) is not None
        if target.kind is Registered.IDENTITY_PROVIDER:
            return register.identity_provider(session, target.name) is not None
        if target.kind is Registered.CREDENTIALS:
            return register.credentials(session, target.name).secret_hash is not None
        if target.kind is Registered.PERSON:
            return register.person(session, target.name, target.subject or "") is not None
        return register.standing(session, target.kind, target.name).in_force


TARGETS = [
    CLIENT,
    Target(Registered.CREDENTIALS, "panel"),
    ARCHIVE,
    Target(Registered.IDENTITY_PROVIDER, ISSUER),
    PERSON,
]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.kind.value)
def test_what_is_suspended_is_found_by_nobody_until_it_is_resumed(world: RegisterWorld, target: Target) -> None:
    by, seen = writer("RRK"), []
    for ending in (Ending.SUSPEND, Ending.RESUME, Ending.DELETE):
        world.endings.act(by, target, ending)
        seen.append(found(world, target))
    assert seen == [False, True, False]
    with pytest.raises(Conflict):
        world.endings.act(by, target, Ending.RESUME)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.kind.value)
def test_another_trust_ends_nothing(world: RegisterWorld, target: Target) -> None:
    before = world.everything()
    for ending in Ending:
        if ending is Ending.ROTATE or ending is Ending.NOT_BEFORE:
            continue
        with pytest.raises(Forbidden):
            world.endings.act(writer("RL4"), target, ending)
    assert world.everything() == before


def test_a_national_issuer_is_the_regions_to_end(world: RegisterWorld) -> None:
    target = Target(Registered.IDENTITY_PROVIDER, NATIONAL)
    with pytest.raises(Forbidden):
        world.endings.act(writer("RRK"), target, Ending.SUSPEND)
    world.endings.act(OPERATOR, target, Ending.SUSPEND)
    assert not found(world, target)


def test_one_event_tells_what_was_before_and_after(world: RegisterWorld, clock: FixedClock) -> None:
    count = len(world.records())
    world.endings.act(writer("RRK"), CLIENT, Ending.SUSPEND)
    (event,) = world.records()[count:]
    now = clock.now().isoformat()
    assert event.kind == "config"
    assert event.subject is not None
    assert event.subject.id == "feeder-rrk"
    assert event.detail == {
        "ended": "client",
        "act": "suspend",
        "client_id": "panel",
        "before": {"in_force": True, "generation": 0},
        "after": {"in_force": False, "generation": 0, "suspended_at": now, "not_before": now},
    }


def test_the_event_about_a_person_holds_no_plain_name(world: RegisterWorld) -> None:
    world.endings.act(OPERATOR, PERSON, Ending.SUSPEND)
    detail = world.records()[-1].detail
    assert detail["subject"] == world.pseudonymiser.subject("officer-1")
    assert "officer-1" not in str(detail)


def test_registering_again_does_not_resume(world: RegisterWorld) -> None:
    world.endings.act(OPERATOR, CLIENT, Ending.SUSPEND)
    world.registrations.client(writer("RRK"), ServiceClient("panel", "RRK", "Panel", SubjectType.SERVICE, JWKS))
    assert not found(world, CLIENT)


def test_what_was_deleted_comes_back_by_registering_and_what_it_had_issued_does_not(
    world: RegisterWorld, clock: FixedClock
) -> None:
    deleted = clock.now()
    world.endings.act(writer("RRK"), CLIENT, Ending.DELETE)
    again = ServiceClient("panel", "RL4", "Ours", SubjectType.SERVICE, JWKS)
    with pytest.raises(Forbidden):
        world.registrations.client(writer("RL4"), again)
    world.registrations.client(writer("RRK"), ServiceClient("panel", "RRK", "Panel", SubjectType.SERVICE, JWKS))
    assert found(world, CLIENT)
    with world.database.reading() as session:
        assert world.federation.filed_credentials(session, "panel") == ClientCredentials("panel")
        assert not world.federation.admits(session, deleted, (Registered.CLIENT, "panel"))
        assert world.federation.admits(session, deleted + timedelta(seconds=1), (Registered.CLIENT, "panel"))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.kind.value)
def test_nothing_counts_that_was_issued_until_it_is_resumed(
    world: RegisterWorld, clock: FixedClock, target: Target
) -> None:
    """A provider goes on issuing for whom we suspended, and each further suspension counts from its own instant."""
    by, second = writer("RRK"), timedelta(seconds=1)
    for ending in (Ending.SUSPEND, Ending.SUSPEND, Ending.RESUME):
        clock.advance(second)
        assert world.endings.act(by, target, ending).not_before == clock.now()
    meanwhile = clock.now()
    clock.advance(second)
    resumed = world.endings.act(by, target, Ending.RESUME)
    assert resumed.not_before == meanwhile, "what is in force is not resumed"
    assert not resumed.admits(meanwhile)
    assert resumed.admits(meanwhile + second)


def register_again(world: RegisterWorld, target: Target, by: Writer) -> None:
    """Register what a target names as it was registered."""
    register = world.registrations
    if target.kind is Registered.CLIENT:
        register.client(by, ServiceClient(target.name, "RRK", "Panel", SubjectType.SERVICE, JWKS))
    elif target.kind is Registered.CREDENTIALS:
        register.credentials(by, target.name, [], "abcdefghijklmnopqrstuvwxyz0123456789")
    elif target.kind is Registered.IDENTITY_PROVIDER:
        register.identity_provider(by, IdentityProvider(ISSUER, "RRK", f"{ISSUER}/jwks", ("us",)))
    elif target.kind is Registered.PERSON:
        register.person(by, Person(ISSUER, "officer-1", "RRK", frozenset({Role.IG_OFFICER})))
    else:
        world.endings.act(by, target, Ending.ROTATE)


REGISTERED = [target for target in TARGETS if target.kind is not Registered.ENFORCEMENT_KEY]


@pytest.mark.parametrize("target", REGISTERED, ids=lambda target: target.kind.value)
def test_nothing_counts_that_was_issued_until_it_is_registered_again(
    world: RegisterWorld, clock: FixedClock, target: Target
) -> None:
    by = writer("RRK")
    name = world.endings.act(by, target, Ending.DELETE).name
    clock.advance(timedelta(seconds=5))
    register_again(world, target, by)
    with world.database.reading() as session:
        standing = world.federation.standing(session, target.kind, name)
    assert (standing.in_force, standing.not_before) == (True, clock.now())


@pytest.mark.parametrize("target", REGISTERED, ids=lambda target: target.kind.value)
def test_what_is_deleted_and_registered_again_is_suspended_if_it_was(world: RegisterWorld, target: Target) -> None:
    by = writer("RRK")
    for ending in (Ending.SUSPEND, Ending.DELETE):
        world.endings.act(by, target, ending)
    register_again(world, target, by)
    assert not found(world, target)
    assert world.endings.act(by, target, Ending.RESUME).in_force


@pytest.mark.parametrize("acts", [("suspend",), ("delete",), ("suspend", "delete")], ids="-".join)
@pytest.mark.parametrize("again", [False, True], ids=["alone", "and by the trust"])
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.kind.value)
def test_what_the_region_ended_the_region_alone_brings_back(
    world: RegisterWorld, target: Target, acts: tuple[str, ...], again: bool
) -> None:
    """Neither resuming, nor another key, nor deleting and registering again is a trust's way around it."""
    by = writer("RRK")
    if again and "delete" not in acts:
        world.endings.act(by, target, Ending.SUSPEND)
    for act in acts:
        world.endings.act(OFFICE, target, Ending(act))
    if again:
        world.endings.act(by, target, Ending.DELETE)
    told: list[str] = []
    attempts: list[Callable[[], object]] = [
        lambda: world.endings.act(by, target, Ending.RESUME),
        lambda: register_again(world, target, by),
        lambda: world.endings.act(by, target, Ending.RESUME),
    ]
    for attempt in attempts:
        try:
            attempt()
        except Conflict:
            pass  # it is deleted, or something of its name is
        except Forbidden as refused:
            told.append(refused.detail)
        assert not found(world, target)
    assert told
    assert all("the network's office, which alone lifts that" in one for one in told)
    register_again(world, target, OFFICE)
    if target.kind is not Registered.ENFORCEMENT_KEY and acts[0] == "suspend":
        assert not found(world, target)
        world.endings.act(OFFICE, target, Ending.RESUME)
    assert found(world, target)
    world.endings.act(by, target, Ending.SUSPEND)
    assert not world.endings.act(by, target, Ending.RESUME).by_region


def test_an_end_of_the_region_is_said_to_be_its_own(world: RegisterWorld) -> None:
    assert world.endings.act(OPERATOR, CLIENT, Ending.SUSPEND).by_region
    after = world.records()[-1].detail["after"]
    assert isinstance(after, dict)
    assert after["by_region"] is True


def test_a_deleted_archive_gives_up_its_audience(world: RegisterWorld) -> None:
    world.endings.act(OPERATOR, Target(Registered.CLIENT, "pacs"), Ending.DELETE)
    other = ServiceClient("vna", "RRK", "VNA", SubjectType.SERVICE, JWKS, token_audience="https://pacs.rrk")
    world.registrations.client(writer("RRK"), other)
    with world.database.reading() as session:
        found_archive = world.federation.archive(session, "https://pacs.rrk")
    assert found_archive is not None
    assert found_archive.client_id == "vna"


def test_not_before_moves_forward_only_and_not_into_the_future(world: RegisterWorld, clock: FixedClock) -> None:
    now = clock.now()
    assert world.endings.act(OPERATOR, CLIENT, Ending.NOT_BEFORE).not_before == now
    earlier = world.endings.act(OPERATOR, CLIENT, Ending.NOT_BEFORE, now - timedelta(hours=1))
    assert earlier.not_before == now
    with pytest.raises(InvalidInput):
        world.endings.act(OPERATOR, CLIENT, Ending.NOT_BEFORE, now + timedelta(seconds=1))
    assert found(world, CLIENT)


def test_ending_a_secret_ends_what_its_client_was_issued(world: RegisterWorld, clock: FixedClock) -> None:
    world.endings.act(OPERATOR, Target(Registered.CREDENTIALS, "panel"), Ending.SUSPEND)
    assert found(world, CLIENT)
    with world.database.reading() as session:
        assert not world.federation.admits(session, clock.now(), (Registered.CLIENT, "panel"))


def test_a_key_that_is_rotated_is_another_and_in_force(world: RegisterWorld) -> None:
    world.endings.act(writer("RRK"), ARCHIVE, Ending.DELETE)
    rotated = world.endings.act(writer("RRK"), ARCHIVE, Ending.ROTATE)
    assert (rotated.in_force, rotated.generation) == (True, 2)


@pytest.mark.parametrize(
    ("target", "ending"),
    [
        (CLIENT, Ending.ROTATE),
        (Target(Registered.NETWORK, ""), Ending.SUSPEND),
        (ARCHIVE, Ending.NOT_BEFORE),
        (Target(Registered.CREDENTIALS, "panel"), Ending.NOT_BEFORE),
        (Target(Registered.PERSON, ISSUER), Ending.SUSPEND),
        (Target(Registered.CLIENT, "panel", "officer-1"), Ending.SUSPEND),
    ],
)
def test_an_act_that_means_nothing_is_refused(world: RegisterWorld, target: Target, ending: Ending) -> None:
    with pytest.raises(InvalidInput):
        world.endings.act(OPERATOR, target, ending)


@pytest.mark.parametrize(
    "target",
    [
        Target(Registered.CLIENT, "nobody"),
        Target(Registered.ENFORCEMENT_KEY, "panel"),
        Target(Registered.IDENTITY_PROVIDER, "https://nobody.example"),
        Target(Registered.PERSON, "https://nobody.example", "officer-1"),
    ],
)
def test_what_is_not_registered_cannot_be_ended(world: RegisterWorld, target: Target) -> None:
    with pytest.raises(NotFound):
        world.endings.act(OPERATOR, target, Ending.SUSPEND)


def test_an_unscoped_writer_ends_nothing(world: RegisterWorld) -> None:
    with pytest.raises(Forbidden):
        world.endings.act(Writer(None, "RRK", frozenset()), CLIENT, Ending.SUSPEND)


def test_a_persons_standing_is_of_their_trust_and_pseudonym(world: RegisterWorld) -> None:
    standing = world.endings.act(OPERATOR, PERSON, Ending.SUSPEND)
    assert standing.name == person_name("RRK", world.pseudonymiser.subject("officer-1"))


def test_somebody_without_an_account_is_suspended_but_has_no_record_to_delete(world: RegisterWorld) -> None:
    clinician = Target(Registered.PERSON, ISSUER, "clinician-1")
    with pytest.raises(NotFound):
        world.endings.act(writer("RRK"), clinician, Ending.DELETE)
    with pytest.raises(Forbidden):
        world.endings.act(writer("RL4"), clinician, Ending.SUSPEND)
    standing = world.endings.act(writer("RRK"), clinician, Ending.SUSPEND)
    with world.database.reading() as session:
        assert not world.federation.admits_person(session, ISSUER, "clinician-1", world.clock.now())
    world.endings.act(writer("RRK"), clinician, Ending.RESUME)
    assert world.endings.standings(writer("RRK")) == (standing.resumed(world.clock.now()),)


def test_whom_a_national_issuer_names_is_ended_by_all_who_know_them(world: RegisterWorld) -> None:
    """No trust gets power over another's staff by writing them down itself."""
    name = world.pseudonymiser.subject("locum-1")
    locum, staff = (
        Target(Registered.PERSON, NATIONAL, "locum-1"),
        StaffMember(name, "RRK", "clinician", issuer=NATIONAL),
    )
    with pytest.raises(Forbidden):
        world.endings.act(writer("RRK"), locum, Ending.SUSPEND)
    with world.database.transaction() as session:
        world.federation.upsert_staff(session, [staff, StaffMember(name, "RRK", "clinician")])
    world.registrations.person(writer("RL4"), Person(NATIONAL, "locum-1", "RL4", frozenset({Role.IG_OFFICER})))
    for ods in ("RRK", "RL4"):
        with pytest.raises(Forbidden):
            world.endings.act(writer(ods), locum, Ending.SUSPEND)
    standing = world.endings.act(writer("RRK", "RL4"), locum, Ending.SUSPEND)
    assert standing.name == person_name(NATIONAL, name)
    with world.database.reading() as session:
        assert world.federation.person(session, NATIONAL, "locum-1") is None
        found = {one.named_by: one.in_force for one in world.federation.namesakes(session, name)}
    assert found == {NATIONAL: False, "RRK": True}


def test_a_writer_sees_the_standings_that_are_theirs_to_end(world: RegisterWorld) -> None:
    for target in (*TARGETS, Target(Registered.IDENTITY_PROVIDER, NATIONAL), Target(Registered.PERSON, NATIONAL, "x")):
        world.endings.act(OPERATOR, target, Ending.SUSPEND)
    world.endings.act(OPERATOR, Target(Registered.NETWORK, ""), Ending.NOT_BEFORE)
    assert len(world.endings.standings(OPERATOR)) == len(TARGETS) + 3
    assert {one.kind for one in world.endings.standings(writer("RRK"))} == {target.kind for target in TARGETS}
    assert len(world.endings.standings(writer("RRK"))) == len(TARGETS)
    assert world.endings.standings(writer("RL4")) == ()


def test_reading_standings_asks_no_more_often_for_more_of_them(
    world: RegisterWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    prepared = Prepared._run
    monkeypatch.setattr(Prepared, "_run", lambda *given: asked.append(given) or prepared(*given))
    sa.event.listen(world.database.engine, "before_cursor_execute", lambda *given: asked.append(given))

    def statements() -> int:
        asked.clear()
        world.endings.standings(writer("RRK"))
        return len(asked)

    def suspend(number: int) -> None:
        for issuer in (ISSUER, NATIONAL):
            world.endings.act(OPERATOR, Target(Registered.PERSON, issuer, f"u-{number}"), Ending.SUSPEND)

    suspend(0)
    few = statements()
    for number in range(1, 20):
        suspend(number)
    assert statements() == few


def test_only_the_region_ends_everything_that_was_issued(world: RegisterWorld, clock: FixedClock) -> None:
    everything = Target(Registered.NETWORK, "")
    with pytest.raises(Forbidden):
        world.endings.act(writer("RRK"), everything, Ending.NOT_BEFORE)
    world.endings.act(OPERATOR, everything, Ending.NOT_BEFORE)
    rests_on = (Registered.CLIENT, "panel")
    with world.database.reading() as session:
        assert not world.federation.admits(session, clock.now(), rests_on)
        assert world.federation.admits(session, clock.now() + timedelta(seconds=1), rests_on)
