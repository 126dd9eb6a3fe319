"""Reads and writes of standings; no row leaves this module."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from governance.facts import note
from governance.federation._standing_tables import StandingRow
from governance.federation.known import standing_fact
from governance.federation.standing import Registered, Standing
from governance.storage.prepared import Prepared
from governance.storage.upsert import upsert

_TABLE: sa.Table = StandingRow.__table__  # type: ignore[attr-defined]
_ENDED = sa.or_(_TABLE.c.suspended_at.is_not(None), _TABLE.c.deleted_at.is_not(None))
_ALL = sa.select(_TABLE).order_by(_TABLE.c.kind, _TABLE.c.name)
_SINCE = Prepared(sa.select(_TABLE).where(_TABLE.c.not_before >= sa.bindparam("since")))
# Asked for each presented token: one statement for everything that it rests on.
_NAMED = Prepared(sa.select(_TABLE).where(_TABLE.c.name.in_(sa.bindparam("names", expanding=True))))


def in_force(kind: Registered, name: Any) -> sa.ColumnElement[bool]:
    """Give the condition that a registration is in force, by the column of its name."""
    ended: sa.Select[Any] = sa.select(sa.literal_column("1")).where(
        _TABLE.c.kind == sa.literal_column(f"'{kind.value}'"), _TABLE.c.name == name, _ENDED
    )
    return ~ended.exists()


def get(session: Session, kind: Registered, name: str) -> Standing:
    """Give a standing."""
    return next((one for one in named(session, [name]) if one.kind is kind), Standing(kind, name))


def named(session: Session, names: Iterable[str]) -> list[Standing]:
    """Give the standings of some names, of every kind; those in force without a bound have none."""
    return [_standing(row) for row in _NAMED.rows(session, names=list(names))]


def since(session: Session, instant: datetime) -> list[Standing]:
    """Give the standings whose ``not_before`` is no earlier than an instant."""
    return [_standing(row) for row in _SINCE.rows(session, since=instant)]


def every(session: Session) -> list[Standing]:
    """Give every standing, by kind and name."""
    return [_standing(dict(row)) for row in session.connection().execute(_ALL).mappings()]


def put(session: Session, standing: Standing) -> None:
    """Keep a standing."""
    upsert(session, StandingRow, [asdict(standing) | {"kind": standing.kind.value}])
    note(session, [standing_fact(standing)])


def _standing(row: dict[str, Any]) -> Standing:
    return Standing(**row | {"kind": Registered(row["kind"])})
