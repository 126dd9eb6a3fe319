"""One incident takes up the rows of another: set-based, however many there are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import exists, insert, literal, select, update
from sqlmodel import Session, col, func

from governance.alerts._tables import AlertEventRow, AlertFindingRow, AlertLinkRow, AlertVerdictRow
from governance.alerts.finding import MAXIMUM_SHOWN
from governance.alerts.incident import BOUNDED, COUNTED, Incident


def take_up(session: Session, root: Incident, other: Incident) -> None:
    """Move the findings of another alert to this one, and copy what it lists; both are written and have numbers.

    The totals of the two are added, and what both list is taken off again.
    """
    if root.number is None or other.number is None:
        raise RuntimeError("both alerts must be written before one takes up the other")
    _move_findings(session, root.number, other.number)
    shared = _copy(session, AlertEventRow, ["event_index"], root.number, other.number, MAXIMUM_SHOWN)
    root.events_listed = _listed(session, AlertEventRow, root.number)
    root.events_total = max(root.events_total + other.events_total - shared, root.events_listed)
    for kind, counter in COUNTED.items():
        most = MAXIMUM_SHOWN if kind in BOUNDED else None
        shared = _copy(session, AlertLinkRow, ["value"], root.number, other.number, most, kind)
        listed = _listed(session, AlertLinkRow, root.number, kind)
        root.totals[counter] = max(root.totals[counter] + other.totals[counter] - shared, listed)
    for kind in ("agreement", "rule", "trust"):
        _copy(session, AlertLinkRow, ["value"], root.number, other.number, None, kind)
    _copy(session, AlertVerdictRow, ["ods", "capacity"], root.number, other.number, None)


def _move_findings(session: Session, root: int, other: int) -> None:
    table: Any = AlertFindingRow.__table__  # type: ignore[attr-defined]
    there = table.alias()
    unknown = ~exists().where(there.c.alert_number == root, there.c.key == table.c.key)
    statement = update(table).where(table.c.alert_number == other, unknown).values(alert_number=root)
    session.connection().execute(statement)


def _copy(
    session: Session, model: Any, names: list[str], root: int, other: int, most: int | None, kind: str | None = None
) -> int:
    """Copy the rows that are not there yet, up to ``most`` in all; gives how many both had."""
    table = model.__table__
    here, there = table.alias(), table.alias()
    same = [here.c[name] == there.c[name] for name in names]
    of_kind: list[Any] = [] if kind is None else [here.c.kind == kind, there.c.kind == kind]
    both = select(func.count()).where(here.c.alert_number == root, there.c.alert_number == other, *same, *of_kind)
    shared = int(session.connection().execute(both).scalar_one())
    columns = [*(["kind"] if kind else []), *names]
    wanted = select(literal(root), *(there.c[name] for name in columns)).where(there.c.alert_number == other)
    if kind is not None:
        wanted = wanted.where(there.c.kind == kind)
    known = exists().where(here.c.alert_number == root, *same, *of_kind[:1])
    wanted = wanted.where(~known).order_by(*(there.c[name] for name in names))
    if most is not None:
        wanted = wanted.limit(max(most - _listed(session, model, root, kind), 0))
    session.connection().execute(insert(table).from_select(["alert_number", *columns], wanted))
    return shared


def _listed(session: Session, model: Any, number: int, kind: str | None = None) -> int:
    query = select(func.count()).select_from(model).where(col(model.alert_number) == number)
    if kind is not None:
        query = query.where(col(model.kind) == kind)
    return int(session.connection().execute(query).scalar_one())
