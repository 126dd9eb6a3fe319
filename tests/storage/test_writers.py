"""Writers at once, threads and processes: none is lost, none fails for another, none is held up by the dead."""

import os
import signal
import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

import governance.alerts._tables  # noqa: F401  puts the table into the metadata
from governance.storage import Database
from governance.storage.exclusive import exclusive
from tests.worlds.processes import PATIENCE, at_once, held
from tests.worlds.storage import by_core, core, owners, put

_COUNTER = SQLModel.metadata.tables["alert_sequence"]
ROUNDS = 25


def count(database: Database, rounds: int) -> None:
    """Add one again and again, in a way that loses counts unless nobody else is at it."""
    for _ in range(rounds):
        with database.transaction() as session:
            exclusive(session, "counter")
            connection = session.connection()
            seen = connection.execute(sa.select(_COUNTER.c.value)).scalar()
            if seen is None:
                connection.execute(sa.insert(_COUNTER).values(name="counter", value=1))
            else:
                connection.execute(sa.update(_COUNTER).values(value=seen + 1))


def counted(database: Database) -> int:
    with database.reading() as session:
        return int(session.connection().execute(sa.select(_COUNTER.c.value)).scalar_one())


def die_writing(database: Database) -> None:
    """End without a word in the middle of a write transaction."""
    with database.transaction() as session:
        exclusive(session, "counter")
        by_core(session, "lost")
        os.kill(os.getpid(), signal.SIGKILL)


def write_and_stay(database: Database, reach: Callable[[], None], name: str) -> None:
    """Write a row, hold the matter, and come to no end."""
    with database.transaction() as session:
        exclusive(session, "counter")
        by_core(session, name)
        reach()


def test_threads_write_one_at_a_time(database: Database) -> None:
    threads = [threading.Thread(target=count, args=(database, ROUNDS)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(database) == 4 * ROUNDS


def test_processes_write_one_at_a_time(database: Database) -> None:
    at_once(database.url, count, [(ROUNDS,)] * 3)
    assert counted(database) == 3 * ROUNDS


def test_readers_are_not_held_up_by_a_writer(database: Database) -> None:
    put(database, "before")
    with held(database.url, write_and_stay, "unfinished"):
        assert owners(database) == ["before"]


def test_a_writer_waits_until_the_other_is_through_and_sees_what_it_did(database: Database) -> None:
    began, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with database.transaction() as session:
            exclusive(session, "counter")
            began.set()
            assert go_on.wait(PATIENCE)
            by_core(session, "first")

    writer = threading.Thread(target=first)
    writer.start()
    assert began.wait(PATIENCE)
    go_on.set()
    with database.transaction() as session:
        exclusive(session, "counter")
        assert core(session) == ["first"]
    writer.join()


def test_one_that_dies_in_a_transaction_keeps_nothing_and_holds_up_nobody(database: Database) -> None:
    with pytest.raises(AssertionError, match="without a word"):
        at_once(database.url, die_writing, [()])
    count(database, 1)
    put(database, "after")
    assert owners(database) == ["after"]


def test_one_that_is_killed_while_others_wait_lets_them_go_on(database: Database) -> None:
    with held(database.url, write_and_stay, "unfinished") as process:
        waiting = threading.Thread(target=count, args=(database, 1))
        waiting.start()
        process.kill()
        waiting.join()
    assert counted(database) == 1
    assert owners(database) == []


def test_a_block_that_fails_lets_the_next_writer_go_on(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as session:
            exclusive(session, "counter")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    at_once(database.url, count, [(1,)])
    assert counted(database) == 1
