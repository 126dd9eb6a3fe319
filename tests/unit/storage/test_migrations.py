"""The schema that the revisions make is the one the tables describe, on both databases."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlmodel import SQLModel

from governance.storage import Database, migrate
from tests.conftest import import_every_table


def test_the_revisions_make_exactly_the_tables_the_rooms_describe(database: Database) -> None:
    import_every_table()
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_a_database_is_at_the_newest_revision_and_upgrading_again_changes_nothing(database: Database) -> None:
    found, newest = migrate.current(database)
    assert found == newest is not None
    migrate.upgrade(database)
    assert migrate.current(database) == (newest, newest)


def test_an_empty_database_is_brought_all_the_way(tmp_path) -> None:
    fresh = Database(f"sqlite:///{tmp_path}/fresh.sqlite")
    assert migrate.current(fresh)[0] is None
    migrate.upgrade(fresh)
    assert migrate.current(fresh)[0] == migrate.current(fresh)[1]
    fresh.dispose()
