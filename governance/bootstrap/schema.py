"""Brings the schema to its newest revision, as the owner of the tables where there is one apart from the service."""

from collections.abc import Iterator
from contextlib import contextmanager

from governance.audit import history
from governance.settings import Settings
from governance.storage import Database, migrate


def upgrade(settings: Settings, database: Database) -> None:
    """Run every outstanding revision, and grant the service's role what it needs and no more.

    Args:
        settings: name the owner's URL, if there is one.
        database: as the service opens it.
    """
    with owned(settings, database) as owner:
        migrate.upgrade(owner)
        if owner is not database:
            with owner.transaction() as session:
                history.grant(session, database.role)


def log_protection(database: Database) -> str | None:
    """Say why whoever has the service's access to the database may rewrite the log, None when nobody may."""
    with database.reading() as session:
        if not history.may_rewrite(session):
            return None
    if database.dialect == "sqlite":
        return "SQLite has no roles: whoever can write its file can rewrite the log."
    return "The service's role may rewrite the log: let another one own the tables (GOVERNANCE_DATABASE_OWNER_URL)."


@contextmanager
def owned(settings: Settings, database: Database) -> Iterator[Database]:
    """Open the database as its owner; the service's own where no owner is set."""
    if settings.database_owner_url is None:
        yield database
        return
    opened = Database(settings.database_owner_url.get_secret_value())
    try:
        yield opened
    finally:
        opened.dispose()
