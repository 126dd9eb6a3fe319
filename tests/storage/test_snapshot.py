"""A read snapshot is one state throughout, whatever others commit meanwhile, and it takes no writes."""

from collections.abc import Callable
from itertools import count

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel

from governance.detection.reader import _store as detection
from governance.storage import Database, Limits
from governance.storage.prepared import Prepared
from tests.worlds.processes import at_once
from tests.worlds.storage import LOOKS, TABLE, WAYS, Look, Way, by_core, owners, put

_CURSOR = SQLModel.metadata.tables["detection_cursor"]
_COUNT = Prepared(sa.select(sa.func.count().label("found")).select_from(_CURSOR))


def commit_rows(database: Database, name: str) -> None:
    """Commit a row to each of two tables at once, and take one away."""
    with database.transaction() as session:
        by_core(session, name)
        detection.begin(session, name)
        session.connection().execute(sa.delete(TABLE).where(TABLE.c.owner == "first"))


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("again", LOOKS)
def test_every_statement_sees_what_the_first_one_saw(database: Database, look: Look, again: Look) -> None:
    put(database, "first")
    with database.reading() as session:
        assert look(session) == ["first"]
        commit_rows(database, "second")
        session.expire_all()
        assert again(session) == ["first"]
    assert owners(database) == ["second"]


def test_a_table_that_was_not_looked_at_before_is_of_the_same_state(database: Database) -> None:
    put(database, "first")
    with database.reading() as session:
        assert LOOKS[0](session) == ["first"]
        commit_rows(database, "second")
        assert _COUNT.tuples(session)[0][0] == 0
        assert detection.cursor(session, "second") is None
    with database.reading() as session:
        assert _COUNT.tuples(session)[0][0] == 1


def test_what_another_process_commits_is_not_seen_either(database: Database) -> None:
    put(database, "first")
    with database.reading() as session:
        assert LOOKS[2](session) == ["first"]
        at_once(database.url, commit_rows, [("second",)])
        assert [look(session) for look in LOOKS] == [["first"]] * 3
    assert owners(database) == ["second"]


def test_snapshots_at_once_are_each_their_own_state(database: Database) -> None:
    with database.reading() as older:
        assert LOOKS[1](older) == []
        put(database, "one")
        with database.reading() as newer:
            assert LOOKS[1](newer) == ["one"]
            put(database, "two")
            assert (LOOKS[1](older), LOOKS[1](newer)) == ([], ["one"])


def test_a_snapshot_is_of_its_first_statement_not_of_its_opening(database: Database) -> None:
    with database.reading() as session:
        put(database, "one")
        assert LOOKS[1](session) == ["one"]


def _way(way: Way, session: Session) -> None:
    way(session, "one")
    session.flush()


def _prepared_update(session: Session) -> None:
    Prepared(sa.update(TABLE).where(TABLE.c.owner == sa.bindparam("who")).values(wrapped=None)).run(session, who="kept")


def _delete(session: Session) -> None:
    session.connection().execute(sa.delete(TABLE))


def _new_table(session: Session) -> None:
    session.connection().exec_driver_sql("CREATE TABLE extra (n INTEGER)")


WRITES = [*((lambda session, way=way: _way(way, session)) for way in WAYS), _prepared_update, _delete, _new_table]


@pytest.mark.parametrize("write", WRITES, ids=["object", "core", "driver", "update", "delete", "table"])
def test_a_write_in_a_snapshot_is_an_error_and_keeps_nothing(
    database: Database, write: Callable[[Session], None]
) -> None:
    put(database, "kept")

    def fail() -> None:
        with database.reading() as session:
            assert LOOKS[1](session) == ["kept"]
            write(session)

    with pytest.raises((DBAPIError, database.engine.dialect.loaded_dbapi.Error)):
        fail()
    assert owners(database) == ["kept"]
    assert not sa.inspect(database.engine).has_table("extra")


def test_a_write_that_was_refused_does_not_come_back_by_a_commit(database: Database) -> None:
    with database.reading() as session:
        with pytest.raises(DBAPIError):
            by_core(session, "one")
        session.rollback()
        session.commit()
    assert owners(database) == []


def test_one_connection_reads_and_writes_in_turn(database: Database) -> None:
    """What a connection was last used for does not stay with it."""
    one = Database(database.url, Limits(connections=1))
    names = (f"{number:02}" for number in count())
    for expected in range(1, 6):
        assert len(owners(one)) == expected - 1
        put(one, next(names))
        assert one.ping()
        assert len(owners(one)) == expected
        with pytest.raises(DBAPIError), one.reading() as session:
            by_core(session, "refused")
    assert len(owners(one)) == 5
    with one.engine.begin() as connection:  # a connection of the engine's own is for either
        connection.execute(sa.delete(TABLE))
    assert owners(one) == []
    one.dispose()
