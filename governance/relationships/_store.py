"""Reads and writes of edges, patients and opt-out checks."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from governance.facts import note
from governance.relationships._tables import EdgeRow, OptOutRow, PatientKeyRow, PatientRow, ReferralWordRow
from governance.relationships.edge import WIDE_KINDS, Between, Edge
from governance.relationships.known import edge_fact, gone_edge, patient_fact
from governance.relationships.patient import KnownPatient, PatientContext, PatientFlag
from governance.storage.prepared import LONGEST, Prepared
from governance.storage.upsert import announce, chunks, upsert
from governance.vocabulary import Purpose, RelationshipKind

Row = Mapping[Any, Any]
_EDGE: sa.Table = EdgeRow.__table__  # type: ignore[attr-defined]
_PATIENT: sa.Table = PatientRow.__table__  # type: ignore[attr-defined]
_OPT_OUT: sa.Table = OptOutRow.__table__  # type: ignore[attr-defined]
_KEY: sa.Table = PatientKeyRow.__table__  # type: ignore[attr-defined]
_WORD: sa.Table = ReferralWordRow.__table__  # type: ignore[attr-defined]


# Statements are built once: SQLAlchemy knows the object again and skips building and hashing it. What a decision asks
# is prepared: it goes straight to the driver.
_AT = sa.bindparam("at", type_=_EDGE.c.valid_from.type)
_VALID = (_EDGE.c.valid_from <= _AT, sa.or_(_EDGE.c.valid_until.is_(None), _EDGE.c.valid_until > _AT))
_NAMES_PATIENT = _EDGE.c.patient == sa.bindparam("patient")
_NAMES_STUDY = sa.and_(_EDGE.c.patient.is_(None), _EDGE.c.study == sa.bindparam("study"))
_WIDE = sa.and_(
    _EDGE.c.patient.is_(None), _EDGE.c.study.is_(None), _EDGE.c.ods.in_(sa.bindparam("custodians", expanding=True))
)


def _from_subjects(*matches: Any) -> Prepared:
    """Look for the edges of subjects, one arm a way of matching.

    So that each walks the look-up index: an OR would read every edge of a busy team.
    """
    subject = _EDGE.c.subject.in_(sa.bindparam("subjects", expanding=True))
    return Prepared(sa.union_all(*(sa.select(_EDGE).where(subject, match, *_VALID) for match in matches)))


_BETWEEN = _from_subjects(_NAMES_PATIENT, _NAMES_STUDY, _WIDE)
_AMONG = _from_subjects(
    _EDGE.c.patient.in_(sa.bindparam("patients", expanding=True)),
    sa.and_(_EDGE.c.patient.is_(None), _EDGE.c.study.in_(sa.bindparam("studies", expanding=True))),
    _WIDE,
)
# What explains looks is asked of many people at once, so it walks the index of the patients: the empty word keeps
# SQLite from trying every person with every patient.
_HELD = _EDGE.c.subject.concat(sa.literal_column("''")).in_(sa.bindparam("subjects", expanding=True))
_AROUND = (
    _EDGE.c.valid_from <= sa.bindparam("until", type_=_EDGE.c.valid_from.type),
    sa.or_(_EDGE.c.valid_until.is_(None), _EDGE.c.valid_until > sa.bindparam("since", type_=_EDGE.c.valid_from.type)),
)
_AROUND_PATIENTS = Prepared(
    sa.select(_EDGE).where(_EDGE.c.patient.in_(sa.bindparam("patients", expanding=True)), _HELD, *_AROUND)
)
_AROUND_STUDIES = Prepared(
    sa.select(_EDGE).where(
        _EDGE.c.patient.is_(None), _EDGE.c.study.in_(sa.bindparam("studies", expanding=True)), _HELD, *_AROUND
    )
)
_AROUND_WIDE = Prepared(
    sa.select(_EDGE).where(
        _EDGE.c.subject.in_(sa.bindparam("subjects", expanding=True)),
        _EDGE.c.patient.is_(None),
        _EDGE.c.study.is_(None),
        *_AROUND,
    )
)
_OF_SUBJECTS = sa.select(_EDGE).where(_EDGE.c.subject.in_(sa.bindparam("subjects", expanding=True)), *_VALID)
_WIDE_KINDS = [kind.value for kind in sorted(WIDE_KINDS)]
_TO = sa.union_all(
    sa.select(_EDGE).where(_NAMES_PATIENT, *_VALID),
    sa.select(_EDGE).where(_NAMES_STUDY, *_VALID),
    sa.select(_EDGE).where(_WIDE, _EDGE.c.kind.in_(_WIDE_KINDS), *_VALID),
)
_OF_PATIENT = sa.select(_EDGE).where(
    _NAMES_PATIENT, _EDGE.c.valid_from >= sa.bindparam("since"), _EDGE.c.valid_from < sa.bindparam("before")
)
_BY_IDS = sa.select(_EDGE).where(_EDGE.c.id.in_(sa.bindparam("ids", expanding=True)))
_WORDS = sa.select(_WORD).where(_WORD.c.id.in_(sa.bindparam("ids", expanding=True)))
_SAID = sa.select(_PATIENT).where(_PATIENT.c.patient.in_(sa.bindparam("patients", expanding=True)))
_FRESH = sa.and_(_OPT_OUT.c.patient == _PATIENT.c.patient, _OPT_OUT.c.checked_at > sa.bindparam("checked_after"))


def _contexts(of: Callable[[sa.ColumnElement[str]], sa.ColumnElement[bool]]) -> Prepared:
    """Look for what is said of patients, each row with the opt-out, and for the opt-outs of whom nothing is said."""
    opt_out = (_OPT_OUT.c.opt_out, _OPT_OUT.c.checked_at)
    said = sa.select(*_PATIENT.c, *opt_out).select_from(_PATIENT.outerjoin(_OPT_OUT, _FRESH))
    nothing = [_OPT_OUT.c.patient if one.name == "patient" else sa.null().label(one.name) for one in _PATIENT.c]
    silent = ~sa.exists().where(_PATIENT.c.patient == _OPT_OUT.c.patient)
    fresh = _OPT_OUT.c.checked_at > sa.bindparam("checked_after")
    alone = sa.select(*nothing, *opt_out).where(of(_OPT_OUT.c.patient), fresh, silent)
    return Prepared(sa.union_all(said.where(of(_PATIENT.c.patient)), alone))


_CONTEXT_OF_ONE = _contexts(lambda column: column == sa.bindparam("patient"))
_CONTEXT_OF_MANY = _contexts(lambda column: column.in_(sa.bindparam("patients", expanding=True)))


def put_edges(session: Session, edges: Sequence[Edge]) -> None:
    """Insert or replace edges by id."""
    upsert(session, EdgeRow, [_edge_row(edge) for edge in edges])
    note(session, map(edge_fact, edges))


def put_patients(session: Session, patients: Sequence[PatientContext]) -> None:
    """Insert or replace what trusts say of patients.

    Opt-out checks go to the cache, where an older one never replaces a newer. A check alone puts no row on file: the
    log would tell of it by the patient.
    """
    said = _without_bare_checks(session, patients)
    upsert(session, PatientRow, [_patient_row(patient) for patient in said])
    note(session, map(patient_fact, said))
    checks: list[dict[str, Any]] = [
        {"patient": patient.patient, "opt_out": patient.opt_out, "checked_at": patient.opt_out_checked_at}
        for patient in patients
        if patient.opt_out is not None and patient.opt_out_checked_at is not None
    ]
    checks.sort(key=lambda check: check["checked_at"])
    upsert(session, OptOutRow, checks, newest_by="checked_at")


def _without_bare_checks(session: Session, patients: Sequence[PatientContext]) -> list[PatientContext]:
    """Leave out what brings an opt-out check and says nothing else, unless it clears what is on file."""
    bare = {patient.patient for patient in patients if patient.opt_out is not None and not patient.says_something}
    filed = {(said.patient, said.ods) for said in patients_said(session, sorted(bare))} if bare else set()
    return [
        patient
        for patient in patients
        if patient.says_something or patient.opt_out is None or (patient.patient, patient.ods) in filed
    ]


def delete_edge(session: Session, edge_id: str) -> None:
    """Take an edge off file."""
    announce(session, EdgeRow, [{"id": edge_id}])
    session.connection().execute(sa.delete(_EDGE).where(_EDGE.c.id == edge_id))
    note(session, [gone_edge(edge_id)])


def put_referral_word(session: Session, edge: Edge, said_by: str) -> None:
    """Insert or replace what one end of a referral says of it."""
    row = _edge_row(edge) | {"said_by": said_by}
    del row["kind"]
    upsert(session, ReferralWordRow, [row])


def referral_words(session: Session, ids: Sequence[str]) -> dict[str, dict[str, Edge]]:
    """Find what ends say of referrals, by feed id and by the trust that says so."""
    found: dict[str, dict[str, Edge]] = {}
    for chunk in chunks(ids):
        for row in session.connection().execute(_WORDS, {"ids": list(chunk)}).mappings():
            values = {name: value for name, value in row.items() if name != "said_by"}
            found.setdefault(row["id"], {})[row["said_by"]] = _edge(values | {"kind": RelationshipKind.REFERRAL})
    return found


def edges_by_id(session: Session, ids: Sequence[str]) -> list[Edge]:
    """Find edges by their feed ids; unknown ones are left out."""
    return [edge for chunk in chunks(ids) for edge in _edges(session, _BY_IDS, {"ids": list(chunk)})]


def patients_said(session: Session, pseudonyms: Sequence[str]) -> list[PatientContext]:
    """Find what each trust says of patients, without their opt-outs."""
    found: list[PatientContext] = []
    for chunk in chunks(pseudonyms):
        rows = session.connection().execute(_SAID, {"patients": list(chunk)}).mappings()
        found += map(_said, rows)
    return found


def edges_between(
    session: Session,
    subjects: Collection[str],
    patient: str | None,
    study: str | None,
    custodians: Collection[str],
    at: datetime,
) -> list[Edge]:
    """Find the edges valid at ``at`` from any subject to the patient, the study or a custodian's whole list."""
    found = _BETWEEN.rows(
        session, subjects=sorted(subjects), patient=patient, study=study, custodians=sorted(custodians), at=at
    )
    return _ordered(found)


def edges_among(session: Session, subjects: Collection[str], wanted: Sequence[Between], at: datetime) -> list[Edge]:
    """Find the edges valid at ``at`` that :func:`edges_between` finds for any of what is wanted of these subjects."""
    found: list[Edge] = []
    for some in chunks(wanted):
        rows = _AMONG.rows(
            session,
            subjects=sorted(subjects),
            patients=sorted({one.patient for one in some if one.patient is not None}),
            studies=sorted({one.study for one in some if one.study is not None}),
            custodians=sorted({ods for one in some for ods in one.custodians}),
            at=at,
        )
        found += _ordered(rows)
    return found


def edges_around(
    session: Session,
    subjects: Collection[str],
    patients: Collection[str],
    studies: Collection[str],
    span: tuple[datetime, datetime],
) -> list[Edge]:
    """Find the edges from any subject to a patient, to a study alone or to a whole trust, valid at some time in a span.

    Three statements, as long as no list is longer than one may be (``prepared.LONGEST``).
    """
    when = {"since": span[0], "until": span[1]}
    found: list[Row] = []
    for names in chunks(sorted(subjects), LONGEST):
        found += _AROUND_WIDE.rows(session, subjects=names, **when)
        for some in chunks(sorted(patients), LONGEST):
            found += _AROUND_PATIENTS.rows(session, subjects=names, patients=some, **when)
        for some in chunks(sorted(studies), LONGEST):
            found += _AROUND_STUDIES.rows(session, subjects=names, studies=some, **when)
    return _ordered(found)


def edges_of(session: Session, subjects: Collection[str], at: datetime) -> list[Edge]:
    """Find the edges valid at ``at`` from any subject, whatever they lead to."""
    return _edges(session, _OF_SUBJECTS, {"subjects": sorted(subjects), "at": at})


def edges_to(
    session: Session, patient: str | None, study: str | None, custodians: Collection[str], at: datetime
) -> list[Edge]:
    """Find the edges valid at ``at`` to the patient, the study or a custodian's whole list, whoever the subject."""
    values = {"patient": patient, "study": study, "custodians": sorted(custodians), "at": at}
    return _edges(session, _TO, values)


def edges_of_patient(session: Session, patient: str, begun_since: datetime, begun_before: datetime) -> list[Edge]:
    """Find the edges of a patient, whoever the subject, that began in ``[begun_since, begun_before)``."""
    return _edges(session, _OF_PATIENT, {"patient": patient, "since": begun_since, "before": begun_before})


def patient(session: Session, pseudonym: str, checked_after: datetime) -> KnownPatient | None:
    """Find a patient; an opt-out checked at or before ``checked_after`` is left unknown."""
    rows = _CONTEXT_OF_ONE.rows(session, patient=pseudonym, checked_after=checked_after)
    return _known(rows).get(pseudonym)


def patients(session: Session, pseudonyms: Sequence[str], checked_after: datetime) -> dict[str, KnownPatient]:
    """Find many patients, as :func:`patient`; unknown ones are left out."""
    found: list[Row] = []
    for chunk in chunks(pseudonyms):
        found += _CONTEXT_OF_MANY.rows(session, patients=chunk, checked_after=checked_after)
    return _known(found)


def put_patient_keys(session: Session, keys: Mapping[str, str]) -> None:
    """Keep whose a patient's key is."""
    upsert(session, PatientKeyRow, [{"key": key, "patient": patient} for key, patient in keys.items()])


def patients_of_keys(session: Session, keys: Sequence[str]) -> dict[str, str]:
    """Give the patients of keys; unknown ones are left out."""
    statement = sa.select(_KEY.c.key, _KEY.c.patient).where(_KEY.c.key.in_(sa.bindparam("keys", expanding=True)))
    found: dict[str, str] = {}
    for chunk in chunks(keys):
        found.update((key, named) for key, named in session.connection().execute(statement, {"keys": list(chunk)}))
    return found


def delete_patient_keys(session: Session, patient: str) -> None:
    """Forget the keys of a patient."""
    session.connection().execute(sa.delete(_KEY).where(_KEY.c.patient == patient))


def household_size(session: Session, household_key: str) -> int:
    """Count the patients who share a household key."""
    statement = sa.select(sa.func.count(_PATIENT.c.patient.distinct())).where(_PATIENT.c.household_key == household_key)
    return int(session.connection().execute(statement).scalar_one())


def purge_opt_outs(session: Session, checked_until: datetime) -> int:
    """Delete opt-out checks made at or before an instant; gives how many."""
    return session.connection().execute(sa.delete(_OPT_OUT).where(_OPT_OUT.c.checked_at <= checked_until)).rowcount


def _edges(session: Session, statement: Any, values: Mapping[str, Any]) -> list[Edge]:
    return _ordered(session.connection().execute(statement, values).mappings().all())


def _ordered(rows: Iterable[Row]) -> list[Edge]:
    return sorted(map(_edge, rows), key=lambda edge: (edge.kind, edge.id))


def _edge(row: Row) -> Edge:
    purpose = row["purpose"]
    typed = {"kind": RelationshipKind(row["kind"]), "purpose": None if purpose is None else Purpose(purpose)}
    return Edge(**{**row, **typed})


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
        "named_by": edge.named_by,
        "site": edge.site,
        "purpose": None if edge.purpose is None else edge.purpose.value,
        "destination": edge.destination,
        "limit": edge.limit,
    }


def _known(rows: Iterable[Row]) -> dict[str, KnownPatient]:
    """Put together what trusts say of patients; each row carries the one opt-out of its patient."""
    by_patient: dict[str, list[Row]] = {}
    for row in rows:
        by_patient.setdefault(row["patient"], []).append(row)
    return {
        patient: KnownPatient(
            patient,
            tuple(_said(row) for row in sorted(theirs, key=lambda row: str(row["ods"])) if row["ods"] is not None),
            theirs[0]["opt_out"],
            theirs[0]["checked_at"],
        )
        for patient, theirs in by_patient.items()
    }


def _said(row: Row) -> PatientContext:
    return PatientContext(
        patient=row["patient"],
        household_key=row["household_key"],
        surname_key=row["surname_key"],
        surname_share=row["surname_share"],
        postcode_key=row["postcode_key"],
        staff=row["staff"],
        flags=frozenset(map(PatientFlag, row["flags"])),
        deceased_on=row["deceased_on"],
        ods=row["ods"] or None,
    )


def _patient_row(patient: PatientContext) -> dict[str, Any]:
    return {
        "patient": patient.patient,
        "ods": patient.ods or "",
        "household_key": patient.household_key,
        "surname_key": patient.surname_key,
        "surname_share": patient.surname_share,
        "postcode_key": patient.postcode_key,
        "staff": patient.staff,
        "flags": sorted(patient.flags),
        "deceased_on": patient.deceased_on,
    }
