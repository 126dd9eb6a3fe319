"""What this room keeps, on each database: once is once, dead is dead, and nothing is kept for ever."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from governance.clock import FixedClock
from governance.storage import Database
from governance.tokens import TokenFault, TokenRefused, _store, single_use


def test_of_many_who_present_one_identifier_one_wins(database: Database, clock: FixedClock) -> None:
    expires = clock.now().timestamp() + 60

    def present(_number: int) -> bool:
        try:
            with database.transaction() as session:
                single_use.use_once(session, "client_assertion", "viewer.rkb", "one", expires)
        except TokenRefused as error:
            return error.fault is not TokenFault.REPLAYED
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(present, range(8))) == [False] * 7 + [True]


def test_an_identifier_is_one_of_its_use_and_owner(database: Database, clock: FixedClock) -> None:
    expires = clock.now().timestamp() + 60
    with database.transaction() as session:
        for use, owner in (("client_assertion", "a"), ("client_assertion", "b"), ("dpop_proof", "a")):
            single_use.use_once(session, use, owner, "one", expires)
        with pytest.raises(TokenRefused):
            single_use.use_once(session, "dpop_proof", "a", "one", expires)


def test_revocations_last_as_long_as_they_matter(database: Database, clock: FixedClock) -> None:
    now = clock.now()
    with database.transaction() as session:
        assert _store.revoke_token(session, "one", now, now + timedelta(minutes=1))
        assert not _store.revoke_token(session, "one", now, now + timedelta(minutes=1))
    with database.reading() as session:
        assert _store.revocations(session, "one", None) == (True, None)
        assert _store.revocations(session, "two", None) == (False, None)
    with database.transaction() as session:
        assert _store.forget_expired(session, now) == 0
        assert _store.forget_expired(session, now + timedelta(minutes=2)) == 1


def test_an_agreement_is_revoked_up_to_the_last_time(database: Database, clock: FixedClock) -> None:
    first, second = clock.now(), clock.now() + timedelta(days=1)
    with database.transaction() as session:
        assert _store.revocations(session, "one", "a") == (False, None)
        _store.revoke_agreement(session, "a", first)
        _store.revoke_agreement(session, "a", second)
    with database.reading() as session:
        assert _store.revocations(session, "one", "a") == (False, second)
