"""Inserts that meet what is there, in SQL that SQLite and PostgreSQL both speak (INSERT … ON CONFLICT)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

from governance.storage.dialect import on_postgres

T = TypeVar("T")
WATCHER = "governance.watcher"  # in ``session.info``: who hears of rows before they are written (:func:`announce`)
CHUNK = 500  # values in one IN list: far below every database's limit of bound parameters


def upsert(
    session: Session, model: type[SQLModel], rows: Sequence[Mapping[str, Any]], *, newest_by: str | None = None
) -> None:
    """Put rows into a table by its primary key, replacing what was there; of two rows with one key the last wins.

    They go in by the order of their keys, so that two writers of the same rows never each wait for the other.

    Args:
        session: the caller's write transaction.
        model: the table class; its primary key is the conflict target.
        rows: column name to value, every row with the same columns, the key among them.
        newest_by: a column that must not go backwards: an older row leaves the kept one as it is.
    """
    if not rows:
        return
    announce(session, model, rows)
    table: Table = model.__table__  # type: ignore[attr-defined]
    keys = [column.name for column in table.primary_key]
    distinct = {tuple(row[key] for key in keys): row for row in rows}
    statement = _insert(session, table)
    replaced = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    if replaced:
        guard = None if newest_by is None else table.c[newest_by] <= statement.excluded[newest_by]
        statement = statement.on_conflict_do_update(index_elements=keys, set_=replaced, where=guard)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    session.connection().execute(statement, [dict(distinct[key]) for key in sorted(distinct)])


def announce(session: Session, model: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Tell the session's watcher, if it has one, that rows are about to be written or removed, by their keys at least.

    :func:`upsert` does so itself; whoever writes rows of a feed by a statement of their own calls this first.
    """
    watcher = session.info.get(WATCHER)
    if watcher is not None:
        watcher.writes(session, str(model.__tablename__), rows)


def insert_new(session: Session, model: type[SQLModel], values: Mapping[str, Any]) -> bool:
    """Insert a row unless a unique key of it is there, and say whether it went in; the database decides atomically."""
    return insert_for_key(session, model, values) is not None


def insert_for_key(session: Session, model: type[SQLModel], values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Insert a row unless a unique key of it is there; give its primary key, None when it did not go in.

    RETURNING says so, because the row count of an INSERT is not known on every driver.
    """
    table: Table = model.__table__  # type: ignore[attr-defined]
    statement = _insert(session, table).values(**values).on_conflict_do_nothing().returning(*table.primary_key)
    found = session.connection().execute(statement).first()
    return None if found is None else tuple(found)


def count_up(session: Session, model: type[SQLModel], key: Mapping[str, Any], column: str, by: int = 1) -> int:
    """Add to a counter, which begins at 0, and give it; nobody else counts until the transaction ends."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    statement = _insert(session, table).values(**key, **{column: by})
    counted = statement.on_conflict_do_update(index_elements=list(key), set_={column: table.c[column] + by})
    return int(session.connection().execute(counted.returning(table.c[column])).scalar_one())


def add_up(session: Session, model: type[SQLModel], rows: Sequence[Mapping[str, Any]], column: str) -> None:
    """Add to counters by their primary keys; one that is not there begins at what is added.

    They go in by the order of their keys (:func:`upsert`).

    Args:
        session: the caller's write transaction.
        model: the table class.
        rows: a key and what to add to ``column``, negative to take away; no key twice.
        column: the counter.
    """
    if not rows:
        return
    table: Table = model.__table__  # type: ignore[attr-defined]
    keys = [key.name for key in table.primary_key]
    statement = _insert(session, table)
    added = statement.on_conflict_do_update(
        index_elements=keys, set_={column: table.c[column] + statement.excluded[column]}
    )
    session.connection().execute(added, sorted((dict(row) for row in rows), key=lambda row: [row[key] for key in keys]))


def chunks(values: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Cut a sequence into pieces of at most ``size``, in order."""
    return (values[start : start + size] for start in range(0, len(values), size))


def _insert(session: Session, table: Table) -> Any:
    """Begin an INSERT of the session's dialect; each has an ON CONFLICT of its own type."""
    made = postgresql.insert if on_postgres(session) else sqlite.insert
    return made(table)
