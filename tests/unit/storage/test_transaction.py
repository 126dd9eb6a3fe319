"""Objects and statements share the one transaction of a session, whichever of them came first."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, PendingRollbackError
from sqlmodel import Session, SQLModel

from governance.pseudonyms._tables import OwnerKey
from governance.storage import Database
from governance.storage.prepared import Prepared

_TABLE = SQLModel.metadata.tables["owner_key"]
_INSERT = Prepared(sa.insert(_TABLE))


def by_object(session: Session, owner: str) -> None:
    session.add(OwnerKey(owner=owner, wrapped=b"w"))


def by_core(session: Session, owner: str) -> None:
    session.connection().execute(sa.insert(_TABLE).values(owner=owner, wrapped=b"w"))


def by_driver(session: Session, owner: str) -> None:
    _INSERT.run_many(session, [{"owner": owner, "wrapped": b"w", "destroyed_at": None}])


WAYS = [by_object, by_core, by_driver]
Way = Callable[[Session, str], None]


def owners(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.connection().execute(sa.select(_TABLE.c.owner).order_by(_TABLE.c.owner)).scalars())


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


@pytest.mark.parametrize("way", WAYS)
def test_a_reading_block_keeps_nothing(database: Database, way: Way) -> None:
    with database.reading() as session:
        way(session, "one")
        session.flush()
    assert owners(database) == []


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
