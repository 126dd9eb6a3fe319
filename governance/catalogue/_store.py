"""Reads and writes of studies."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import delete, insert
from sqlmodel import Session, col

from governance.catalogue._tables import CustodianRow, StudyRow
from governance.catalogue.condition import Compare, Condition, Either, Every, Unless
from governance.catalogue.known import study_fact
from governance.catalogue.query import StudyQuery
from governance.catalogue.study import Study
from governance.facts import note
from governance.storage.prepared import Prepared
from governance.storage.upsert import chunks, upsert

Row = Mapping[Any, Any]
_STUDY: sa.Table = StudyRow.__table__  # type: ignore[attr-defined]
_OWNER: sa.Table = CustodianRow.__table__  # type: ignore[attr-defined]

# Statements are built once: SQLAlchemy knows the object again and skips building and hashing it. What a decision asks
# is prepared: it goes straight to the driver.
_COLUMNS: list[Any] = [*_STUDY.c, _OWNER.c.ods.label("custodian"), _OWNER.c.position]
_JOINED = sa.select(*_COLUMNS).select_from(_STUDY.outerjoin(_OWNER, _STUDY.c.study_uid == _OWNER.c.study_uid))
_BY_UID = Prepared(_JOINED.where(_STUDY.c.study_uid == sa.bindparam("study_uid")))
_BY_UIDS = _JOINED.where(_STUDY.c.study_uid.in_(sa.bindparam("uids", expanding=True))).order_by(_STUDY.c.study_uid)
_BY_PSEUDONYMS = _JOINED.where(_STUDY.c.study.in_(sa.bindparam("pseudonyms", expanding=True)))


def put(session: Session, studies: Sequence[Study]) -> None:
    """Insert or replace studies with their custodians; of two with one UID the last wins."""
    distinct = list({study.study_uid: study for study in studies}.values())
    upsert(session, StudyRow, [_row(study) for study in distinct])
    for chunk in chunks([study.study_uid for study in distinct]):
        session.connection().execute(delete(CustodianRow).where(col(CustodianRow.study_uid).in_(chunk)))
    owners = [
        {"study_uid": study.study_uid, "ods": ods, "position": position}
        for study in distinct
        for position, ods in enumerate(study.custodians)
    ]
    if owners:
        session.connection().execute(insert(CustodianRow), owners)
    note(session, map(study_fact, distinct))


def by_uid(session: Session, study_uid: str) -> Study | None:
    """Find a study by its UID."""
    return next(iter(_folded(_BY_UID.rows(session, study_uid=study_uid))), None)


def by_uids(session: Session, study_uids: Sequence[str]) -> list[Study]:
    """Find studies by their UIDs; unknown ones are left out."""
    found: list[Study] = []
    for chunk in chunks(study_uids):
        found += _read(session, _BY_UIDS, {"uids": list(chunk)})
    return found


def by_pseudonyms(session: Session, pseudonyms: Sequence[str]) -> list[Study]:
    """Find studies by their pseudonyms; unknown ones are left out."""
    found: list[Study] = []
    for chunk in chunks(pseudonyms):
        found += _read(session, _BY_PSEUDONYMS, {"pseudonyms": list(chunk)})
    return found


def search(session: Session, queries: Sequence[StudyQuery], after: str, limit: int) -> list[Study]:
    """Give a page of the studies that meet any query, by pseudonym."""
    found: set[str] = set()
    for query in queries:
        meets = sa.select(_STUDY.c.study).where(where(query.condition, query.today), _STUDY.c.study > after)
        for names in _among(query):
            page = meets.where(names).order_by(_STUDY.c.study).limit(limit)
            found.update(session.connection().execute(page).scalars())
    return sorted(by_pseudonyms(session, sorted(found)[:limit]), key=lambda study: study.study)


def where(condition: Condition, today: date) -> sa.ColumnElement[bool]:
    """Say a condition in SQL; every value of it is a bound parameter.

    A field that the catalogue does not hold is a mistake of the caller's, and raises KeyError.
    """
    match condition:
        case Every(parts):
            return sa.and_(sa.true(), *(where(part, today) for part in parts))
        case Either(parts):
            return sa.or_(sa.false(), *(where(part, today) for part in parts))
        case Unless(part):
            return sa.not_(sa.func.coalesce(where(part, today), sa.false()))
        case Compare("study.age_days", operator, values):
            return _aged(operator, values, today)
        case Compare(field, "eq" | "in", values):
            return _FIELDS[field](tuple(str(value) for value in values if isinstance(value, str)))
    raise KeyError("a comparison that the catalogue cannot make")


def _aged(operator: str, values: Sequence[object], today: date) -> sa.ColumnElement[bool]:
    """Turn an age in days into a date: what is at most so old was made on that day or later."""
    (bound,) = values
    if operator != "lte" or not isinstance(bound, int):
        raise KeyError("a comparison that the catalogue cannot make")
    try:
        return _STUDY.c.study_date >= today - timedelta(days=bound)
    except OverflowError:  # older than the calendar, or younger than its end
        return sa.true() if bound > 0 else sa.false()


def _custodian(values: Sequence[str]) -> sa.ColumnElement[bool]:
    return sa.exists().where(_OWNER.c.study_uid == _STUDY.c.study_uid, _OWNER.c.ods.in_(values))


def _labelled(values: Sequence[str]) -> sa.ColumnElement[bool]:
    """Find labels in their JSON array as it is stored: an element with its quotes."""
    text = sa.cast(_STUDY.c.labels, sa.Text)
    return sa.or_(sa.false(), *(text.contains(json.dumps(value), autoescape=True) for value in values))


_FIELDS: Mapping[str, Callable[[Sequence[str]], sa.ColumnElement[bool]]] = {
    "study.body_part": lambda values: _STUDY.c.body_part.in_(values),
    "study.custodian": _custodian,
    "study.label": _labelled,
    "study.modality": lambda values: _STUDY.c.modality.in_(values),
}


def _among(query: StudyQuery) -> Iterator[sa.ColumnElement[bool]]:
    """Give the names of a query as conditions, a chunk each; one that says nothing when it has none."""
    named: list[tuple[Sequence[str] | None, Callable[[Sequence[str]], sa.ColumnElement[bool]]]] = [
        (query.custodians, _custodian),
        (query.patients, lambda names: _STUDY.c.patient.in_(names)),
        (query.studies, lambda names: _STUDY.c.study.in_(names)),
    ]
    given = [(names, says) for names, says in named if names is not None]
    if not given:
        yield sa.true()
    for names, says in given:
        for chunk in chunks(sorted(names)):
            yield says(list(chunk))


def _read(session: Session, statement: sa.Select[Any], values: Mapping[str, Any]) -> list[Study]:
    return _folded(session.connection().execute(statement, values).mappings().all())


def _folded(rows: Iterable[Row]) -> list[Study]:
    """Fold joined rows, one a custodian, into studies; keeps the statement's order of studies."""
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row["study_uid"], []).append(row)
    return [_study(rows) for rows in grouped.values()]


def _study(rows: list[Row]) -> Study:
    ordered = sorted(rows, key=lambda row: row["position"] or 0)
    first = ordered[0]
    return Study(
        study_uid=first["study_uid"],
        study=first["study"],
        custodians=tuple(row["custodian"] for row in ordered if row["custodian"] is not None),
        patient=first["patient"],
        modality=first["modality"],
        body_part=first["body_part"],
        study_date=first["study_date"],
        labels=frozenset(first["labels"]),
    )


def _row(study: Study) -> dict[str, Any]:
    return {
        "study_uid": study.study_uid,
        "study": study.study,
        "patient": study.patient,
        "modality": study.modality,
        "body_part": study.body_part,
        "study_date": study.study_date,
        "labels": sorted(study.labels),
    }
