"""Signing keys: sealed at rest, rotated so that no verifier meets a key it cannot know."""

from datetime import timedelta

import pytest
from cryptography.exceptions import InvalidTag

from governance.clock import FixedClock
from governance.storage import Database
from governance.tokens import KeyRing, TokenFault, TokenRefused, _store, _tables
from tests.worlds.tokens import ARCHIVE, GRANT, KEK, TokenWorld


def test_the_private_key_is_stored_only_sealed(database: Database, clock: FixedClock) -> None:
    ring = KeyRing(database, KEK)
    ring.ensure(clock.now())
    key = ring.current(clock.now())
    secret = key.private.private_numbers().private_value.to_bytes(32, "big")
    with database.reading() as session:
        (row,) = _store.published_keys(session, clock.now())
    assert secret not in row.sealed
    assert row.kid == key.kid
    with pytest.raises(InvalidTag):
        KeyRing(database, bytes(reversed(KEK))).current(clock.now())


def test_a_sealed_key_opens_under_its_own_name_only(database: Database, clock: FixedClock) -> None:
    ring = KeyRing(database, KEK)
    ring.ensure(clock.now())
    with database.transaction() as session:
        (row,) = _store.published_keys(session, clock.now())
        session.connection().execute(_tables.SigningKeyRow.__table__.update().values(kid="another"))  # type: ignore[attr-defined]
    with pytest.raises(InvalidTag):
        KeyRing(database, KEK).current(clock.now())
    assert row.kid != "another"


def test_a_key_of_another_length_is_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        KeyRing(database, b"short")


def test_two_processes_make_one_first_key(database: Database, clock: FixedClock) -> None:
    assert KeyRing(database, KEK).ensure(clock.now()) == KeyRing(database, KEK).ensure(clock.now())


def test_rotation_publishes_before_it_signs_and_after(world: TokenWorld) -> None:
    first = world.key_ring.current(world.clock.now()).kid
    old = world.tokens.mint(GRANT).token
    second = world.tokens.rotate_keys()
    assert [key["kid"] for key in world.tokens.jwks()["keys"]] == [first, second]
    assert world.key_ring.current(world.clock.now()).kid == first
    assert world.tokens.verify_access(old, ARCHIVE)
    world.clock.advance(timedelta(minutes=10))
    assert world.key_ring.current(world.clock.now()).kid == second
    assert world.tokens.verify_access(world.tokens.mint(GRANT).token, ARCHIVE)
    assert len(world.tokens.jwks()["keys"]) == 2
    world.clock.advance(timedelta(minutes=15, seconds=1))
    assert [key["kid"] for key in world.tokens.jwks()["keys"]] == [second]


def test_a_rotation_within_a_rotation_leaves_one_key_to_sign(world: TokenWorld) -> None:
    world.key_ring.ensure(world.clock.now())
    world.tokens.rotate_keys()
    world.clock.advance(timedelta(minutes=1))
    last = world.tokens.rotate_keys()
    world.clock.advance(timedelta(minutes=40))
    assert world.key_ring.current(world.clock.now()).kid == last
    assert world.tokens.verify_access(world.tokens.mint(GRANT).token, ARCHIVE)


def test_another_process_takes_up_a_rotation_in_time(world: TokenWorld) -> None:
    other = KeyRing(world.database, KEK)
    other.current(world.clock.now())
    second = world.tokens.rotate_keys()
    world.clock.advance(timedelta(minutes=10))
    assert other.current(world.clock.now()).kid == second


def test_a_withdrawn_key_is_dead_at_once(world: TokenWorld) -> None:
    token = world.tokens.mint(GRANT).token
    first = world.key_ring.current(world.clock.now()).kid
    successor = world.key_ring.withdraw(first, world.clock.now())
    assert successor != first
    assert [key["kid"] for key in world.tokens.jwks()["keys"]] == [successor]
    with pytest.raises(TokenRefused) as caught:
        world.tokens.verify_access(token, ARCHIVE)
    assert caught.value.fault is TokenFault.KEY
    assert world.tokens.verify_access(world.tokens.mint(GRANT).token, ARCHIVE)


def test_a_withdrawn_key_is_dead_in_a_process_that_still_holds_it(world: TokenWorld) -> None:
    """Its ring was read before; what presents the token is held to the database, and the job takes the ring up."""
    token, now = world.tokens.mint(GRANT).token, world.clock.now()
    first = world.key_ring.current(now).kid
    successor = KeyRing(world.database, KEK).withdraw(first, now)
    assert world.key_ring.current(now).kid == first
    with pytest.raises(TokenRefused) as caught:
        world.tokens.verify_access(token, ARCHIVE)
    assert caught.value.fault is TokenFault.REVOKED
    assert world.tokens.introspect(token, world.client("archive.rrk")) == {"active": False}
    world.tokens.refresh_keys()
    assert world.key_ring.current(now).kid == successor
    assert [key["kid"] for key in world.tokens.jwks()["keys"]] == [successor]


def test_a_withdrawn_key_never_comes_back(world: TokenWorld) -> None:
    """Neither a clock that goes back nor another rotation brings it back."""
    first = world.key_ring.ensure(world.clock.now())
    world.key_ring.withdraw(first, world.clock.now())
    world.clock.advance(timedelta(hours=-1))
    assert first not in [key["kid"] for key in world.tokens.jwks()["keys"]]
    world.tokens.rotate_keys()
    world.key_ring.withdraw(first, world.clock.now())
    assert first not in [key["kid"] for key in world.tokens.jwks()["keys"]]
