"""The database commits whole blocks, takes the write lock at once, and keeps what it committed."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from governance.storage import Database, from_microseconds, to_microseconds


@pytest.fixture
def table(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path}/one.sqlite")
    with database.transaction() as session:
        session.connection().execute(text("CREATE TABLE numbers (n INTEGER PRIMARY KEY)"))
    return database


def numbers(database: Database) -> list[int]:
    with database.reading() as session:
        return [row[0] for row in session.connection().execute(text("SELECT n FROM numbers ORDER BY n"))]


def test_sqlite_is_power_safe(table: Database) -> None:
    with table.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


def test_a_failed_block_leaves_nothing(table: Database) -> None:
    def fail() -> None:
        with table.transaction() as session:
            session.connection().execute(text("INSERT INTO numbers VALUES (1)"))
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError):
        fail()
    assert numbers(table) == []


def test_a_reading_block_keeps_nothing_and_sees_one_snapshot(table: Database) -> None:
    with table.reading() as session:
        assert session.connection().execute(text("SELECT count(*) FROM numbers")).scalar() == 0
        with table.transaction() as writer:
            writer.connection().execute(text("INSERT INTO numbers VALUES (1)"))
        assert session.connection().execute(text("SELECT count(*) FROM numbers")).scalar() == 0
    assert numbers(table) == [1]


def test_writers_queue_for_the_lock(table: Database) -> None:
    def write(start: int) -> None:
        for n in range(start, start + 25):
            with table.transaction() as session:
                highest = session.connection().execute(text("SELECT coalesce(max(n), 0) FROM numbers")).scalar_one()
                session.connection().execute(text("INSERT INTO numbers VALUES (:n)"), {"n": highest + 1})

    threads = [threading.Thread(target=write, args=(100 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers(table) == list(range(1, 101))


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_an_instant_survives_the_database(at: datetime) -> None:
    assert from_microseconds(to_microseconds(at)) == at


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="timezone"):
        to_microseconds(datetime(2026, 1, 1))
