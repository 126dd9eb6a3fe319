"""Reads and writes of the cursor, the lease and the detectors' memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam, delete, update
from sqlmodel import Session, SQLModel, col, select

from governance.detection.reader._tables import DetectionCursorRow, DetectionEntryRow, DetectionStateRow
from governance.detection.reader.keeping.kept import Address, Changes, Due, Entry, Remembered, Value
from governance.storage.dialect import on_postgres
from governance.storage.prepared import Prepared
from governance.storage.upsert import insert_new, upsert


def _table(row: type[SQLModel]) -> sa.Table:
    return SQLModel.metadata.tables[str(row.__tablename__)]


_STATE, _ENTRY = _table(DetectionStateRow), _table(DetectionEntryRow)
_PAGE = 10_000  # keys read at a time
_OF_STATE = (_STATE.c.rule_id == bindparam("rule_id"), _STATE.c.key == bindparam("key"))
_OF_LIST = (_ENTRY.c.rule_id == bindparam("rule_id"), _ENTRY.c.key == bindparam("key"))
_VALUE = Prepared(sa.select(_STATE.c.value, _STATE.c.due, _STATE.c.stream).where(*_OF_STATE))
_DUE = Prepared(
    sa.select(_STATE.c.due, _STATE.c.rule_id, _STATE.c.key, _STATE.c.stream)
    .where(_STATE.c.due > bindparam("after"), _STATE.c.due <= bindparam("until"))
    .order_by(_STATE.c.due, _STATE.c.rule_id, _STATE.c.key)
)
_ONE = Prepared(sa.select(_ENTRY.c.at, _ENTRY.c.value).where(*_OF_LIST, _ENTRY.c.name == bindparam("name")))
_SPAN = (
    sa.select(_ENTRY.c.name, _ENTRY.c.at, _ENTRY.c.value)
    .where(*_OF_LIST, _ENTRY.c.at >= bindparam("since"), _ENTRY.c.at <= bindparam("until"))
    .limit(bindparam("most"))
    .offset(sa.literal_column("0"))  # SQLite has none without a limit, and a parameter of its own for it
)


def _in_order(collation: str) -> dict[bool, Prepared]:
    """Give the statements that read a span, newest first or not; names compare by their bytes on every database."""
    at, name = _ENTRY.c.at, _ENTRY.c.name.collate(collation)
    return {True: Prepared(_SPAN.order_by(at.desc(), name.desc())), False: Prepared(_SPAN.order_by(at, name))}


_SPANS = {True: _in_order("C"), False: _in_order("BINARY")}
_BEFORE_ALL = -(1 << 62)


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a reader has come, and who holds it until when."""

    next_index: int
    holder: str | None
    held_until: datetime | None


def cursor(session: Session, name: str, *, lock: bool = False) -> Cursor | None:
    """Give a reader's cursor, locked for the transaction if asked; None before its first run."""
    query = select(DetectionCursorRow).where(DetectionCursorRow.name == name)
    row = session.exec(query.with_for_update() if lock else query).first()
    return None if row is None else Cursor(row.next_index, row.holder, row.held_until)


def begin(session: Session, name: str, start: int = 0) -> None:
    """Put a reader on file at an index of the log; one already there is unchanged."""
    if cursor(session, name) is None:
        insert_new(
            session,
            DetectionCursorRow,
            {"name": name, "next_index": start, "high_water": None, "holder": None, "held_until": None},
        )


def hold(session: Session, name: str, holder: str, until: datetime) -> None:
    """Write down who reads and until when nobody else may."""
    session.connection().execute(
        update(DetectionCursorRow).where(col(DetectionCursorRow.name) == name).values(holder=holder, held_until=until)
    )


def advance(session: Session, name: str, next_index: int, high_water: int | None) -> None:
    """Write down how far the reader has come: in the log, and in event time (microseconds)."""
    session.connection().execute(
        update(DetectionCursorRow)
        .where(col(DetectionCursorRow.name) == name)
        .values(next_index=next_index, high_water=high_water)
    )


def reset(session: Session, name: str, start: int) -> None:
    """Send a reader back to an index of the log and forget what the detectors remember."""
    session.connection().execute(delete(DetectionEntryRow))
    session.connection().execute(delete(DetectionStateRow))
    session.connection().execute(delete(DetectionCursorRow).where(col(DetectionCursorRow.name) == name))
    begin(session, name, start)


def value(session: Session, rule_id: str, key: str) -> Remembered | None:
    """Give one remembered value."""
    for found, due, stream in _VALUE.tuples(session, rule_id=rule_id, key=key):
        return Remembered(found, due, stream)
    return None


def values(session: Session, rule_id: str) -> list[tuple[str, Value]]:
    """Give every value of one rule, by key."""
    query = sa.select(_STATE.c.key, _STATE.c.value).where(_STATE.c.rule_id == rule_id).order_by(_STATE.c.key)
    return [(key, found) for key, found in session.connection().execute(query)]


def keys(session: Session) -> Iterator[Sequence[Address]]:
    """Give the rule and key of everything remembered, a page at a time."""
    last: Address = ("", "")
    while True:
        place = sa.tuple_(_STATE.c.rule_id, _STATE.c.key)
        query = sa.select(_STATE.c.rule_id, _STATE.c.key).where(place > sa.tuple_(*map(sa.literal, last)))
        page = [
            (rule_id, key)
            for rule_id, key in session.connection().execute(
                query.order_by(_STATE.c.rule_id, _STATE.c.key).limit(_PAGE)
            )
        ]
        yield page
        if len(page) < _PAGE:
            return
        last = page[-1]


def due(session: Session, after: int | None, until: int) -> Iterable[Due]:
    """Give what is due in a span, by time, rule and key."""
    rows = _DUE.tuples(session, after=_BEFORE_ALL if after is None else after, until=until)
    return [Due(*row) for row in rows]


def entry(session: Session, rule_id: str, key: str, name: str) -> Entry | None:
    """Give one entry of a list."""
    for at, found in _ONE.tuples(session, rule_id=rule_id, key=key, name=name):
        return Entry(name, at, found)
    return None


def entries(session: Session, address: Address, span: tuple[int, int], most: int, *, newest: bool) -> list[Entry]:
    """Give entries of a list in a span (both ends included), by time and name."""
    statement = _SPANS[on_postgres(session)][newest]
    rows = statement.tuples(session, rule_id=address[0], key=address[1], since=span[0], until=span[1], most=most)
    return [Entry(*row) for row in rows]


def save(session: Session, changes: Changes) -> None:
    """Write what changed in the detectors' memory."""
    gone_lists = [{"gone_rule": rule, "gone_key": key} for rule, key in sorted(changes.cleared)]
    if gone_lists:
        of_list = (_ENTRY.c.rule_id == bindparam("gone_rule"), _ENTRY.c.key == bindparam("gone_key"))
        session.connection().execute(delete(_ENTRY).where(*of_list), gone_lists)
    upsert(
        session,
        DetectionEntryRow,
        [
            {"rule_id": rule_id, "key": key, "name": name, "at": each.at, "value": each.value}
            for (rule_id, key), found in changes.entries.items()
            for name, each in found.items()
            if each is not None
        ],
    )
    gone: list[dict[str, Any]] = [
        {"gone_rule": rule_id, "gone_key": key, "gone_name": name}
        for (rule_id, key), found in sorted(changes.entries.items())
        for name, each in sorted(found.items())
        if each is None and (rule_id, key) not in changes.cleared
    ]
    if gone:
        one = (
            _ENTRY.c.rule_id == bindparam("gone_rule"),
            _ENTRY.c.key == bindparam("gone_key"),
            _ENTRY.c.name == bindparam("gone_name"),
        )
        session.connection().execute(delete(_ENTRY).where(*one), gone)
    upsert(
        session,
        DetectionStateRow,
        [
            {"rule_id": rule_id, "key": key, "due": item.due, "stream": item.stream, "value": item.value}
            for (rule_id, key), item in changes.values.items()
            if item is not None
        ],
    )
    forgotten = [
        {"gone_rule": rule, "gone_key": key}
        for (rule, key), item in sorted(changes.values.items(), key=_by_key)
        if item is None
    ]
    if forgotten:
        statement = delete(_STATE).where(
            _STATE.c.rule_id == bindparam("gone_rule"), _STATE.c.key == bindparam("gone_key")
        )
        session.connection().execute(statement, forgotten)


def _by_key(item: tuple[Address, Remembered | None]) -> Address:
    return item[0]
