"""Write transactions: whole or not at all, however a session is used and whichever way came first."""

import pytest
from sqlalchemy.exc import IntegrityError, PendingRollbackError

from governance.pseudonyms._tables import OwnerKey
from governance.storage import Database
from tests.worlds.storage import WAYS, Way, by_core, by_driver, by_object, owners, put


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", WAYS)
def test_a_block_is_kept_whole(database: Database, first: Way, second: Way) -> None:
    with database.transaction() as session:
        first(session, "one")
        second(session, "two")
    assert owners(database) == ["one", "two"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("flushed", [False, True])
def test_a_failed_block_is_left_out_whole(database: Database, way: Way, flushed: bool) -> None:
    def fail() -> None:
        with database.transaction() as session:
            by_driver(session, "zero")
            way(session, "one")
            if flushed:
                session.flush()
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError):
        fail()
    assert owners(database) == []


@pytest.mark.parametrize("way", WAYS)
def test_a_rollback_undoes_what_was_done_by_any_way(database: Database, way: Way) -> None:
    with database.transaction() as session:
        way(session, "one")
        session.rollback()
    assert owners(database) == []


def test_a_block_may_go_on_after_a_rollback(database: Database) -> None:
    with database.transaction() as session:
        by_driver(session, "one")
        session.rollback()
        by_core(session, "two")
    assert owners(database) == ["two"]


def test_a_commit_in_the_block_is_kept_when_the_block_fails(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as session:
            by_driver(session, "one")
            session.commit()
            by_object(session, "two")
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError):
        fail()
    assert owners(database) == ["one"]


def test_a_block_that_swallows_a_failed_flush_is_not_committed(database: Database) -> None:
    def swallow() -> None:
        with database.transaction() as session:
            by_driver(session, "one")
            by_object(session, "one")
            with pytest.raises(IntegrityError):
                session.flush()

    with pytest.raises(PendingRollbackError):
        swallow()
    assert owners(database) == []


def test_a_commit_that_cannot_write_its_objects_fails(database: Database) -> None:
    def twice() -> None:
        with database.transaction() as session:
            by_driver(session, "one")
            by_object(session, "one")

    with pytest.raises(IntegrityError):
        twice()
    assert owners(database) == []


def test_an_object_outlives_its_block(database: Database) -> None:
    with database.transaction() as session:
        kept = OwnerKey(owner="one", wrapped=b"w")
        session.add(kept)
    assert kept.wrapped == b"w"


def test_a_statement_that_failed_is_never_half_of_what_is_kept(database: Database) -> None:
    """SQLite undoes the statement alone. PostgreSQL undoes the whole block, and then the block must fail."""
    put(database, "one")
    kept = True
    try:
        with database.transaction() as session:
            by_core(session, "zero")
            with pytest.raises(IntegrityError):
                by_core(session, "one")
    except PendingRollbackError:
        kept = False
    assert owners(database) == (["one", "zero"] if kept else ["one"])


def test_a_part_of_a_block_can_be_undone_alone(database: Database) -> None:
    with database.transaction() as session:
        by_core(session, "one")
        part = session.begin_nested()
        by_core(session, "two")
        with pytest.raises(IntegrityError):
            by_core(session, "one")
        part.rollback()
        by_core(session, "three")
    assert owners(database) == ["one", "three"]


def test_a_block_inside_a_block_of_the_same_thread_is_refused_at_once(database: Database) -> None:
    def nest() -> None:
        with database.transaction() as session:
            by_core(session, "one")
            with database.transaction():
                pass

    with pytest.raises(RuntimeError, match="inside another"):
        nest()
    assert owners(database) == []
    put(database, "two")
    assert owners(database) == ["two"]


def test_a_block_sees_the_newest_commits_and_nobody_sees_its_writes_before_the_end(database: Database) -> None:
    with database.transaction() as session:
        by_core(session, "one")
        assert owners(database) == []
        assert session.get(OwnerKey, "one") is not None
    with database.reading() as before:
        assert before.get(OwnerKey, "two") is None
        put(database, "two")
        with database.transaction() as session:
            assert session.get(OwnerKey, "two") is not None
    assert owners(database) == ["one", "two"]
