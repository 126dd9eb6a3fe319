"""Reads and writes of this room's table; no row leaves this module."""

import hashlib
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from governance.emergency._tables import EmergencyGrantRow
from governance.emergency.grant import Grant, Scope, Submission
from governance.storage.prepared import Prepared
from governance.storage.upsert import insert_new
from governance.vocabulary import Action, Purpose

_TABLE: sa.Table = EmergencyGrantRow.__table__  # type: ignore[attr-defined]
_AT = sa.bindparam("at", type_=_TABLE.c.since.type)
_RUNNING = Prepared(  # asked for with every decision about a person
    sa.select(_TABLE).where(
        _TABLE.c.subject == sa.bindparam("subject"),
        _TABLE.c.since <= _AT,
        _TABLE.c.until > _AT,
    )
)


def insert(session: Session, grant: Grant, submission: Submission) -> bool:
    """Put a grant on file; False when its denial or its key has one already."""
    scope = grant.scope
    row = EmergencyGrantRow(
        id=grant.id,
        approval_id=grant.approval_id,
        caller=grant.caller,
        idempotency_key=_key(submission),
        body_digest=submission.digest,
        evaluation_id=grant.evaluation_id,
        subject=scope.subject,
        role=scope.role,
        ods=scope.ods,
        study=scope.study,
        action=scope.action.value,
        purpose=scope.purpose.value,
        named_by=scope.named_by,
        agreement_id=grant.agreement_id,
        agreement_version=grant.agreement_version,
        clause=grant.clause,
        since=grant.since,
        until=grant.until,
        revoked_at=grant.revoked_at,
    )
    return insert_new(session, EmergencyGrantRow, row.model_dump())


def keyed(session: Session, submission: Submission) -> tuple[Grant, str] | None:
    """Find the grant under a caller's idempotency key, with the digest of the body it was asked for with."""
    if submission.key is None:
        return None
    statement = select(EmergencyGrantRow).where(
        EmergencyGrantRow.caller == submission.caller, EmergencyGrantRow.idempotency_key == _key(submission)
    )
    row = session.exec(statement).first()
    return (_grant(row), row.body_digest) if row else None


def of_task(session: Session, task_id: str) -> Grant | None:
    """Find a grant by its task."""
    row = session.get(EmergencyGrantRow, task_id)
    return _grant(row) if row else None


def running(session: Session, subject: str, at: datetime) -> list[Grant]:
    """Find a person's grants that have begun and not ended at an instant: those of minutes, so a few at most."""
    found = _RUNNING.rows(session, subject=subject, at=at)
    return sorted((_grant(EmergencyGrantRow(**row)) for row in found), key=lambda grant: grant.approval_id)


def end(session: Session, task_id: str, at: datetime) -> bool:
    """End a grant that still runs; False when none did."""
    statement = (
        update(EmergencyGrantRow)
        .where(col(EmergencyGrantRow.id) == task_id, col(EmergencyGrantRow.until) > at)
        .values(until=at, revoked_at=at)
    )
    return bool(session.connection().execute(statement).rowcount)


def end_all(session: Session, at: datetime) -> int:
    """End every grant that still runs, or is still to begin; gives how many."""
    statement = update(EmergencyGrantRow).where(col(EmergencyGrantRow.until) > at).values(until=at, revoked_at=at)
    return int(session.connection().execute(statement).rowcount)


def forget(session: Session, ended_before: datetime) -> int:
    """Drop the grants that ended before an instant; gives how many."""
    statement = delete(EmergencyGrantRow).where(col(EmergencyGrantRow.until) < ended_before)
    return int(session.connection().execute(statement).rowcount)


def _key(submission: Submission) -> str | None:
    return None if submission.key is None else hashlib.sha256(submission.key.encode()).hexdigest()


def _grant(row: EmergencyGrantRow) -> Grant:
    return Grant(
        id=row.id,
        approval_id=row.approval_id,
        caller=row.caller,
        evaluation_id=row.evaluation_id,
        scope=Scope(row.subject, row.role, row.ods, row.study, Action(row.action), Purpose(row.purpose), row.named_by),
        agreement_id=row.agreement_id,
        agreement_version=row.agreement_version,
        clause=row.clause,
        since=row.since,
        until=row.until,
        revoked_at=row.revoked_at,
    )
