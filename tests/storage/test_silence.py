"""A database that says nothing: nobody waits longer than they may, and it is found again when it speaks."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from governance.errors import Unavailable
from governance.storage import Database, Limits, hurried, locked
from governance.storage.breaker import Breaker
from governance.storage.patience import answered, left, part_left
from tests.peers.postgres import silent
from tests.peers.writer import OnlyUser, OtherWriter
from tests.worlds.storage import core, owners, put

SHORT = 1.0  # seconds that these tests wait for an answer
FAR = 30.0  # seconds, after which whoever should not wait has waited too long


@pytest.fixture
def brief(postgres_database: Database) -> Iterator[Database]:
    """Open the database for requests that wait a second."""
    opened = Database(postgres_database.url, Limits(answer=SHORT))
    assert owners(opened) == []
    yield opened
    opened.dispose()


def refused(act: Callable[[], object]) -> Unavailable:
    """Do something that the database does not answer, as a request does."""
    began = time.monotonic()
    with pytest.raises(Unavailable) as caught, hurried(SHORT):
        act()
    assert time.monotonic() - began < SHORT + 2.5, "a connection takes two seconds at least to be given up"
    return caught.value


def eventually(act: Callable[[], object]) -> None:
    deadline = time.monotonic() + FAR
    while True:
        try:
            act()
        except Unavailable:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def test_nobody_waits_longer_than_they_may_and_all_goes_on_afterwards(brief: Database, postgres_server: str) -> None:
    with silent(postgres_server):
        for act in (lambda: owners(brief), lambda: put(brief, "one"), brief.ping):
            error = refused(act)
            assert (error.reason, error.retry_after) == ("database.unavailable", 1)
    eventually(brief.ping)
    put(brief, "two")
    assert owners(brief) == ["two"]


def test_it_falls_silent_in_the_middle_of_a_block(brief: Database, postgres_server: str) -> None:
    def read() -> None:
        with brief.reading() as session:
            assert core(session) == []
            with silent(postgres_server):
                core(session)

    def write() -> None:
        with brief.transaction() as session:
            core(session)
            with silent(postgres_server):
                session.connection().execute(sa.text("INSERT INTO owner_key (owner, wrapped) VALUES ('lost', 'w')"))

    assert refused(read).reason == "database.unavailable"
    eventually(brief.ping)
    assert refused(write).reason == "database.unavailable"
    eventually(brief.ping)
    assert owners(brief) == [], "what was not committed is not kept"


def test_a_commit_that_nobody_answered_is_in_doubt(brief: Database, postgres_server: str) -> None:
    stack = silent(postgres_server)

    def write() -> None:
        with brief.transaction() as session:
            session.connection().execute(sa.text("INSERT INTO owner_key (owner, wrapped) VALUES ('doubt', 'w')"))
            stack.__enter__()

    try:
        assert refused(write).reason == "database.in_doubt"
    finally:
        stack.__exit__(None, None, None)
    eventually(brief.ping)
    deadline = time.monotonic() + FAR
    while owners(brief) != ["doubt"]:  # the server had the COMMIT, and does it once it runs again
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_once_it_is_known_to_be_silent_nobody_waits_the_whole_time(brief: Database, postgres_server: str) -> None:
    with silent(postgres_server):
        refused(lambda: owners(brief))
        deadline = time.monotonic() + FAR
        while True:  # until the first question of the probe is over
            began = time.monotonic()
            refused(lambda: owners(brief))
            if time.monotonic() - began < SHORT / 4:
                break
            assert time.monotonic() < deadline
        began = time.monotonic()
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda _: refused(lambda: owners(brief)), range(160)))
        assert time.monotonic() - began < 160 / 16 * SHORT / 2
    eventually(brief.ping)


def test_one_statement_that_takes_too_long_closes_nothing(brief: Database) -> None:
    def slow() -> None:
        with brief.reading() as session:
            session.connection().execute(sa.text("SELECT pg_sleep(20)"))

    assert refused(slow).reason == "database.unavailable"
    for _ in range(20):
        assert owners(brief) == []


def test_a_server_that_refuses_is_there(brief: Database) -> None:
    breaker = Breaker(lambda: (_ for _ in ()).throw(sa.exc.OperationalError("", {}, _TooMany())))
    breaker.suspect()
    deadline = time.monotonic() + FAR
    while breaker._suspected:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    breaker.admit()
    breaker.close()


class _TooMany(Exception):
    sqlstate = "53300"


def test_who_is_in_no_hurry_hears_the_answer_when_it_comes(brief: Database, postgres_server: str) -> None:
    heard: list[list[str]] = []
    reading, go_on = threading.Event(), threading.Event()

    def work() -> None:
        with brief.reading() as session:
            core(session)
            reading.set()
            go_on.wait(FAR)
            heard.append(core(session))

    worker = threading.Thread(target=work)
    worker.start()
    assert reading.wait(FAR)
    with silent(postgres_server):
        go_on.set()
        worker.join(SHORT * 2)
        assert worker.is_alive(), "a job waits longer than a request"
    worker.join(FAR)
    assert heard == [[]]


def test_another_process_keeps_the_write_lock_of_sqlite(sqlite_database: Database) -> None:
    with OtherWriter(sqlite_database) as other:
        assert refused(lambda: put(sqlite_database, "one")).reason == "database.busy"
        with hurried(SHORT):
            assert owners(sqlite_database) == [], "reading goes on"
        other.let_go()
    put(sqlite_database, "two")
    assert owners(sqlite_database) == ["two"]


def test_a_hurry_is_a_total_until_an_answer_comes() -> None:
    assert left(15.0) == 15.0
    with hurried(10.0):
        assert 9.0 < left(15.0) <= 10.0
        assert part_left(15.0) <= 5.0
        assert left(2.0) == 2.0
        with hurried(0.0):
            assert left(15.0) == 0.0
        answered()
        assert 9.0 < left(15.0) <= 10.0
    assert part_left(15.0) == 15.0


def test_a_lock_is_waited_for_in_a_hurry_too() -> None:
    lock = threading.Lock()
    with lock, hurried(0.1), pytest.raises(Unavailable, match="Not now"), locked(lock, "a.b", "Not now.", FAR):
        pass


def test_a_file_that_another_process_has_for_itself(sqlite_database: Database) -> None:
    sqlite_database.dispose()
    fresh = Database(sqlite_database.url)
    with OnlyUser(sqlite_database) as other:
        assert refused(lambda: owners(fresh)).reason == "database.busy"
        assert refused(lambda: put(fresh, "one")).reason == "database.busy"
        other.let_go()
    put(fresh, "two")
    assert owners(fresh) == ["two"]
    fresh.dispose()


def test_what_a_block_does_of_its_own_is_no_wait(database: Database) -> None:
    for block in (database.reading, database.transaction):
        with hurried(SHORT), block():
            time.sleep(SHORT / 10)
            assert left(FAR) > SHORT - SHORT / 20
