"""Reads and writes of looks, lessons, what projects have seen, and counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from governance.detection.explanation._tables import LessonRow, LookCountRow, LookRow, ProjectRow, ProjectStudyRow
from governance.detection.explanation.look import ExplanationKind, Lesson
from governance.detection.reader._tables import DetectionCursorRow
from governance.storage.prepared import LONGEST, Prepared
from governance.storage.upsert import add_up, chunks, upsert

Row = Mapping[str, Any]
_LOOK: sa.Table = LookRow.__table__  # type: ignore[attr-defined]
_LESSON: sa.Table = LessonRow.__table__  # type: ignore[attr-defined]
_PROJECT: sa.Table = ProjectRow.__table__  # type: ignore[attr-defined]
_STUDY: sa.Table = ProjectStudyRow.__table__  # type: ignore[attr-defined]
_COUNT: sa.Table = LookCountRow.__table__  # type: ignore[attr-defined]
_CURSOR: sa.Table = DetectionCursorRow.__table__  # type: ignore[attr-defined]

_INSERT_LOOK = Prepared(sa.insert(_LOOK))
_AT = sa.select(_LOOK).where(_LOOK.c.event_index.in_(sa.bindparam("indexes", expanding=True)))
_TOLD = (
    sa.select(_CURSOR.c.next_index, *_LOOK.c)
    .select_from(_CURSOR.outerjoin(_LOOK, _LOOK.c.event_index.in_(sa.bindparam("indexes", expanding=True))))
    .where(_CURSOR.c.name == sa.bindparam("reader"))
)
# As for edges (relationships/_store.py): the empty word keeps SQLite from trying every person with every patient.
_LESSONS = Prepared(
    sa.select(_LESSON).where(
        _LESSON.c.about.in_(sa.bindparam("about", expanding=True)),
        _LESSON.c.subject.concat(sa.literal_column("''")).in_(sa.bindparam("subjects", expanding=True)),
        _LESSON.c["at"] >= sa.bindparam("since", type_=_LESSON.c["at"].type),
        _LESSON.c["at"] <= sa.bindparam("until", type_=_LESSON.c["at"].type),
    )
)
_RECENT = timedelta(days=1)
_PLACE = "place"  # of a look among those of its name, the newest first


def _newest(column: str) -> Prepared:
    """Make the statement for the newest looks of each of some values of a column."""
    newest = (_LOOK.c.time.desc(), _LOOK.c.event_index.desc())
    placed = (
        sa.select(*_LOOK.c, sa.func.row_number().over(partition_by=_LOOK.c[column], order_by=newest).label(_PLACE))
        .where(
            _LOOK.c[column].in_(sa.bindparam("names", expanding=True)),
            _LOOK.c.time >= sa.bindparam("since", type_=_LOOK.c.time.type),
            _LOOK.c.event_index < sa.bindparam("before"),
        )
        .subquery()
    )
    return Prepared(sa.select(*(placed.c[one.name] for one in _LOOK.c)).where(placed.c[_PLACE] <= sa.bindparam("most")))


_NEWEST = {column: _newest(column) for column in ("subject", "patient", "study")}
_SIZES = sa.select(_PROJECT).where(_PROJECT.c.edge.in_(sa.bindparam("edges", expanding=True)))
_USES = sa.select(_STUDY).where(
    _STUDY.c.edge.in_(sa.bindparam("edges", expanding=True)),
    _STUDY.c.study.in_(sa.bindparam("studies", expanding=True)),
)
_REVISED = ("kind", "edge", "source", "feed", "team", "age_seconds", "strength", "revised_at_index")
_REVISE = (
    sa.update(_LOOK)
    .where(_LOOK.c.event_index == sa.bindparam("at_index"))
    .values({name: sa.bindparam(f"new_{name}") for name in _REVISED})
)


def put_looks(session: Session, rows: Sequence[Row]) -> None:
    """Write looks that are not there yet."""
    if rows:
        _INSERT_LOOK.run_many(session, rows)


def looks_at(session: Session, indexes: Collection[int]) -> dict[int, Row]:
    """Find looks by index; others are left out."""
    found: dict[int, Row] = {}
    for chunk in chunks(sorted(indexes)):
        for row in session.connection().execute(_AT, {"indexes": list(chunk)}).mappings():
            found[row["event_index"]] = dict(row)
    return found


def told(session: Session, indexes: Collection[int], reader: str) -> tuple[int, dict[int, Row]]:
    """Give how far a reader of the log has come, and the looks among some indexes: one statement a chunk."""
    position = 0
    found: dict[int, Row] = {}
    for chunk in chunks(sorted(indexes)):
        for row in session.connection().execute(_TOLD, {"indexes": list(chunk), "reader": reader}).mappings():
            position = row["next_index"]
            if row["event_index"] is not None:
                found[row["event_index"]] = dict(row)
    return position, found


def looks_of(session: Session, by: Mapping[str, str], since: datetime, most: int) -> list[Row]:
    """Find the newest looks since an instant that have each of some columns' values."""
    statement = (
        sa.select(_LOOK)
        .where(*(_LOOK.c[name] == value for name, value in sorted(by.items())), _LOOK.c.time >= since)
        .order_by(_LOOK.c.time.desc(), _LOOK.c.event_index.desc())
        .limit(most)
    )
    return [dict(row) for row in session.connection().execute(statement).mappings()]


def newest_looks(session: Session, column: str, names: Mapping[str, datetime], before: int, most: int) -> list[Row]:
    """Find the newest looks of each of some values of a column, each since its instant, and before an index."""
    if not names:
        return []
    found: list[Row] = []
    ordered = sorted(names, key=lambda name: (names[name], name))
    recent = names[ordered[-1]] - _RECENT
    for _, group in groupby(ordered, key=lambda name: names[name] >= recent):  # one that reaches far back is read apart
        for some in chunks(list(group), LONGEST):
            rows = _NEWEST[column].rows(session, names=list(some), since=names[some[0]], before=before, most=most)
            found += [row for row in rows if row["time"] >= names[row[column]]]
    return found


def revise(session: Session, rows: Sequence[Row]) -> None:
    """Write other reasons for looks that are there; of each row the index and the columns of a reason count."""
    if rows:
        changed = [{"at_index": row["event_index"], **{f"new_{name}": row[name] for name in _REVISED}} for row in rows]
        session.connection().execute(_REVISE, changed)


def put_lessons(session: Session, taught: Iterable[Lesson]) -> None:
    """Write what the log taught; the same again changes nothing."""
    rows = [
        {
            "event_index": one.index,
            "kind": one.kind.value,
            "subject": one.subject,
            "named_by": one.named_by,
            "about": one.about,
            "at": one.at,
            "source": one.source,
        }
        for one in taught
    ]
    upsert(session, LessonRow, rows)


def lessons(
    session: Session, subjects: Collection[str], about: Collection[str], span: tuple[datetime, datetime]
) -> list[Lesson]:
    """Find what the log taught of some people and some patients or studies, in a span of event time."""
    found: list[Lesson] = []
    for names in chunks(sorted(subjects), LONGEST):
        for some in chunks(sorted(about), LONGEST):
            rows = _LESSONS.rows(session, subjects=names, about=some, since=span[0], until=span[1])
            found += map(_lesson, rows)
    return found


def newest_lesson(session: Session) -> datetime | None:
    """Give when the newest lesson was taught, in event time; None when there is none."""
    found: datetime | None = session.connection().execute(sa.select(sa.func.max(_LESSON.c["at"]))).scalar_one()
    return found


def forget_lessons(session: Session, before: datetime) -> int:
    """Drop what was taught before an instant; gives how much."""
    return session.connection().execute(sa.delete(_LESSON).where(_LESSON.c["at"] < before)).rowcount


def project_sizes(session: Session, edges: Collection[str]) -> dict[str, int]:
    """Give how many distinct studies each of some projects has explained; one with none is left out."""
    return {
        row["edge"]: row["studies"]
        for chunk in chunks(sorted(edges))
        for row in session.connection().execute(_SIZES, {"edges": list(chunk)}).mappings()
    }


def project_uses(session: Session, edges: Collection[str], studies: Collection[str]) -> set[tuple[str, str]]:
    """Give which of some studies each of some projects has explained."""
    return {
        (row["edge"], row["study"])
        for some in chunks(sorted(edges))
        for chunk in chunks(sorted(studies), LONGEST)
        for row in session.connection().execute(_USES, {"edges": list(some), "studies": list(chunk)}).mappings()
    }


def use_projects(session: Session, uses: Collection[tuple[str, str]]) -> None:
    """Count studies that projects explained; one that was counted is not counted again."""
    known = project_uses(session, {edge for edge, _ in uses}, {study for _, study in uses})
    fresh = sorted(set(uses) - known)
    upsert(session, ProjectStudyRow, [{"edge": edge, "study": study} for edge, study in fresh])
    sizes: dict[str, int] = {}
    for edge, _ in fresh:
        sizes[edge] = sizes.get(edge, 0) + 1
    add_up(session, ProjectRow, [{"edge": edge, "studies": more} for edge, more in sizes.items()], "studies")


def count(session: Session, rows: Sequence[Row]) -> None:
    """Add to the counts of days."""
    add_up(session, LookCountRow, rows, "looks")


def counts(session: Session, since: date, by: Sequence[str], ods: str | None = None) -> list[tuple[Any, ...]]:
    """Sum the counts since a day by some of their columns: the columns, then the sum."""
    columns = [_COUNT.c[name] for name in by]
    statement = sa.select(*columns, sa.func.sum(_COUNT.c.looks)).where(_COUNT.c.day >= since).group_by(*columns)
    if ods is not None:
        statement = statement.where(_COUNT.c.ods == ods)
    return [(*row[:-1], int(row[-1])) for row in session.connection().execute(statement.order_by(*columns))]


def forget_counts(session: Session, before: date) -> int:
    """Drop the counts of days before one; gives how many rows."""
    return session.connection().execute(sa.delete(_COUNT).where(_COUNT.c.day < before)).rowcount


def clear(session: Session) -> None:
    """Drop everything: the log is read again from its start, which makes it anew."""
    for table in (_LOOK, _LESSON, _PROJECT, _STUDY, _COUNT):
        session.connection().execute(sa.delete(table))


def _lesson(row: Row) -> Lesson:
    return Lesson(
        ExplanationKind(row["kind"]),
        row["subject"],
        row["named_by"],
        row["about"],
        row["at"],
        row["event_index"],
        row["source"],
    )
