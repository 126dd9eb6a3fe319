"""Reads and writes of the log's tables. Only the sequencer writes; nothing here updates or deletes an entry.

1. Every write happens under :func:`lock`, inside the caller's transaction.
2. Rows go in by the driver's ``executemany``, not as objects: the log is the busiest table of the service.
3. Readers page by index. Committed rows never change, so any read below a committed size is stable.
4. A search walks the index of the narrowest column it is given, on every database: a planner without statistics may
   think a kind as rare as a decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    FromClause,
    Text,
    bindparam,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    text,
    true,
    union,
    union_all,
    update,
)
from sqlmodel import Session, SQLModel

from governance.audit._tables import CheckpointRow, EntryRow, HeadRow, TileRow
from governance.audit.event import RecordedEvent
from governance.audit.merkle import HASH_BYTES, CompactRange
from governance.storage.dialect import on_postgres
from governance.storage.lists import one_of_integers
from governance.storage.prepared import Prepared
from governance.storage.upsert import chunks
from governance.vocabulary import SYSTEM

ADVISORY_LOCK = 0x61756469740001  # "audit", then the lock's number; one log in one PostgreSQL database
# A plan made while the log was nearly empty would be kept, and would scan a log that has grown since.
_POSTGRES_LOCK = Prepared(
    text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK}), set_config('plan_cache_mode', 'force_custom_plan', true)")
)
_WALKS: tuple[tuple[str, ...], ...] = (  # what indexes begin with, the narrowest first
    ("source_id", "event_id"),
    ("token_jti",),
    ("decision_id",),
    ("study",),
    ("patient",),
    ("subject",),
    ("agreement_id",),
    ("kind",),
    ("source_id",),
)
_INDEXED = frozenset(name for names in _WALKS for name in names)
_LAST = (1 << 63) - 1  # no entry has a higher index


def _table(row: type[SQLModel]) -> Any:
    return SQLModel.metadata.tables[str(row.__tablename__)]


_ENTRY, _HEAD = _table(EntryRow), _table(HeadRow)
_TILE, _CHECKPOINT = _table(TileRow), _table(CheckpointRow)
_CHAIN = ("index", "token_jti", "decision_id", "entry")  # columns that a chain is found by
# What every commit runs goes straight to the driver.
_INSERT_ENTRY, _INSERT_TILE = Prepared(insert(_ENTRY)), Prepared(insert(_TILE))
_READ_HEAD = Prepared(select(_HEAD.c.size, _HEAD.c.frontier).where(_HEAD.c.id == bindparam("id")))
_WRITE_HEAD = Prepared(
    update(_HEAD).where(_HEAD.c.id == bindparam("which")).values(size=bindparam("size"), frontier=bindparam("frontier"))
)
_LEAVES = Prepared(
    select(_ENTRY.c.leaf_hash)
    .where(_ENTRY.c.index >= bindparam("start"), _ENTRY.c.index < bindparam("stop"))
    .order_by(_ENTRY.c.index)
)
_ROOTS = Prepared(
    select(_TILE.c.root)
    .where(
        _TILE.c.level == bindparam("level"), _TILE.c.number >= bindparam("start"), _TILE.c.number < bindparam("stop")
    )
    .order_by(_TILE.c.number)
)
_KNOWN = Prepared(
    select(_ENTRY.c.event_id, _ENTRY.c.entry).where(
        _ENTRY.c.source_id == bindparam("source"), _ENTRY.c.event_id.in_(bindparam("events", expanding=True))
    )
)

_OLDEST = {  # entry of each value of a column: of this service, and of others
    name: select(func.min(_ENTRY.c.index))
    .where(
        _ENTRY.c[name].in_(bindparam("names", expanding=True)),
        _ENTRY.c.kind.concat(literal_column("''")) == bindparam("kind"),  # as in _equals
        _ENTRY.c.index < bindparam("before"),
    )
    .group_by(_ENTRY.c[name], _ENTRY.c.source_id == bindparam("ours"))
    for name in ("decision_id", "token_jti")
}
_FIRST = {name: Prepared(select(_ENTRY.c.entry).where(_ENTRY.c.index.in_(oldest))) for name, oldest in _OLDEST.items()}


def lock(session: Session) -> None:
    """Make this transaction the only one that may extend the log, until it ends.

    SQLite's write transaction already is; PostgreSQL takes an advisory lock, so that readers are never held up.
    """
    if on_postgres(session):
        _POSTGRES_LOCK.run(session)


def head(session: Session) -> CompactRange:
    """Give the growing edge of the tree; the empty tree when nothing was ever appended."""
    rows = _READ_HEAD.rows(session, id=1)
    if not rows:
        return CompactRange()
    size, frontier = rows[0]["size"], bytes(rows[0]["frontier"])
    return CompactRange(size, [frontier[at : at + HASH_BYTES] for at in range(0, len(frontier), HASH_BYTES)])


def save_head(session: Session, edge: CompactRange) -> None:
    """Keep the growing edge of the tree."""
    values = {"size": edge.size, "frontier": b"".join(edge.frontier)}
    if _WRITE_HEAD.run(session, which=1, **values) == 0:
        session.connection().execute(insert(_HEAD).values(id=1, **values))


def known(session: Session, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
    """Give the entry bytes of those of the ``(source id, event id)`` keys that the log already holds."""
    by_source: dict[str, list[str]] = {}
    for source_id, event_id in keys:
        by_source.setdefault(source_id, []).append(event_id)
    found: dict[tuple[str, str], bytes] = {}
    for source_id, event_ids in by_source.items():
        for some in chunks(event_ids):
            for event_id, entry in _KNOWN.tuples(session, source=source_id, events=some):
                found[source_id, event_id] = bytes(entry)
    return found


def insert_entries(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put entries in, in the order given."""
    _INSERT_ENTRY.run_many(session, rows)


def row_of(event: RecordedEvent, index: int, leaf_hash: bytes, entry: bytes) -> dict[str, Any]:
    """Give the row of one entry: its index, its bytes, their hash, and the columns that repeat what searches need."""
    subject, resource, authority = event.subject, event.resource, event.authority
    return {
        "index": index,
        "leaf_hash": leaf_hash,
        "occurred_at": event.time,
        "recorded_at": event.recorded_at,
        "source_id": event.source.id,
        "source_ods": event.source.ods,
        "event_id": event.id,
        "kind": event.kind.value,
        "outcome": event.outcome.value,
        "subject": subject.id if subject else None,
        "subject_ods": subject.ods if subject else None,
        "patient": resource.patient if resource else None,
        "study": resource.study if resource else None,
        "custodian": resource.custodian if resource else None,
        "decision_id": authority.decision_id,
        "agreement_id": authority.agreement_id,
        "token_jti": authority.token_jti,
        "entry": entry,
    }


def entries(session: Session, start: int, stop: int) -> list[bytes]:
    """Give the entry bytes of indexes [start, stop) that exist, in order."""
    statement = select(_ENTRY.c.entry).where(_ENTRY.c.index >= start, _ENTRY.c.index < stop).order_by(_ENTRY.c.index)
    return [bytes(entry) for entry in session.connection().execute(statement).scalars()]


def recorded_at(session: Session, index: int) -> datetime | None:
    """Give when the entry of an index was recorded, None when there is none."""
    statement = select(_ENTRY.c.recorded_at).where(_ENTRY.c.index == index)
    found: datetime | None = session.connection().execute(statement).scalar_one_or_none()
    return found


def hashes(session: Session, level: int, start: int, stop: int) -> list[bytes]:
    """Give the hashes [start, stop) of a tile level, as far as they exist, in order.

    Level 0 is the leaves; above it, each hash is the root of a full tile one level down.
    """
    if level == 0:
        found = _LEAVES.tuples(session, start=start, stop=stop)
    else:
        found = _ROOTS.tuples(session, level=level - 1, start=start, stop=stop)
    return [bytes(value) for (value,) in found]


def full_tile(session: Session, level: int, number: int) -> bytes | None:
    """Give the 8,192 bytes of a full tile, or None while it is not full."""
    statement = select(_TILE.c.hashes).where(_TILE.c.level == level, _TILE.c.number == number)
    found = session.connection().execute(statement).scalar()
    return None if found is None else bytes(found)


def insert_tiles(session: Session, level: int, first: int, tiles: Sequence[tuple[bytes, bytes]]) -> None:
    """Keep tiles that have become full: root and hashes of each, numbered from ``first``."""
    rows = [
        {"level": level, "number": number, "root": root, "hashes": joined}
        for number, (root, joined) in enumerate(tiles, first)
    ]
    _INSERT_TILE.run_many(session, rows)


def newest_checkpoint(session: Session) -> tuple[str, datetime] | None:
    """Give the note of the largest signed checkpoint and when it was signed, or None before the first."""
    statement = select(_CHECKPOINT.c.note, _CHECKPOINT.c.signed_at).order_by(_CHECKPOINT.c.size.desc()).limit(1)
    row = session.connection().execute(statement).first()
    return None if row is None else (row.note, row.signed_at)


def latest_checkpoint(session: Session) -> str | None:
    """Give the note of the largest signed checkpoint, or None before the first."""
    newest = newest_checkpoint(session)
    return None if newest is None else newest[0]


def insert_checkpoint(session: Session, size: int, root: bytes, note: str, signed_at: datetime) -> None:
    """Keep a signed checkpoint."""
    values = {"size": size, "root": root, "note": note, "signed_at": signed_at}
    session.connection().execute(insert(_CHECKPOINT).values(values))


def find(
    session: Session, filters: Mapping[str, Any], limit: int, newest_first: bool, among: Sequence[int] | None = None
) -> list[bytes]:
    """Give the entry bytes that match every filter, by index; of some indexes only when they are given."""
    order = _ENTRY.c.index.desc() if newest_first else _ENTRY.c.index
    given = [] if among is None else [one_of_integers(session, _ENTRY.c.index, among)]
    statement = select(_ENTRY.c.entry).where(*given, *_conditions(filters)).order_by(order).limit(limit)
    return [bytes(entry) for entry in session.connection().execute(statement).scalars()]


def firsts(session: Session, column: str, kind: str, names: Sequence[str], before: int) -> list[bytes]:
    """Give the bytes of the first entries of a kind under some values of a column: of this service, and of others."""
    rows = _FIRST[column].tuples(session, kind=kind, names=list(names), before=before, ours=SYSTEM)
    return [bytes(entry) for (entry,) in rows]


def count(session: Session, filters: Mapping[str, Any]) -> int:
    """Give how many entries match every filter."""
    statement = select(func.count()).select_from(_ENTRY).where(*_conditions(filters))
    return int(session.connection().execute(statement).scalar_one())


def trusts(session: Session, filters: Mapping[str, Any], most: int) -> set[str]:
    """Give the trusts of the subjects and of the custodians of the newest ``most`` entries that match every filter."""
    columns = (_ENTRY.c.subject_ods, _ENTRY.c.custodian)
    newest = select(*columns).where(*_conditions(filters)).order_by(_ENTRY.c.index.desc()).limit(most).subquery()
    pairs = session.connection().execute(select(newest.c.subject_ods, newest.c.custodian).distinct())
    return {ods for pair in pairs for ods in pair if ods}


def chain(
    session: Session,
    start: Sequence[int],
    newest: int,
    given: Mapping[str, Iterable[str]],
    trust: str | None,
    *,
    links: int,
    each: int,
) -> tuple[dict[int, bytes], int]:
    """Give the bytes of entries and of what shares a token or a decision with them, by index, in one statement.

    Beside them: how many of the entries to start from there are for this trust to see, however few of them count.

    Args:
        session: the caller's snapshot.
        start: indexes to start from.
        newest: how many of those entries count, from the newest on.
        given: values of ``token_jti`` and ``decision_id`` to start from as well.
        trust: leave out what this trust may not see; None sees all.
        links: tokens that are followed, then decisions, the first by code point.
        each: entries read for one of them, from the oldest on.
    """
    among = one_of_integers(session, _ENTRY.c.index, start)
    columns = (*(_ENTRY.c[name] for name in _CHAIN), func.count().over().label("seen"))
    mine = select(*columns).where(among, *_seen_by(_ENTRY, trust))
    found = [mine.order_by(_ENTRY.c.index.desc()).limit(newest).cte("chain_start")]
    for name in ("token_jti", "decision_id"):
        first = _first_values(session, name, found, sorted(set(given.get(name, ())))[:links], links)
        found.append(_sharing(session, name, first, trust, each))
    seen = [part.c.get("seen", literal(0, BigInteger)) for part in found]
    statement = union_all(*(select(p.c.index, p.c.entry, n.label("seen")) for p, n in zip(found, seen, strict=True)))
    rows = session.connection().execute(statement).all()
    return {index: bytes(entry) for index, entry, _ in rows}, max((seen for _, _, seen in rows), default=0)


def _first_values(session: Session, name: str, found: Sequence[CTE], given: list[str], links: int) -> FromClause:
    """Give the first values of a column among those of the parts found so far and those given."""
    held = [select(part.c[name].label("value")).where(part.c[name] > "") for part in found]
    filled = given + given[-1:] * (links - len(given))  # one shape of statement, whatever their number
    every = union(*held, *(select(literal(value, Text)) for value in filled)).subquery()
    # A database may order text by the rules of a language; what is followed must not depend on it.
    order = every.c.value.collate("C" if on_postgres(session) else "BINARY")
    return select(every.c.value).order_by(order).limit(links).subquery()


def _sharing(session: Session, name: str, first: FromClause, trust: str | None, each: int) -> CTE:
    """Give the oldest entries that have one of some values in a column, ``each`` of a value at most.

    PostgreSQL goes from value to value and stops where it should. SQLite has no such join: the last index that counts
    is looked up first. Either way the column's index is walked, and no value costs more than its share.
    """
    entry = _ENTRY.alias()
    mine = (entry.c[name] == first.c.value, *_seen_by(entry, trust))
    if on_postgres(session):
        oldest = select(*(entry.c[part] for part in _CHAIN)).where(*mine).order_by(entry.c.index).limit(each).lateral()
        return select(oldest).select_from(first).join(oldest, true()).cte(name)
    last = select(entry.c.index).where(*mine).order_by(entry.c.index).offset(each - 1).limit(1).scalar_subquery()
    bounds = select(first.c.value, func.coalesce(last, _LAST).label("last")).cte(f"{name}_bounds")
    walked = select(*(_ENTRY.c[part] for part in _CHAIN)).join_from(bounds, _ENTRY, _ENTRY.c[name] == bounds.c.value)
    return walked.where(_ENTRY.c.index <= bounds.c.last, *_seen_by(_ENTRY, trust)).cte(name)


def _seen_by(entry: FromClause, trust: str | None) -> list[ColumnElement[bool]]:
    """Leave out what a trust may not see: entries of other trusts' images, people and systems."""
    if trust is None:
        return []
    return [or_(entry.c.custodian == trust, entry.c.subject_ods == trust, entry.c.source_ods == trust)]


def _conditions(filters: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """Turn filters into conditions: a column's name for equality, or one of the seven below."""
    given = {name: value for name, value in filters.items() if value is not None}
    walked = next((names for names in _WALKS if given.keys() >= set(names)), ())
    kind = _ENTRY.c.kind.concat("") if walked else _ENTRY.c.kind  # as in _equals
    special: dict[str, Callable[[Any], ColumnElement[bool]]] = {
        "since": lambda value: _ENTRY.c.occurred_at >= value,
        "until": lambda value: _ENTRY.c.occurred_at < value,
        "after_index": lambda value: _ENTRY.c.index > value,
        "before_index": lambda value: _ENTRY.c.index < value,
        "trust": lambda value: _seen_by(_ENTRY, value)[0],
        "party": lambda value: or_(_ENTRY.c.custodian == value, _ENTRY.c.subject_ods == value),
        "kinds": kind.in_,
    }
    return [
        special[name](value) if name in special else _equals(name, value, walked=name in walked)
        for name, value in given.items()
    ]


def _equals(name: str, value: Any, *, walked: bool) -> ColumnElement[bool]:
    """Compare a column; one whose index is not to be walked is spelled as an expression, which no index answers."""
    column = _ENTRY.c[name]
    return cast("ColumnElement[bool]", (column if walked or name not in _INDEXED else column.concat("")) == value)
