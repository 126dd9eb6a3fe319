"""Reads and writes of the random audit. Rows never leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, insert, or_
from sqlmodel import Session, col, func, select

from governance.detection.sampling._tables import SampleDayRow, SampleRateRow, SampleRow
from governance.detection.sampling.draw import Candidate
from governance.storage.upsert import insert_new, upsert
from governance.vocabulary import Verdict


@dataclass(frozen=True, slots=True)
class Drawn:
    """One drawn look and what somebody found; ``verdict`` None while it waits."""

    index: int
    ods: str
    day: date
    at: datetime
    subject: str
    patient: str | None
    study: str | None
    verdict: Verdict | None = None
    reason: str | None = None
    by: str | None = None
    judged_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody may see: looks of the staff of ``ods`` (None: all), not their own, not at their own record."""

    id: str
    ods: str | None
    own_patient: str | None


@dataclass(frozen=True, slots=True)
class Totals:
    """How many looks of a trust there were to draw from, and were drawn, over all its days."""

    looked: int
    drawn: int


def add_day(session: Session, ods: str, day: date, looked: int, rate: float, drawn: Sequence[Candidate]) -> bool:
    """Keep what was drawn of a day; False when the day was drawn before, which stands."""
    row = {"ods": ods, "day": day, "looked": looked, "drawn": len(drawn), "rate": rate}
    if not insert_new(session, SampleDayRow, row):
        return False
    rows = [
        {
            "event_index": one.index,
            "ods": ods,
            "day": day,
            "subject": one.subject,
            "patient": one.patient,
            "study": one.study,
            "looked_at": one.at,
        }
        for one in drawn
    ]
    if rows:
        session.connection().execute(insert(SampleRow), rows)
    return True


def page(session: Session, sight: Sight, judged: bool | None, before: int | None, limit: int) -> list[Drawn]:
    """Give drawn looks that somebody may see, newest first."""
    row = SampleRow
    conditions = _visible(sight)
    if judged is not None:
        waits: ColumnElement[bool] = col(row.verdict).is_(None)
        conditions.append(~waits if judged else waits)
    if before is not None:
        conditions.append(col(row.event_index) < before)
    query = select(row).where(*conditions).order_by(col(row.event_index).desc()).limit(limit)
    return [_drawn(one) for one in session.exec(query).all()]


def find(session: Session, index: int, *, lock: bool = False) -> Drawn | None:
    """Find a drawn look; ``lock`` keeps it as it is until the commit."""
    query = select(SampleRow).where(SampleRow.event_index == index)
    row = session.exec(query.with_for_update() if lock else query).first()
    return None if row is None else _drawn(row)


def judge(session: Session, index: int, verdict: Verdict, reason: str, by: str, at: datetime) -> None:
    """Write a verdict."""
    row = session.exec(select(SampleRow).where(SampleRow.event_index == index)).one()
    row.verdict, row.reason, row.judged_by, row.judged_at = verdict.value, reason, by, at
    session.add(row)
    session.flush()


def verdicts(session: Session, ods: str | None) -> dict[tuple[str, str | None], int]:
    """Count drawn looks by trust and verdict (None while they wait): of one trust or of all."""
    query = select(SampleRow.ods, SampleRow.verdict, func.count()).group_by(col(SampleRow.ods), col(SampleRow.verdict))
    if ods is not None:
        query = query.where(SampleRow.ods == ods)
    return {(trust, verdict): count for trust, verdict, count in session.exec(query).all()}


def totals(session: Session, ods: str | None) -> dict[str, Totals]:
    """Give the totals of one trust, or of each."""
    day = SampleDayRow
    query = select(day.ods, func.sum(day.looked), func.sum(day.drawn)).group_by(day.ods)
    if ods is not None:
        query = query.where(day.ods == ods)
    return {trust: Totals(int(looked), int(drawn)) for trust, looked, drawn in session.exec(query).all()}


def set_rate(session: Session, ods: str, known_since: int, rate: float) -> None:
    """Keep the rate that a trust chose."""
    upsert(session, SampleRateRow, [{"ods": ods, "known_since": known_since, "rate": rate}])


def rate(session: Session, ods: str, at_index: int | None) -> float | None:
    """Give the rate of a trust as known at a log index (None: now); None when it never chose one."""
    row = SampleRateRow
    query = select(row.rate).where(row.ods == ods)
    if at_index is not None:
        query = query.where(col(row.known_since) < at_index)
    return session.exec(query.order_by(col(row.known_since).desc()).limit(1)).first()


def _visible(sight: Sight) -> list[ColumnElement[bool]]:
    row = SampleRow
    conditions: list[ColumnElement[bool]] = [col(row.subject) != sight.id]
    if sight.own_patient is not None:
        conditions.append(or_(col(row.patient).is_(None), col(row.patient) != sight.own_patient))
    if sight.ods is not None:
        conditions.append(col(row.ods) == sight.ods)
    return conditions


def _drawn(row: SampleRow) -> Drawn:
    return Drawn(
        index=row.event_index,
        ods=row.ods,
        day=row.day,
        at=row.looked_at,
        subject=row.subject,
        patient=row.patient,
        study=row.study,
        verdict=Verdict(row.verdict) if row.verdict else None,
        reason=row.reason,
        by=row.judged_by,
        judged_at=row.judged_at,
    )
