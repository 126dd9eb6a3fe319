"""Reads and writes of studies."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import delete, func, insert
from sqlmodel import Session, col, select

from governance.catalogue._tables import CustodianRow, StudyRow
from governance.catalogue.study import Study
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
_BY_PATIENT = _JOINED.where(_STUDY.c.patient == sa.bindparam("patient")).order_by(
    _STUDY.c.study_date.desc(), _STUDY.c.study_uid
)

_AFTER = (
    sa.select(_STUDY.c.study)
    .where(_STUDY.c.study > sa.bindparam("after"))
    .order_by(_STUDY.c.study)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_AFTER_OF_CUSTODIANS = _AFTER.where(
    sa.exists().where(_OWNER.c.study_uid == _STUDY.c.study_uid, _OWNER.c.ods.in_(sa.bindparam("names", expanding=True)))
)
_AFTER_OF_PATIENTS = _AFTER.where(_STUDY.c.patient.in_(sa.bindparam("names", expanding=True)))
_AFTER_NAMED = _AFTER.where(_STUDY.c.study.in_(sa.bindparam("names", expanding=True)))


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


def by_uid(session: Session, study_uid: str) -> Study | None:
    """Find a study by its UID."""
    return next(iter(_folded(_BY_UID.rows(session, study_uid=study_uid))), None)


def by_pseudonyms(session: Session, pseudonyms: Sequence[str]) -> list[Study]:
    """Find studies by their pseudonyms; unknown ones are left out."""
    found: list[Study] = []
    for chunk in chunks(pseudonyms):
        found += _read(session, _BY_PSEUDONYMS, {"pseudonyms": list(chunk)})
    return found


def by_patient(session: Session, patient: str) -> list[Study]:
    """Find a patient's studies, newest first."""
    return _read(session, _BY_PATIENT, {"patient": patient})


def by_custodian(session: Session, ods: str, after: str, limit: int) -> list[Study]:
    """Give a page of the studies a trust answers for, by UID, those after ``after``."""
    page = (
        select(CustodianRow.study_uid)
        .where(CustodianRow.ods == ods, col(CustodianRow.study_uid) > after)
        .order_by(col(CustodianRow.study_uid))
        .limit(limit)
    )
    uids = session.exec(page).all()
    return _read(session, _BY_UIDS, {"uids": list(uids)})


def reached(
    session: Session,
    custodians: Collection[str],
    patients: Collection[str],
    studies: Collection[str],
    after: str,
    limit: int,
) -> list[Study]:
    """Give a page of the studies of any of these custodians or patients, or of these names, by pseudonym."""
    found: set[str] = set()
    for statement, names in (
        (_AFTER_OF_CUSTODIANS, custodians),
        (_AFTER_OF_PATIENTS, patients),
        (_AFTER_NAMED, studies),
    ):
        for chunk in chunks(sorted(names)):
            values = {"names": list(chunk), "after": after, "most": limit}
            found.update(session.connection().execute(statement, values).scalars())
    return sorted(by_pseudonyms(session, sorted(found)[:limit]), key=lambda study: study.study)


def custodian_count(session: Session, ods: str) -> int:
    """Count the studies a trust answers for."""
    return session.exec(select(func.count()).select_from(CustodianRow).where(CustodianRow.ods == ods)).one()


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
