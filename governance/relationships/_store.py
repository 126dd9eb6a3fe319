"""Reads and writes of edges, patients and opt-out checks."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from governance.relationships._tables import EdgeRow, OptOutRow, PatientRow
from governance.relationships.edge import Edge
from governance.relationships.patient import PatientContext, PatientFlag
from governance.storage.upsert import chunks, upsert
from governance.vocabulary import RelationshipKind

_EDGE: sa.Table = EdgeRow.__table__  # type: ignore[attr-defined]
_PATIENT: sa.Table = PatientRow.__table__  # type: ignore[attr-defined]
_OPT_OUT: sa.Table = OptOutRow.__table__  # type: ignore[attr-defined]


def put_edges(session: Session, edges: Sequence[Edge]) -> None:
    """Insert or replace edges by id."""
    upsert(session, EdgeRow, [_edge_row(edge) for edge in edges])


def put_patients(session: Session, patients: Sequence[PatientContext]) -> None:
    """Insert or replace patients; their opt-out checks go to the cache, where an older check never replaces a newer."""
    upsert(session, PatientRow, [_patient_row(patient) for patient in patients])
    checks = [
        {"patient": patient.patient, "opt_out": patient.opt_out, "checked_at": patient.opt_out_checked_at}
        for patient in patients
        if patient.opt_out is not None and patient.opt_out_checked_at is not None
    ]
    upsert(session, OptOutRow, checks, newest_by="checked_at")


def edges_between(
    session: Session,
    subjects: Collection[str],
    patient: str | None,
    study: str | None,
    custodians: Collection[str],
    at: datetime,
) -> list[Edge]:
    """Find the edges valid at ``at`` from any subject to the patient, the study or a custodian's whole list.

    One arm a way of matching, so that each walks the look-up index: an OR over them would read a team's every edge.
    """
    c = _EDGE.c
    matches: list[Any] = []
    if patient is not None:
        matches.append(c.patient == patient)
    if study is not None:
        matches.append(sa.and_(c.patient.is_(None), c.study == study))
    if custodians:
        matches.append(sa.and_(c.patient.is_(None), c.study.is_(None), c.ods.in_(sorted(custodians))))
    if not matches or not subjects:
        return []
    arms = [sa.select(_EDGE).where(c.subject.in_(sorted(subjects)), match, *_valid(at)) for match in matches]
    return _edges(session, sa.union_all(*arms))


def edges_of_patient(session: Session, patient: str, begun_since: datetime, begun_before: datetime) -> list[Edge]:
    """Find the edges of a patient, whoever the subject, that began in ``[begun_since, begun_before)``."""
    c = _EDGE.c
    return _edges(
        session,
        sa.select(_EDGE).where(c.patient == patient, c.valid_from >= begun_since, c.valid_from < begun_before),
    )


def edges_of_trust(session: Session, kind: RelationshipKind, ods: str, at: datetime) -> list[Edge]:
    """Find the wide edges of one kind that cover a trust's list at an instant."""
    c = _EDGE.c
    return _edges(
        session,
        sa.select(_EDGE).where(c.ods == ods, c.kind == kind.value, c.patient.is_(None), c.study.is_(None), *_valid(at)),
    )


def patients(session: Session, pseudonyms: Sequence[str], checked_after: datetime) -> list[PatientContext]:
    """Find patients; an opt-out checked at or before ``checked_after`` is left unknown."""
    fresh = sa.and_(_OPT_OUT.c.patient == _PATIENT.c.patient, _OPT_OUT.c.checked_at > checked_after)
    columns: list[Any] = [*_PATIENT.c, _OPT_OUT.c.opt_out, _OPT_OUT.c.checked_at]
    statement = sa.select(*columns).select_from(_PATIENT.outerjoin(_OPT_OUT, fresh))
    found: list[PatientContext] = []
    for chunk in chunks(pseudonyms):
        found += map(_patient, session.connection().execute(statement.where(_PATIENT.c.patient.in_(chunk))))
    return found


def household_size(session: Session, household_key: str) -> int:
    """Count the patients who share a household key."""
    statement = sa.select(sa.func.count()).where(_PATIENT.c.household_key == household_key)
    return int(session.connection().execute(statement).scalar_one())


def purge_opt_outs(session: Session, checked_until: datetime) -> int:
    """Delete opt-out checks made at or before an instant; gives how many."""
    return session.connection().execute(sa.delete(_OPT_OUT).where(_OPT_OUT.c.checked_at <= checked_until)).rowcount


def _valid(at: datetime) -> tuple[Any, ...]:
    until = _EDGE.c.valid_until
    return (_EDGE.c.valid_from <= at, sa.or_(until.is_(None), until > at))


def _edges(session: Session, statement: Any) -> list[Edge]:
    found = [_edge(row) for row in session.connection().execute(statement)]
    return sorted(found, key=lambda edge: (edge.kind, edge.id))


def _edge(row: Any) -> Edge:
    return Edge(
        id=row.id,
        kind=RelationshipKind(row.kind),
        subject=row.subject,
        patient=row.patient,
        study=row.study,
        ods=row.ods,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        source=row.source,
    )


def _edge_row(edge: Edge) -> dict[str, Any]:
    return {
        "id": edge.id,
        "kind": edge.kind.value,
        "subject": edge.subject,
        "patient": edge.patient,
        "study": edge.study,
        "ods": edge.ods,
        "valid_from": edge.valid_from,
        "valid_until": edge.valid_until,
        "source": edge.source,
    }


def _patient(row: Any) -> PatientContext:
    return PatientContext(
        patient=row.patient,
        household_key=row.household_key,
        surname_key=row.surname_key,
        surname_share=row.surname_share,
        postcode_key=row.postcode_key,
        staff=row.staff,
        flags=frozenset(map(PatientFlag, row.flags)),
        deceased_on=row.deceased_on,
        opt_out=row.opt_out,
        opt_out_checked_at=row.checked_at,
    )


def _patient_row(patient: PatientContext) -> dict[str, Any]:
    return {
        "patient": patient.patient,
        "household_key": patient.household_key,
        "surname_key": patient.surname_key,
        "surname_share": patient.surname_share,
        "postcode_key": patient.postcode_key,
        "staff": patient.staff,
        "flags": sorted(patient.flags),
        "deceased_on": patient.deceased_on,
    }
