"""Reads and writes of versions and of the horizon; no row leaves this module."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from governance.facts._tables import FactHorizonRow, FactVersionRow
from governance.facts.fact import FactKey, Span, Version
from governance.storage.prepared import Prepared
from governance.storage.upsert import chunks, upsert

_VERSION: sa.Table = FactVersionRow.__table__  # type: ignore[attr-defined]
_HORIZON: sa.Table = FactHorizonRow.__table__  # type: ignore[attr-defined]
_HORIZON_NAME = "facts"
NAMES = 2_048  # in one statement: a batch of events asks for two statements of any kind at most
_COLUMNS = [_VERSION.c[name] for name in Version._fields]
_PLACE = ("known_since", "superseded")  # the index at which a row came to be known, or ceased to

_KINDS: sa.BindParameter[Any] = sa.bindparam("kinds", expanding=True)
_NAMES: sa.BindParameter[Any] = sa.bindparam("names", expanding=True)
_IN_SPAN = (
    _VERSION.c.known_since < sa.bindparam("last"),
    sa.or_(_VERSION.c.superseded.is_(None), _VERSION.c.superseded >= sa.bindparam("first")),
    _VERSION.c.gone.is_(sa.false()),
)
_KNOWN = sa.select(*_COLUMNS).where(_VERSION.c.kind.in_(_KINDS), *_IN_SPAN)
_ALONE = (_VERSION.c.patient.is_(None), _VERSION.c.study.is_(None))
_BY = {
    "subject": Prepared(_KNOWN.where(_VERSION.c.subject.in_(_NAMES), *_ALONE)),
    "patient": Prepared(_KNOWN.where(_VERSION.c.patient.in_(_NAMES))),
    "study": Prepared(_KNOWN.where(_VERSION.c.study.in_(_NAMES), _VERSION.c.patient.is_(None))),
    "key": Prepared(_KNOWN.where(_VERSION.c.key.in_(_NAMES))),
}
_CURRENT = Prepared(
    sa.select(*_COLUMNS).where(
        _VERSION.c.kind == sa.bindparam("kind"), _VERSION.c.key.in_(_NAMES), _VERSION.c.superseded.is_(None)
    )
)
_INSERT = Prepared(sa.insert(_VERSION).values({name: sa.bindparam(name) for name in Version._fields}))
_ONE = (
    _VERSION.c.kind == sa.bindparam("of_kind"),
    _VERSION.c.key == sa.bindparam("of_key"),
    _VERSION.c.known_since == sa.bindparam("since"),
)
_HORIZON_READ = Prepared(sa.select(_HORIZON.c.oldest).where(_HORIZON.c.name == sa.bindparam("name")))


def known(session: Session, by: str, kinds: Sequence[str], names: Sequence[str], span: Span) -> list[Version]:
    """Give the versions of some kinds that were known at any index of a span, by one of the columns of names."""
    found: list[Version] = []
    for some in chunks(names, NAMES):
        rows = _BY[by].tuples(session, kinds=list(kinds), names=list(some), first=span.first, last=span.last)
        found += map(Version._make, rows)
    return found


def current(session: Session, kind: str, keys: Sequence[str]) -> list[Version]:
    """Give what is known now of rows of a kind, those that are gone too."""
    return [
        Version._make(row) for some in chunks(keys) for row in _CURRENT.tuples(session, kind=kind, names=list(some))
    ]


def put(session: Session, versions: Iterable[Version], index: int) -> None:
    """Write versions known since an index, each in the place of the one before it of its key."""
    ordered = sorted(versions, key=lambda one: (one.kind, one.key))
    for kind, group in groupby(ordered, key=lambda one: one.kind):
        for some in chunks([one.key for one in group]):
            same = (_VERSION.c.kind == kind, _VERSION.c.key.in_(some))
            session.connection().execute(sa.delete(_VERSION).where(*same, _VERSION.c.known_since == index))
            session.connection().execute(
                sa.update(_VERSION).where(*same, _VERSION.c.superseded.is_(None)).values(superseded=index)
            )
    _INSERT.run_many(session, [one._replace(known_since=index, superseded=None)._asdict() for one in ordered])


def changed(session: Session, span: Span, after: FactKey | None, limit: int) -> list[FactKey]:
    """Give the rows that became known, or ceased to be, at the indexes of a span, in order, after a place."""
    found: list[FactKey] = []
    for column in _PLACE:
        found += _changed(session, column, span, after, limit)
    return sorted(found, key=_order)[:limit]


def _changed(session: Session, column: str, span: Span, after: FactKey | None, limit: int) -> Iterable[FactKey]:
    at, before = _VERSION.c[column], column == "superseded"
    order = (at, _VERSION.c.kind, _VERSION.c.key)
    names = (_VERSION.c.subject, _VERSION.c.patient, _VERSION.c.study)
    said = (_VERSION.c.valid_from, _VERSION.c.value)
    query = sa.select(*order, *names, *said).where(at >= span.first, at <= span.last).order_by(*order).limit(limit)
    if after is not None:
        place = sa.tuple_(*map(sa.literal, after[:3]))
        again = after.before and not before  # of two of one row and index the names of before come first
        query = query.where(sa.tuple_(*order) >= place if again else sa.tuple_(*order) > place)
    for index, kind, key, *rest in session.connection().execute(query):
        yield FactKey(index, kind, key, before, *rest)


def _order(one: FactKey) -> tuple[int, str, str, bool]:
    return one.at, one.kind, one.key, not one.before


def oldest(session: Session) -> int:
    """Give the oldest index that can be asked about."""
    found = _HORIZON_READ.tuples(session, name=_HORIZON_NAME)
    return int(found[0][0]) if found else 0


def droppable(session: Session, before: int) -> bool:
    """Say whether there is a version that :func:`drop` would drop."""
    return any(session.connection().execute(query.limit(1)).first() for query in _over(before))


def drop(session: Session, before: int, limit: int) -> int:
    """Drop versions that ended, or said that a row was gone, before an index; gives how many, ``limit`` at most."""
    total = 0
    for query in _over(before):
        rows = session.connection().execute(query.limit(limit - total)).all()
        if rows:
            values = [{"of_kind": kind, "of_key": key, "since": since} for kind, key, since in rows]
            session.connection().execute(sa.delete(_VERSION).where(*_ONE), values)
        total += len(rows)
        if total >= limit:
            break
    return total


def _over(before: int) -> tuple[sa.Select[Any], sa.Select[Any]]:
    one = sa.select(_VERSION.c.kind, _VERSION.c.key, _VERSION.c.known_since)
    gone = (_VERSION.c.gone.is_(sa.true()), _VERSION.c.superseded.is_(None), _VERSION.c.known_since < before)
    return one.where(_VERSION.c.superseded < before), one.where(*gone)


def move_horizon(session: Session, index: int) -> None:
    """Let nothing older than an index be asked about any more; it never moves back."""
    row = {"name": _HORIZON_NAME, "oldest": index}
    upsert(session, FactHorizonRow, [row], newest_by="oldest")


def unsealed(session: Session, limit: int) -> list[Version]:
    """Give versions whose secret is not sealed yet."""
    query = sa.select(*_COLUMNS).where(_VERSION.c.sealed.like("{%")).order_by(_VERSION.c.kind, _VERSION.c.key)
    return [Version._make(row) for row in session.connection().execute(query.limit(limit))]


def seal(session: Session, sealed: Sequence[tuple[Version, str | None]]) -> None:
    """Put envelopes in the place of secrets."""
    statement = sa.update(_VERSION).where(*_ONE).values(sealed=sa.bindparam("envelope"))
    values: list[Mapping[str, Any]] = [
        {"of_kind": one.kind, "of_key": one.key, "since": one.known_since, "envelope": envelope}
        for one, envelope in sealed
    ]
    if values:
        session.connection().execute(statement, values)
