"""Statements that every decision runs: built and compiled once, then handed to the driver as they are.

SQLAlchemy takes longer to prepare a statement like these than the database to answer it. What it knows is kept: the SQL
of each dialect, and how each type is converted on the way in and out. What is left out is what it makes for each
execution: events, a compiled context, result objects. Errors are the driver's own.

A list parameter (``expanding``) is compiled once for each power of two of its length; it is filled up by repeating its
last value, so it may only stand in an ``IN``. A longer one than :data:`LONGEST` is refused on every database, because
one of them would: the caller cuts it (``upsert.chunks``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine
from sqlmodel import Session

from governance.storage.database import DRIVER

LONGEST = 8_192  # values of one list: two such lists stay below SQLite's limit of 32,766 parameters
_Process = Callable[[Any], Any] | None
_Shape = tuple[tuple[str, int], ...]


@dataclass(slots=True)
class _Plan:
    """A statement for one dialect and one shape of its lists."""

    sql: str
    order: tuple[str, ...] | None  # the names of the parameters by position; None when the driver takes names
    keys: tuple[str, ...]
    types: tuple[TypeEngine[Any], ...]
    results: tuple[tuple[int, Callable[[Any], Any]], ...] | None = None  # the columns whose type has something to do

    def read(self, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        """Give rows of the driver, each value as its type reads it."""
        if not self.results:
            return rows
        read = [list(row) for row in rows]
        for place, process in self.results:
            for row in read:
                row[place] = process(row[place])
        return read

    def learn(self, dialect: Dialect, description: Sequence[Sequence[Any]]) -> None:
        """Note how the types read what the driver says it returns; the same for every run."""
        made = [
            kind.dialect_impl(dialect).result_processor(dialect, column[1])
            for kind, column in zip(self.types, description, strict=True)
        ]
        self.results = tuple((place, process) for place, process in enumerate(made) if process is not None)


class Prepared:
    """A Core statement with named parameters (``sa.bindparam``), ready to run.

    Args:
        statement: a select, insert or update; a constant in it must be a literal or a bound name.
    """

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        compiled = statement.compile()
        self._binds: dict[str, Any] = {name: bind for bind, name in compiled.bind_names.items()}
        self._lists = tuple(name for name, bind in self._binds.items() if bind.expanding)
        self._defaults = {
            name: bind.effective_value for name, bind in self._binds.items() if not bind.required and not bind.expanding
        }
        self._plans: dict[tuple[str, str, _Shape], _Plan] = {}
        self._processes: dict[tuple[str, str], dict[str, Callable[[Any], Any]]] = {}

    def rows(self, session: Session, **values: Any) -> list[dict[str, Any]]:
        """Run a select and give its rows by column label."""
        plan, found = self._fetch(session, values)
        return [dict(zip(plan.keys, row, strict=True)) for row in found]

    def tuples(self, session: Session, **values: Any) -> Sequence[Sequence[Any]]:
        """Run a select and give its rows by position: for many rows of few columns."""
        return self._fetch(session, values)[1]

    def run(self, session: Session, **values: Any) -> int:
        """Run an insert or update once; gives how many rows it touched."""
        dialect, cursor_of = _driver(session)
        _, cursor = self._run(dialect, cursor_of(), values)
        touched = int(cursor.rowcount)
        cursor.close()
        return touched

    def run_many(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> int:
        """Run an insert for many rows, in their order, by the driver's ``executemany``; gives how many went in."""
        dialect, cursor_of = _driver(session)
        plan, processes = self._plan(dialect, ()), self._process(dialect)
        names = plan.order or tuple(self._binds)
        made = [[row[name] for name in names] for row in rows]
        for place, name in enumerate(names):
            process = processes.get(name)
            if process is not None:
                for values in made:
                    values[place] = process(values[place])
        cursor = cursor_of()
        try:
            if plan.order is None:
                cursor.executemany(plan.sql, [dict(zip(names, values, strict=True)) for values in made])
            else:
                cursor.executemany(plan.sql, made)
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def _fetch(self, session: Session, values: dict[str, Any]) -> tuple[_Plan, Sequence[Sequence[Any]]]:
        dialect, cursor_of = _driver(session)
        plan, cursor = self._run(dialect, cursor_of(), values)
        try:
            if plan.results is None:
                plan.learn(dialect, cursor.description)
            return plan, plan.read(cursor.fetchall())
        finally:
            cursor.close()

    def _run(self, dialect: Dialect, cursor: Any, values: dict[str, Any]) -> tuple[_Plan, Any]:
        bound = {**self._defaults, **values} if self._defaults else values
        processes = self._process(dialect)
        for name, process in processes.items():
            if name not in self._lists:
                bound[name] = process(bound[name])
        shape: _Shape = ()
        if self._lists:
            bound, shape = self._spread(bound, processes)
        plan = self._plan(dialect, shape)
        cursor.execute(plan.sql, bound if plan.order is None else [bound[name] for name in plan.order])
        return plan, cursor

    def _spread(
        self, bound: dict[str, Any], processes: Mapping[str, Callable[[Any], Any]]
    ) -> tuple[dict[str, Any], _Shape]:
        """Give each list's values their own names, and the shape to compile for."""
        spread = {name: value for name, value in bound.items() if name not in self._lists}
        shape = []
        for name in self._lists:
            given = list(bound[name])
            if len(given) > LONGEST:
                raise ValueError(f"a list of {len(given)} values in one statement: cut it")
            process = processes.get(name)
            if process is not None:
                given = [process(value) for value in given]
            length = 1 << (len(given) - 1).bit_length() if given else 0
            given += given[-1:] * (length - len(given))
            spread.update(zip(_places(name, length), given, strict=True))
            shape.append((name, length))
        return spread, tuple(shape)

    def _plan(self, dialect: Dialect, shape: _Shape) -> _Plan:
        key = (dialect.name, dialect.driver, shape)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._compile(dialect, shape)
        return plan

    def _compile(self, dialect: Dialect, shape: _Shape) -> _Plan:
        statement, how = self._statement, {}
        if shape:  # the lists are written out, and for that every parameter must have some value
            some = dict.fromkeys(self._binds) | {name: [None] * length for name, length in shape}
            statement, how = statement.params(some), {"render_postcompile": True}
        compiled = statement.compile(dialect=dialect, compile_kwargs=how)
        columns = compiled._result_columns if isinstance(self._statement, sa.SelectBase) else ()  # noqa: SLF001  no public face
        return _Plan(
            sql=str(compiled),
            order=tuple(compiled.positiontup) if compiled.positional else None,
            keys=tuple(column.keyname for column in columns),
            types=tuple(column.type for column in columns),
        )

    def _process(self, dialect: Dialect) -> dict[str, Callable[[Any], Any]]:
        key = (dialect.name, dialect.driver)
        found = self._processes.get(key)
        if found is None:
            made: dict[str, _Process] = {
                name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in self._binds.items()
            }
            found = self._processes[key] = {name: process for name, process in made.items() if process is not None}
        return found


@lru_cache(256)
def _places(name: str, length: int) -> tuple[str, ...]:
    """Give the names that SQLAlchemy gives the values of a list."""
    return tuple(f"{name}_{place}" for place in range(1, length + 1))


def _driver(session: Session) -> tuple[Dialect, Callable[[], Any]]:
    """Give the dialect of a session and how to make a cursor of its connection."""
    found: tuple[Dialect, Callable[[], Any]] | None = session.info.get(DRIVER)
    if found is None:  # a session that the database room did not open
        connection = session.connection()
        found = connection.dialect, connection.connection.cursor
    return found
