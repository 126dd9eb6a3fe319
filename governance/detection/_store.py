"""Reads and writes of the cursor, the lease and the detectors' memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, update
from sqlmodel import Session, col, select

from governance.detection._tables import DetectionCursorRow, DetectionStateRow
from governance.detection.state import Remembered, Value
from governance.storage.upsert import insert_new, upsert


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a reader has come, and who holds it until when."""

    next_index: int
    high_water: int | None
    holder: str | None
    held_until: datetime | None


def cursor(session: Session, name: str, *, lock: bool = False) -> Cursor | None:
    """Give a reader's cursor, locked for the transaction if asked; None before its first run."""
    query = select(DetectionCursorRow).where(DetectionCursorRow.name == name)
    row = session.exec(query.with_for_update() if lock else query).first()
    return None if row is None else Cursor(row.next_index, row.high_water, row.holder, row.held_until)


def begin(session: Session, name: str) -> None:
    """Put a reader on file at the start of the log; one already there is unchanged."""
    if cursor(session, name) is None:
        row = {"name": name, "next_index": 0, "high_water": None, "holder": None, "held_until": None}
        insert_new(session, DetectionCursorRow, row)


def hold(session: Session, name: str, holder: str, until: datetime) -> None:
    """Write down who reads and until when nobody else may."""
    session.connection().execute(
        update(DetectionCursorRow).where(col(DetectionCursorRow.name) == name).values(holder=holder, held_until=until)
    )


def advance(session: Session, name: str, next_index: int, high_water: int | None) -> None:
    """Write down how far the reader has come."""
    session.connection().execute(
        update(DetectionCursorRow)
        .where(col(DetectionCursorRow.name) == name)
        .values(next_index=next_index, high_water=high_water)
    )


def reset(session: Session, name: str) -> None:
    """Send a reader back to the start of the log and forget what the detectors remember."""
    session.connection().execute(delete(DetectionStateRow))
    session.connection().execute(delete(DetectionCursorRow).where(col(DetectionCursorRow.name) == name))


def values(session: Session) -> Iterable[tuple[str, str, Value, int | None]]:
    """Give everything the detectors remember, by rule and key."""
    rows = session.exec(
        select(DetectionStateRow).order_by(col(DetectionStateRow.rule_id), col(DetectionStateRow.key))
    ).all()
    return [(row.rule_id, row.key, row.value, row.due) for row in rows]


def save(session: Session, changes: Sequence[tuple[str, str, Remembered | None]]) -> None:
    """Write what changed in the detectors' memory; None forgets."""
    present = [
        {"rule_id": rule_id, "key": key, "due": item.due, "value": item.value}
        for rule_id, key, item in changes
        if item is not None
    ]
    upsert(session, DetectionStateRow, present)
    gone = [(rule_id, key) for rule_id, key, item in changes if item is None]
    state = DetectionStateRow.__table__  # type: ignore[attr-defined]
    if gone:
        statement = delete(state).where(state.c.rule_id == bindparam("gone_rule"), state.c.key == bindparam("gone_key"))
        session.connection().execute(statement, [{"gone_rule": rule, "gone_key": key} for rule, key in gone])
