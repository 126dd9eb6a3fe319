"""Withdrawing a key of tokens or of bundles: one act, one event, never again signed with or published."""

from collections.abc import Iterator

import pytest

from governance.audit import Recorder, Source
from governance.clock import FixedClock
from governance.errors import NotFound
from governance.storage import Database
from governance.tokens.bundle_key import BundleKeys, published_bundle_keys
from governance.tokens.withdrawal import KeyWithdrawal
from governance.vocabulary import SYSTEM
from tests.worlds.tokens import KEK, TokenWorld


@pytest.fixture
def world(database: Database, clock: FixedClock) -> Iterator[TokenWorld]:
    made = TokenWorld(database, clock)
    yield made
    made.close()


@pytest.fixture
def bundle_keys(database: Database) -> BundleKeys:
    return BundleKeys(database, KEK, 1)


@pytest.fixture
def withdrawal(world: TokenWorld, bundle_keys: BundleKeys) -> KeyWithdrawal:
    recorder = Recorder(world.audit, world.clock, Source(SYSTEM, "QHL"), iter("abcdefgh").__next__)
    return KeyWithdrawal(world.database, recorder, world.clock, world.key_ring, bundle_keys)


def test_the_next_bundle_key_signs_in_place_of_a_withdrawn_one_in_every_process(
    world: TokenWorld, withdrawal: KeyWithdrawal, bundle_keys: BundleKeys
) -> None:
    elsewhere = BundleKeys(Database(world.database.url), KEK, 1)
    first, second = (key.kid for key in elsewhere.published())
    assert withdrawal.withdraw(first) == second
    third = published_bundle_keys(KEK, 3)[0].kid
    for keys in (bundle_keys, elsewhere):
        assert [key.kid for key in keys.published()] == [second, third]
    assert withdrawal.withdraw(third) == second
    assert elsewhere.published()[1].kid == published_bundle_keys(KEK, 4)[0].kid


def test_a_signing_key_is_withdrawn_with_one_event(world: TokenWorld, withdrawal: KeyWithdrawal) -> None:
    first = world.key_ring.ensure(world.clock.now())
    successor = withdrawal.withdraw(first)
    assert world.key_ring.current(world.clock.now()).kid == successor != first
    (event,) = world.audit.read(0, 10)
    assert event.detail == {
        "withdrawn": "signing_key",
        "kid": first,
        "before": {"signs": first},
        "after": {"signs": successor},
    }


def test_a_key_that_is_none_is_not_withdrawn(world: TokenWorld, withdrawal: KeyWithdrawal) -> None:
    world.key_ring.ensure(world.clock.now())
    with pytest.raises(NotFound):
        withdrawal.withdraw("no-such-key")
    assert world.audit.read(0, 10) == []
