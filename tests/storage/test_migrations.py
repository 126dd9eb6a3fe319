"""The schema that the revisions make is the one the tables describe, on both databases, from wherever one comes."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel

from governance.federation import NETWORK, _standing_store
from governance.storage import Database, migrate
from tests.worlds.processes import at_once

REVISIONS = [
    found.revision for found in reversed(list(ScriptDirectory(str(migrate.SCRIPTS)).walk_revisions())) if found.revision
]
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
Rows = dict[str, list[dict[str, Any]]]


def differences(database: Database, tables: type[SQLModel]) -> list[Any]:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, tables.metadata))


def upgrade_to(database: Database, revision: str) -> None:
    with database.transaction() as session:
        command.upgrade(migrate.configuration(session.connection()), revision)


def reflected(connection: Connection) -> sa.MetaData:
    found = sa.MetaData()
    found.reflect(connection)
    found.remove(found.tables["alembic_version"])
    return found


def value_of(column: sa.Column[Any], number: int) -> Any:
    """Give a value that fits a column; a foreign key's is the one its target has in the row of the same number."""
    if column.foreign_keys:
        return value_of(next(iter(column.foreign_keys)).column, number)
    kind = column.type
    if isinstance(kind, sa.JSON):
        return {"row": [number, None, "Zo\u00eb"]}
    if isinstance(kind, sa.LargeBinary):
        return bytes([0, number, 255])
    if isinstance(kind, sa.Boolean):
        return number % 2 == 0
    if isinstance(kind, sa.Date):
        return date(2026, 1, 1) + timedelta(days=number)
    if isinstance(kind, sa.Float):
        return number / 4
    return number if isinstance(kind, sa.Integer) else f"{column.name[:8]}{number}"


def fill(database: Database) -> Rows:
    """Put two rows into every table that there is; gives them by table."""
    rows: Rows = {}
    with database.transaction() as session:
        connection = session.connection()
        for table in reflected(connection).sorted_tables:
            rows[table.name] = [{column.name: value_of(column, n) for column in table.columns} for n in (1, 2)]
            connection.execute(sa.insert(table), rows[table.name])
    return rows


def held(database: Database, before: Rows) -> Rows:
    """Give what a database holds of the columns that it had before."""
    with database.reading() as session:
        connection = session.connection()
        found = reflected(connection)
        return {
            name: [
                {column: row[column] for column in rows[0]}
                for row in connection.execute(
                    sa.select(found.tables[name]).order_by(*found.tables[name].primary_key)
                ).mappings()
            ]
            for name, rows in before.items()
        }


def migrate_and_look(database: Database) -> tuple[str | None, str | None]:
    migrate.upgrade(database)
    return migrate.current(database)


def test_the_revisions_make_exactly_the_tables_the_rooms_describe(database: Database, tables: type[SQLModel]) -> None:
    assert differences(database, tables) == []


def test_a_database_is_at_the_newest_revision_and_upgrading_again_changes_nothing(database: Database) -> None:
    found, newest = migrate.current(database)
    assert found == newest is not None
    migrate.upgrade(database)
    assert migrate.current(database) == (newest, newest)


def test_an_empty_database_is_brought_all_the_way(empty_database: Database, tables: type[SQLModel]) -> None:
    assert migrate.current(empty_database)[0] is None
    migrate.upgrade(empty_database)
    assert migrate.current(empty_database) == (REVISIONS[-1], REVISIONS[-1])
    assert differences(empty_database, tables) == []


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_earlier_revision_comes_to_the_newest_with_all_it_holds(
    empty_database: Database, tables: type[SQLModel], revision: str
) -> None:
    upgrade_to(empty_database, revision)
    before = fill(empty_database)
    assert held(empty_database, before) == before
    migrate.upgrade(empty_database)
    assert migrate.current(empty_database) == (REVISIONS[-1], REVISIONS[-1])
    assert held(empty_database, before) == before
    assert differences(empty_database, tables) == []


def test_what_a_restore_made_dead_stays_dead_when_its_place_moves(empty_database: Database) -> None:
    upgrade_to(empty_database, "0014")
    with empty_database.transaction() as session:
        table = reflected(session.connection()).tables["token_revoked_agreement"]
        rows = [{"agreement_id": name, "revoked_at": value_of(table.c.revoked_at, 1)} for name in ("*", "care")]
        session.connection().execute(sa.insert(table), rows)
    migrate.upgrade(empty_database)
    restored = datetime(1970, 1, 1, microsecond=1, tzinfo=UTC)
    with empty_database.reading() as session:
        assert _standing_store.get(session, *NETWORK).not_before == restored
        left = session.connection().execute(sa.text("SELECT agreement_id FROM token_revoked_agreement"))
        assert [row[0] for row in left] == ["care"]


@pytest.mark.parametrize("revision", [None, REVISIONS[0]])
def test_processes_that_start_at_once_migrate_once(
    empty_database: Database, tables: type[SQLModel], revision: str | None
) -> None:
    if revision is not None:
        upgrade_to(empty_database, revision)
    before = fill(empty_database) if revision is not None else {}
    assert at_once(empty_database.url, migrate_and_look, [()] * 3) == [(REVISIONS[-1], REVISIONS[-1])] * 3
    assert held(empty_database, before) == before
    assert differences(empty_database, tables) == []


def test_a_revision_that_fails_leaves_the_schema_as_it_was(empty_database: Database) -> None:
    upgrade_to(empty_database, REVISIONS[0])
    with empty_database.transaction() as session:  # what a later revision wants to make is there already
        session.connection().exec_driver_sql("CREATE TABLE federation_client_secret (client_id TEXT)")
    with pytest.raises(sa.exc.DBAPIError):
        migrate.upgrade(empty_database)
    assert migrate.current(empty_database)[0] == REVISIONS[0]
    assert not sa.inspect(empty_database.engine).has_table("emergency_grant")
