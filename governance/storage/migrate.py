"""Bring a database to the newest schema, one process at a time, and say which schema one has.

Example: ``migrate.check(database)`` never changes a schema; ``migrate.upgrade(database)`` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from governance.errors import Conflict
from governance.storage.database import Database
from governance.storage.engines.postgres import longer

SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x1A6E  # any number, the same in every process that migrates
_LONGEST = 300.0  # seconds that a process waits for another one's migration, and a statement of its own may take


@dataclass(frozen=True, slots=True)
class Schema:
    """Which revision a database is at, and what this version of the service knows.

    ``revision`` is None for a database that nothing was ever put into; ``outstanding`` names the revisions that would
    bring it to the newest, with what each does.
    """

    revision: str | None
    newest: str
    outstanding: Sequence[tuple[str, str]]
    newer: bool

    @property
    def current(self) -> bool:
        """Say whether the schema is the one this version works with."""
        return self.revision == self.newest

    def fault(self) -> str:
        """Say in one line why this version cannot work with the schema."""
        if self.newer:
            return (
                f"The database's schema ({self.revision}) is newer than this version of the service knows"
                f" ({self.newest}). Install the version that made it."
            )
        held = self.revision or "empty"
        return f"The database's schema ({held}) is older than this version needs ({self.newest}). Run: app.py migrate"


def upgrade(database: Database) -> None:
    """Run every outstanding revision in one transaction; harmless when there is none.

    A second process that starts meanwhile waits: on SQLite for the write lock, on PostgreSQL for an advisory one.

    Raises:
        Conflict: the schema is newer than this version of the service.
    """
    _refuse_newer(schema(database))
    with database.transaction() as session:
        connection = session.connection()
        if database.dialect != "postgresql":
            command.upgrade(configuration(connection), "head")
            return
        with longer(connection, _LONGEST):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            command.upgrade(configuration(connection), "head")


def schema(database: Database) -> Schema:
    """Say which schema a database has. Raises Unavailable when it does not answer."""
    with database.reading() as session:
        found = MigrationContext.configure(session.connection()).get_current_revision()
    scripts = ScriptDirectory(str(SCRIPTS))
    newest = str(scripts.get_current_head())
    known = [(script.revision, str(script.doc)) for script in scripts.walk_revisions()][::-1]
    names = [name for name, _ in known]
    newer = found is not None and found not in names
    outstanding = [] if newer else known[names.index(found) + 1 if found else 0 :]
    return Schema(found, newest, outstanding, newer)


def check(database: Database) -> None:
    """Make sure that a database has the schema of this version, changing nothing. Raises Conflict."""
    found = schema(database)
    if not found.current:
        raise Conflict("schema.newer" if found.newer else "schema.older", found.fault())


def current(database: Database) -> tuple[str | None, str | None]:
    """Give the revision the database is at and the newest one there is."""
    found = schema(database)
    return found.revision, found.newest


def configuration(connection: Connection) -> Config:
    """Make Alembic's configuration for a connection that is already open."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    return config


def _refuse_newer(found: Schema) -> None:
    if found.newer:
        raise Conflict("schema.newer", found.fault())
