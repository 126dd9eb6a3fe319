"""Waiting: an event loop never does, and everybody else waits only so long."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import text

from governance.errors import Unavailable
from governance.storage import Database, Limits, WouldWait, at_once, locked, patience, require_patience
from tests.peers.writer import OtherWriter

SOON = 0.1  # seconds


@pytest.fixture
def hasty(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Open the test's database again, by somebody with little patience."""
    monkeypatch.setattr(patience, "PATIENCE", SOON)
    opened = Database(database.url, Limits(answer=SOON, connections=21))
    yield opened
    opened.dispose()


def exhaust(database: Database, stack: ExitStack) -> None:
    """Take every connection that readers have."""
    while True:
        try:
            stack.enter_context(database.reading())
        except Unavailable:
            return


def test_every_connection_in_use_is_told_in_time(hasty: Database) -> None:
    with ExitStack() as stack:
        exhaust(hasty, stack)
        with pytest.raises(Unavailable) as refused, hasty.reading():
            pass
        assert (refused.value.reason, refused.value.retry_after) == ("database.busy", 1)
        with pytest.raises(Unavailable):
            hasty.ping()
    assert hasty.ping()


def test_a_lock_that_another_writer_keeps_is_told_in_time(database: Database, hasty: Database) -> None:
    with database.transaction() as session:
        session.connection().execute(text("INSERT INTO owner_key (owner, wrapped) VALUES ('one', 'w')"))
        with pytest.raises(Unavailable) as refused, hasty.transaction() as other:
            other.connection().execute(text("INSERT INTO owner_key (owner, wrapped) VALUES ('one', 'w')"))
        assert refused.value.reason == "database.busy"
    with hasty.transaction() as other:
        other.connection().execute(text("INSERT INTO owner_key (owner, wrapped) VALUES ('two', 'w')"))


def test_an_error_of_the_block_is_no_wait(hasty: Database) -> None:
    with pytest.raises(KeyError), hasty.transaction():
        raise KeyError


def test_a_writer_of_sqlite_never_waits_for_readers(sqlite_database: Database) -> None:
    with ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(sqlite_database.reading())
        with sqlite_database.transaction() as session:
            session.connection().execute(text("INSERT INTO owner_key (owner, wrapped) VALUES ('one', 'w')"))


def test_who_may_not_wait_opens_no_write_transaction(database: Database) -> None:
    with at_once(), pytest.raises(WouldWait), database.transaction():
        pass
    with database.transaction():
        pass


def test_who_may_not_wait_reads_a_snapshot_whoever_reads_and_writes(sqlite_database: Database) -> None:
    with ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(sqlite_database.reading())
        stack.enter_context(OtherWriter(sqlite_database))
        with at_once(), sqlite_database.reading() as session:
            assert session.connection().execute(text("SELECT count(*) FROM owner_key")).scalar() == 0


def test_who_may_not_wait_takes_no_connection_that_is_not_there(sqlite_database: Database) -> None:
    with at_once(), ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(sqlite_database.reading())
        with pytest.raises(WouldWait):
            stack.enter_context(sqlite_database.reading())
    with at_once(), sqlite_database.reading():
        pass


def test_who_may_not_wait_reads_nothing_over_a_network(postgres_database: Database) -> None:
    with at_once(), pytest.raises(WouldWait), postgres_database.reading():
        pass


def test_only_the_thread_in_the_block_may_not_wait() -> None:
    heard: list[BaseException | None] = []

    def look() -> None:
        try:
            require_patience()
        except WouldWait as error:
            heard.append(error)
        else:
            heard.append(None)

    with at_once():
        other = threading.Thread(target=look)
        other.start()
        other.join(30)
        with at_once():
            look()
        look()
    look()
    assert [type(one) for one in heard] == [type(None), WouldWait, WouldWait, type(None)]


def test_nothing_that_handles_failures_takes_it_for_one() -> None:
    assert not issubclass(WouldWait, Exception)


@pytest.mark.parametrize("made", [threading.Lock, threading.RLock])
def test_a_lock_that_is_held_is_told_in_time(made: type) -> None:
    lock, held, done = made(), threading.Event(), threading.Event()

    def keep() -> None:
        with locked(lock, "x.y", "No."):
            held.set()
            done.wait(30)

    keeper = threading.Thread(target=keep)
    keeper.start()
    held.wait(30)
    with pytest.raises(Unavailable, match="Not now") as refused, locked(lock, "some.reason", "Not now.", SOON):
        pass
    assert refused.value.reason == "some.reason"
    with at_once(), pytest.raises(WouldWait), locked(lock, "x.y", "No."):
        pass
    done.set()
    keeper.join(30)
    with locked(lock, "x.y", "No."):
        pass
    with at_once(), locked(lock, "x.y", "No."):
        pass
