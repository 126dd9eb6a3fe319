"""Reads and writes of agreements, signatures, keys and their history; rows never leave, values do."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Executable, Row, bindparam, func, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from governance.agreements._tables import AgreementChange, AgreementParty, AgreementVersion, PolicyGeneration
from governance.agreements.documents import Checked
from governance.agreements.known import agreement_fact
from governance.agreements.lifecycle import LAPSED
from governance.agreements.record import Change
from governance.errors import Conflict
from governance.facts import Fact
from governance.storage.prepared import Prepared
from governance.storage.upsert import announce, chunks, count_up
from governance.vocabulary import AgreementStatus

_WHEN = (
    col(AgreementVersion.status_changed_at),
    col(AgreementVersion.begins_at),
    col(AgreementVersion.ends_at),
    col(AgreementVersion.superseded_by),
)
_GENERATION = "policy"
_READ_GENERATION = Prepared(
    select(col(PolicyGeneration.generation)).where(col(PolicyGeneration.name) == bindparam("name"))
)  # asked before every decision
_LONGEST_LIST = 500  # values in one IN list; past it the whole column is read
_STORED = (
    col(AgreementVersion.agreement_id),
    col(AgreementVersion.version),
    col(AgreementVersion.text),
    col(AgreementVersion.text_hash),
    col(AgreementVersion.status),
    col(AgreementVersion.status_reason),
    col(AgreementVersion.status_changed_at),
    col(AgreementVersion.loaded_at),
    col(AgreementVersion.superseded_by),
)


@dataclass(frozen=True, slots=True)
class Stored:
    """One version as it is kept."""

    agreement_id: str
    version: int
    text: str
    text_hash: str
    status: AgreementStatus
    status_reason: str | None
    status_changed_at: datetime
    loaded_at: datetime
    superseded_by: int | None


@dataclass(frozen=True, slots=True)
class Titled:
    """One version as it is kept, without its text."""

    agreement_id: str
    version: int
    title: str
    status: AgreementStatus
    superseded_by: int | None


def insert_versions(session: Session, checked: Sequence[Checked], at: datetime) -> None:
    """Put new versions on file as drafts; raises Conflict when another writer was faster."""
    if not checked:
        return
    versions = [
        {
            "agreement_id": one.agreement.id,
            "version": one.agreement.version,
            "title": one.agreement.title,
            "text": one.text,
            "text_hash": one.text_hash,
            "status": AgreementStatus.DRAFT.value,
            "status_changed_at": at,
            "begins_at": one.agreement.effective.begins_at,
            "ends_at": one.agreement.effective.ends_at,
            "loaded_at": at,
        }
        for one in checked
    ]
    parties = [
        {"agreement_id": one.agreement.id, "version": one.agreement.version, "ods": p.ods, "role": p.role.value}
        for one in checked
        for p in one.agreement.parties
    ]
    announce(session, AgreementVersion, versions)
    announce(session, AgreementParty, parties)
    try:
        session.connection().execute(insert(AgreementVersion), versions)
        session.connection().execute(insert(AgreementParty), parties)
    except IntegrityError:
        raise Conflict("agreement.version_exists", "This version was put on file a moment ago.") from None


def versions_of(session: Session, agreement_id: str, *, lock: bool = False) -> list[Stored]:
    """Give every version of an agreement, oldest first; ``lock`` keeps other writers off them until the commit."""
    query = select(*_STORED).where(col(AgreementVersion.agreement_id) == agreement_id)
    query = query.order_by(col(AgreementVersion.version))
    return _stored(session, query.with_for_update() if lock else query)


def on_file(session: Session, agreement_ids: Iterable[str]) -> dict[str, dict[int, str]]:
    """Give the text hash of every version of the named agreements, by agreement and version."""
    wanted = set(agreement_ids)
    query = select(col(AgreementVersion.agreement_id), col(AgreementVersion.version), col(AgreementVersion.text_hash))
    if len(wanted) <= _LONGEST_LIST:
        query = query.where(col(AgreementVersion.agreement_id).in_(wanted))
    found: dict[str, dict[int, str]] = {}
    for agreement_id, version, digest in session.connection().execute(query):
        found.setdefault(agreement_id, {})[version] = digest
    return found


def titles(session: Session, agreement_ids: Iterable[str]) -> Iterator[Titled]:
    """Give every version of the named agreements without its text, in one statement for every 500 of them."""
    columns = (
        col(AgreementVersion.agreement_id),
        col(AgreementVersion.version),
        col(AgreementVersion.title),
        col(AgreementVersion.status),
        col(AgreementVersion.superseded_by),
    )
    for some in chunks(sorted(set(agreement_ids))):
        query = select(*columns).where(col(AgreementVersion.agreement_id).in_(some))
        for agreement_id, version, title, status, superseded_by in session.connection().execute(query):
            yield Titled(agreement_id, version, title, AgreementStatus(status), superseded_by)


def named(session: Session, wanted: Sequence[tuple[str, int]]) -> list[Stored]:
    """Give the named versions, in the order of the names."""
    found: dict[tuple[str, int], Stored] = {}
    for some in chunks(wanted):
        name = tuple_(col(AgreementVersion.agreement_id), col(AgreementVersion.version))
        found |= {
            (one.agreement_id, one.version): one for one in _stored(session, select(*_STORED).where(name.in_(some)))
        }
    return [found[name] for name in wanted]


def facts(session: Session, wanted: Sequence[tuple[str, int]]) -> list[Fact]:
    """Give the named versions as they are to be known: where each stands since when, and its first and last instant."""
    name = tuple_(col(AgreementVersion.agreement_id), col(AgreementVersion.version))
    columns = (*_STORED[:2], col(AgreementVersion.status), *_WHEN)
    found = (
        row
        for some in chunks(wanted)
        for row in session.connection().execute(select(*columns).where(name.in_(some))).all()
    )
    return [agreement_fact(*row) for row in found]


def page(
    session: Session,
    status: AgreementStatus | None,
    parties: Iterable[str],
    after: tuple[str, int] | None,
    limit: int,
    *,
    superseded: bool = False,
) -> list[Stored]:
    """Give at most ``limit`` versions that bind all the parties, by name, after a position.

    Versions that were superseded are left out unless they are asked for.
    """
    query = select(*_STORED)
    if not superseded:
        query = query.where(col(AgreementVersion.superseded_by).is_(None))
    if status is not None:
        query = query.where(col(AgreementVersion.status) == status.value)
    for ods in parties:
        bound = select(col(AgreementParty.agreement_id), col(AgreementParty.version)).where(
            col(AgreementParty.ods) == ods
        )
        query = query.where(tuple_(col(AgreementVersion.agreement_id), col(AgreementVersion.version)).in_(bound))
    if after is not None:
        query = query.where(tuple_(col(AgreementVersion.agreement_id), col(AgreementVersion.version)) > tuple_(*after))
    order = (col(AgreementVersion.agreement_id), col(AgreementVersion.version))
    return _stored(session, query.order_by(*order).limit(limit))


def compilable(session: Session) -> list[Stored]:
    """Give every version that may have a place in the policy data: active or lapsed, and not superseded."""
    wanted = [AgreementStatus.ACTIVE.value, *sorted(status.value for status in LAPSED)]
    return _stored(
        session,
        select(*_STORED).where(col(AgreementVersion.status).in_(wanted), col(AgreementVersion.superseded_by).is_(None)),
    )


def due(session: Session, statuses: Iterable[AgreementStatus], now: datetime) -> list[Stored]:
    """Give the versions in one of the statuses whose last day has passed."""
    wanted = [status.value for status in statuses]
    query = select(*_STORED).where(col(AgreementVersion.status).in_(wanted), col(AgreementVersion.ends_at) <= now)
    return _stored(session, query.order_by(col(AgreementVersion.agreement_id), col(AgreementVersion.version)))


def set_status(
    session: Session, agreement_id: str, version: int, status: AgreementStatus, reason: str | None, at: datetime
) -> None:
    """Write the state of a version."""
    announce(session, AgreementVersion, [{"agreement_id": agreement_id}])
    session.connection().execute(
        update(AgreementVersion)
        .where(*_is(agreement_id, version))
        .values(status=status.value, status_reason=reason, status_changed_at=at)
    )


def mark_superseded(session: Session, agreement_id: str, version: int, by: int) -> None:
    """Write which version took the place of this one."""
    announce(session, AgreementVersion, [{"agreement_id": agreement_id}])
    session.connection().execute(update(AgreementVersion).where(*_is(agreement_id, version)).values(superseded_by=by))


def add_changes(session: Session, changes: Sequence[Change]) -> None:
    """Write steps into the history; their ``sequence`` is given by the database."""
    rows = [
        {
            "agreement_id": change.agreement,
            "version": change.version,
            "transition": change.transition,
            "status": None if change.status is None else change.status.value,
            "reason": change.reason,
            "at": change.at,
        }
        for change in changes
    ]
    if rows:
        announce(session, AgreementChange, rows)
        session.connection().execute(insert(AgreementChange), rows)


def history(session: Session, agreement_id: str) -> list[Change]:
    """Give every step of every version of an agreement, oldest first."""
    table = AgreementChange
    rows = session.connection().execute(
        select(
            col(table.sequence),
            col(table.agreement_id),
            col(table.version),
            col(table.transition),
            col(table.status),
            col(table.reason),
            col(table.at),
        )
        .where(col(table.agreement_id) == agreement_id)
        .order_by(col(table.sequence))
    )
    return [
        Change(
            row.sequence,
            row.agreement_id,
            row.version,
            row.transition,
            None if row.status is None else AgreementStatus(row.status),
            row.reason,
            row.at,
        )
        for row in rows
    ]


def count_by_status(session: Session) -> dict[AgreementStatus, int]:
    """Give how many versions that were not superseded are in each status."""
    rows = session.connection().execute(
        select(col(AgreementVersion.status), func.count())
        .where(col(AgreementVersion.superseded_by).is_(None))
        .group_by(col(AgreementVersion.status))
    )
    counted = {AgreementStatus(status): number for status, number in rows}
    return {status: counted.get(status, 0) for status in AgreementStatus}


def generation(session: Session) -> int:
    """Give how often the policy has changed, 0 for never."""
    rows = _READ_GENERATION.rows(session, name=_GENERATION)
    return int(rows[0]["generation"]) if rows else 0


def next_generation(session: Session) -> None:
    """Count a change of the policy."""
    count_up(session, PolicyGeneration, {"name": _GENERATION}, "generation")


def _is(agreement_id: str, version: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(AgreementVersion.agreement_id) == agreement_id, col(AgreementVersion.version) == version


def _stored(session: Session, query: Executable) -> list[Stored]:
    return [_one(row) for row in session.connection().execute(query)]


def _one(row: Row[Any]) -> Stored:
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's documented access to a row by name
    return Stored(**{**values, "status": AgreementStatus(values["status"])})
