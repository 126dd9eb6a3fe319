"""Reads and writes of suppressions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, insert, or_, update
from sqlmodel import Session, col, select

from governance.alerts.finding import Finding
from governance.alerts.suppressions._tables import SuppressionRow, WithheldRow
from governance.alerts.suppressions.suppression import Suppression, SuppressionKind, Withheld
from governance.storage.upsert import chunks
from governance.vocabulary import Severity

_SENTENCE = 2_000  # characters of what a finding said that are kept


def add(session: Session, values: Mapping[str, Any]) -> None:
    """Put a suppression on file."""
    session.add(SuppressionRow(**values))
    session.flush()


def find(session: Session, suppression: str) -> Suppression | None:
    """Give one, None when there is none."""
    query = select(SuppressionRow).where(SuppressionRow.id == suppression)
    row = session.exec(query.execution_options(populate_existing=True)).first()
    return None if row is None else _made(row)


def listed(
    session: Session, whose: str | None, not_about: tuple[str, str | None], *, ended_before: datetime | None,
    after: str | None, limit: int,
) -> list[Suppression]:  # fmt: skip
    """Give suppressions in the order of their ids: all of them, or those that a trust may see.

    Args:
        session: the caller's snapshot.
        whose: a trust, which sees its own, and those of the region that are for it as a whole or for everybody.
        not_about: the viewer and their own record: they see none about either.
        ended_before: leave out what had ended or expired by then; None leaves nothing out.
        after: the id to go on after.
        limit: how many.
    """
    row = SuppressionRow
    who, patient = not_about
    conditions: list[ColumnElement[bool]] = [or_(col(row.subject).is_(None), col(row.subject) != who)]
    if patient is not None:
        conditions.append(or_(col(row.patient).is_(None), col(row.patient) != patient))
    if whose is not None:
        wide = and_(*(col(getattr(row, name)).is_(None) for name in ("ods", "subject", "team", "patient")))
        conditions.append(
            or_(col(row.ods) == whose, and_(wide, or_(col(row.trust).is_(None), col(row.trust) == whose)))
        )
    if ended_before is not None:
        conditions += [col(row.ended_at).is_(None), col(row.expires_at) > ended_before]
    if after is not None:
        conditions.append(col(row.id) > after)
    return [_made(one) for one in session.exec(select(row).where(*conditions).order_by(row.id).limit(limit)).all()]


def in_force(session: Session, now: datetime, subjects: Sequence[str], patients: Sequence[str]) -> list[Suppression]:
    """Give those in force that name one of these people, one of these patients, or neither; by their ids."""
    row = SuppressionRow
    holds = (
        col(row.ended_at).is_(None),
        col(row.set_at) <= now,
        col(row.expires_at) > now,
        or_(col(row.needs_approval).is_(False), col(row.approved_at).is_not(None)),
    )
    if session.exec(select(row.id).where(*holds).limit(1)).first() is None:
        return []
    neither = (col(row.subject).is_(None), col(row.patient).is_(None))
    found = {one.id: one for one in session.exec(select(row).where(*holds, *neither)).all()}
    for column, values in ((col(row.subject), subjects), (col(row.patient), patients)):
        for some in chunks(values):
            found |= {one.id: one for one in session.exec(select(row).where(*holds, column.in_(some))).all()}
    return [_made(found[name]) for name in sorted(found)]


def count(session: Session, hits: Sequence[tuple[str, Finding]], now: datetime) -> None:
    """Keep what was held back, each finding once, and count it."""
    known: set[tuple[str, str]] = set()
    for some in chunks(sorted({finding.key for _, finding in hits})):
        held = select(WithheldRow.suppression, WithheldRow.key).where(col(WithheldRow.key).in_(some))
        known.update(session.exec(held).all())
    fresh = {(suppression, finding.key): finding for suppression, finding in hits}
    fresh = {key: finding for key, finding in fresh.items() if key not in known}
    if not fresh:
        return
    rows = [
        {
            "suppression": suppression,
            "key": key,
            "rule": finding.rule_id,
            "severity": finding.severity.value,
            "occurred_at": finding.occurred_at,
            "events": list(finding.shown),
            "sentence": " ".join(item.sentence for item in finding.evidence)[:_SENTENCE],
        }
        for (suppression, key), finding in sorted(fresh.items(), key=lambda item: item[0])
    ]
    session.connection().execute(insert(WithheldRow), rows)
    table: Any = SuppressionRow.__table__  # type: ignore[attr-defined]
    statement = update(table).where(table.c.id == bindparam("of_id"))
    counted = statement.values(hits=table.c.hits + bindparam("more"), last_hit_at=now)
    more = _tally(suppression for suppression, _ in fresh)
    session.connection().execute(counted, [{"of_id": name, "more": more[name]} for name in sorted(more)])


def withheld(session: Session, suppression: str, limit: int) -> list[Withheld]:
    """Give what a suppression held back, the latest in event time first."""
    row = WithheldRow
    query = select(row).where(row.suppression == suppression).order_by(col(row.occurred_at).desc(), col(row.key))
    return [
        Withheld(one.key, one.rule, Severity(one.severity), one.occurred_at, tuple(one.events), one.sentence)
        for one in session.exec(query.limit(limit)).all()
    ]


def approve(session: Session, suppression: str, by: str, at: datetime) -> bool:
    """Approve one that waits, and say whether it did: of two who approve at once, one does."""
    row = SuppressionRow
    waiting = (col(row.approved_at).is_(None), col(row.ended_at).is_(None))
    return _change(session, suppression, waiting, {"approved_by": by, "approved_at": at})


def end(session: Session, suppression: str, by: str, reason: str, at: datetime) -> bool:
    """End one that was not ended, and say whether it did: of two who end it at once, one does."""
    values = {"ended_by": by, "ended_at": at, "end_reason": reason}
    return _change(session, suppression, (col(SuppressionRow.ended_at).is_(None),), values)


def _change(
    session: Session, suppression: str, holds: Collection[ColumnElement[bool]], values: Mapping[str, Any]
) -> bool:
    statement = update(SuppressionRow).where(col(SuppressionRow.id) == suppression, *holds).values(**values)
    return session.connection().execute(statement).rowcount == 1


def _tally(names: Iterable[str]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for name in names:
        counted[name] = counted.get(name, 0) + 1
    return counted


def _made(row: SuppressionRow) -> Suppression:
    return Suppression(**row.model_dump() | {"kind": SuppressionKind(row.kind)})
