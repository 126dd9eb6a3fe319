"""Connections: fewer than threads, closed and opened again, lost to a database that was restarted."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from governance.errors import Unavailable
from governance.storage import Database, Limits
from tests.worlds.storage import by_core, core, owners, put

THREADS = 45  # more than the pool and its overflow hold together


def test_more_threads_than_connections_are_all_answered(database: Database) -> None:
    small = Database(database.url, Limits(connections=22))
    line = threading.Barrier(THREADS)

    def read_and_write(number: int) -> int:
        line.wait()
        with small.reading() as session:
            before = len(core(session))
        put(small, f"{number:02}")
        return before

    with ThreadPoolExecutor(THREADS) as pool:
        seen = list(pool.map(read_and_write, range(THREADS)))
    assert max(seen) < THREADS
    assert owners(small) == [f"{number:02}" for number in range(THREADS)]
    small.dispose()


def test_a_database_that_was_disposed_of_opens_again(database: Database) -> None:
    put(database, "one")
    for _ in range(3):
        database.dispose()
        assert database.ping()
        assert owners(database) == ["one"]


def test_a_block_that_is_open_outlives_the_disposal(database: Database) -> None:
    put(database, "one")
    with database.reading() as session:
        assert core(session) == ["one"]
        database.dispose()
        assert core(session) == ["one"]
    with database.transaction() as session:
        by_core(session, "two")
        database.dispose()
    assert owners(database) == ["one", "two"]


@pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning")  # they were closed by the server
def test_connections_that_the_server_closed_are_opened_anew(postgres_database: Database) -> None:
    put(postgres_database, "one")
    with postgres_database.reading() as session:
        assert core(session) == ["one"]
    other = Database(postgres_database.url)
    with other.engine.connect() as connection:
        connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    other.dispose()
    assert owners(postgres_database) == ["one"]
    put(postgres_database, "two")
    assert owners(postgres_database) == ["one", "two"]


@pytest.mark.parametrize("wrong", ["sqlite:////nowhere/at/all.sqlite", "postgresql+psycopg://nobody@127.0.0.1:9/none"])
def test_a_database_that_is_not_there_is_unavailable(wrong: str) -> None:
    absent = Database(wrong)
    with pytest.raises(Unavailable) as refused:
        absent.ping()
    assert (refused.value.reason, refused.value.retry_after) == ("database.unavailable", 1)
    with pytest.raises(Unavailable), absent.transaction():
        pass
    with pytest.raises(Unavailable), absent.reading() as session:
        core(session)
    absent.dispose()
