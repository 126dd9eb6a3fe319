"""Bring a database to the newest schema, one process at a time."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from governance.storage.database import Database

SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x1A6E  # any number, the same in every process that migrates
_LONGEST = 300  # seconds that a process waits for another one's migration


def upgrade(database: Database) -> None:
    """Run every outstanding revision in one transaction; harmless when there is none.

    A second process that starts meanwhile waits: on SQLite for the write lock, on PostgreSQL for an advisory one.
    """
    with database.transaction() as session:
        connection = session.connection()
        if database.dialect == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LONGEST}s'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        command.upgrade(configuration(connection), "head")


def current(database: Database) -> tuple[str | None, str | None]:
    """Give the revision the database is at and the newest one there is."""
    with database.engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    return found, ScriptDirectory(str(SCRIPTS)).get_current_head()


def configuration(connection: Connection) -> Config:
    """Make Alembic's configuration for a connection that is already open."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    return config
