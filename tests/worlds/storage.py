"""A table that every room's session can reach, and three ways of using one: objects, SQLAlchemy Core, the driver."""

from collections.abc import Callable

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, select

from governance.pseudonyms._tables import OwnerKey
from governance.storage import Database
from governance.storage.prepared import Prepared

TABLE = SQLModel.metadata.tables["owner_key"]
_INSERT = Prepared(sa.insert(TABLE))
_SELECT = sa.select(TABLE.c.owner).order_by(TABLE.c.owner)
_PREPARED = Prepared(_SELECT)
Way = Callable[[Session, str], None]
Look = Callable[[Session], list[str]]


def by_object(session: Session, owner: str) -> None:
    """Write a row as an object; it goes out when the session is flushed."""
    session.add(OwnerKey(owner=owner, wrapped=b"w"))


def by_core(session: Session, owner: str) -> None:
    """Write a row by a statement of SQLAlchemy."""
    session.connection().execute(sa.insert(TABLE).values(owner=owner, wrapped=b"w"))


def by_driver(session: Session, owner: str) -> None:
    """Write a row by the driver's own cursor."""
    _INSERT.run_many(session, [{"owner": owner, "wrapped": b"w", "destroyed_at": None}])


def objects(session: Session) -> list[str]:
    """Read the rows as objects."""
    return [row.owner for row in session.exec(select(OwnerKey).order_by(OwnerKey.owner))]


def core(session: Session) -> list[str]:
    """Read the rows by a statement of SQLAlchemy."""
    return list(session.connection().execute(_SELECT).scalars())


def driver(session: Session) -> list[str]:
    """Read the rows by the driver's own cursor."""
    return [str(owner) for (owner,) in _PREPARED.tuples(session)]


WAYS: list[Way] = [by_object, by_core, by_driver]
LOOKS: list[Look] = [objects, core, driver]


def owners(database: Database) -> list[str]:
    """Give the rows as a new snapshot sees them."""
    with database.reading() as session:
        return core(session)


def put(database: Database, *names: str) -> None:
    """Commit rows."""
    with database.transaction() as session:
        for name in names:
            by_core(session, name)
