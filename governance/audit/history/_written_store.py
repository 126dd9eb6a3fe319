"""Rows that are tied to the log, those of feeds and of agreements: an entry tells of each it wrote, and replaced.

1. A row's digest is over its table and every column that has a value, under a key of the service's own: what a row may
   say could be guessed and tried otherwise. An entry lists digests, never rows: whoever has the rows and the key can
   say which entry wrote each, and that none was written, changed or removed otherwise.
2. A row is read before it is first written in a transaction, and again at its end; one that came out the same is told
   of in no entry.
3. Rows from before there were such entries, or of when digests had no key, are taken as found, once a table, as the
   sum of their digests. A sum of long
   digests cannot be reached by other rows (an additive multiset hash; the modulus leaves no room for a birthday).
4. An entry holds so many digests and no more (64 KiB), so a transaction of many changes, each with an entry, has each
   tell of the rows that its keys name (:meth:`WrittenRows.told_of`).
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from hashlib import shake_256
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from governance.audit import _store as log_store
from governance.audit.event import JsonValue
from governance.storage.upsert import WATCHER, chunks
from governance.vocabulary import SYSTEM, EventKind

ROWS = "rows"  # the member of an entry's detail
WROTE, REPLACED, FOUND = "wrote", "replaced", "found"  # the members of that
BY, KEYED = "by", "hmac-sha256"  # how digests are made; an entry of before does not say, and has them without a key
SUM_BYTES = 512
_DIGEST_BYTES = 16
_PAGE = 500  # entries looked through at once for the last that tells of a table


@dataclass(frozen=True, slots=True)
class Covered:
    """A table whose rows entries tell of: the column that names rows, and the tables whose rows belong to them.

    A row of which that column has no value is told of in no entry.
    """

    key: str
    parts: tuple[str, ...] = ()


COVERED: Mapping[str, Covered] = {
    "agreement_change": Covered("agreement_id"),
    "agreement_party": Covered("agreement_id"),
    "agreement_signature": Covered("agreement_id"),
    "agreement_version": Covered("agreement_id"),
    "party_key": Covered("key_id"),
    "catalogue_study": Covered("study_uid", ("catalogue_custodian",)),
    "federation_staff": Covered("id"),
    "relationships_edge": Covered("id"),
    "relationships_patient": Covered("patient"),
}


Rows = dict[str, dict[str, list[bytes]]]
"""The digests of rows, by table and by the key that names them."""


@dataclass(slots=True)
class WrittenRows:
    """Watches one transaction: which covered rows it writes.

    Args:
        told: the tables that entries are known to tell of already; shared by the transactions of a process.
        key: of the digests.
    """

    told: set[str]
    key: bytes
    before: Rows = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)

    def writes(self, session: Session, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Hear that rows of a table are about to be written; reads what is there of them."""
        covered = COVERED.get(table)
        if covered is None:
            return
        if table not in self.told and not self._is_told(session, table):
            self.found.setdefault(table, _sum(session, table, self.key))
        known = self.before.setdefault(table, {})
        fresh = sorted({str(row[covered.key]) for row in rows if row[covered.key] is not None} - known.keys())
        known.update({key: [] for key in fresh})
        for key, digest in _digests(session, table, fresh, self.key):
            known[key].append(digest)

    def detail(self, session: Session) -> dict[str, JsonValue]:
        """Give what the entry of this transaction says of the rows it wrote; empty when there were none."""
        return self.told_of(self.after(session))

    def after(self, session: Session) -> Rows:
        """Give the digests of the rows as they are now, of every key that was written, by table."""
        found: Rows = {table: {key: [] for key in before} for table, before in self.before.items()}
        for table, rows in found.items():
            for key, digest in _digests(session, table, sorted(rows), self.key):
                rows[key].append(digest)
        return found

    def told_of(self, after: Rows) -> dict[str, JsonValue]:
        """Give what an entry says of all rows there are in ``after``; once told, they are as they were before.

        What was found of the tables is told with the first of them.
        """
        wrote, replaced = {}, {}
        for table, rows in after.items():
            old = {digest for key in rows for digest in self.before[table][key]}
            new = {digest for digests in rows.values() for digest in digests}
            self.before[table].update(rows)
            if new - old:
                wrote[table] = _joined(new - old)
            if old - new:
                replaced[table] = _joined(old - new)
        found, self.found = self.found, {}
        said = {WROTE: wrote, REPLACED: replaced, FOUND: found}
        told: dict[str, JsonValue] = {name: value for name, value in said.items() if value}
        return {ROWS: {BY: KEYED, **told}} if told else {}

    def committed(self) -> None:
        """Hear that the transaction is committed: entries tell of its tables from now on."""
        self.told |= self.before.keys()

    def _is_told(self, session: Session, table: str) -> bool:
        """Say whether an entry tells of a table, or there is nothing in it to tell of."""
        before: int | None = None
        if session.connection().execute(sa.select(sa.text("1")).select_from(sa.table(table)).limit(1)).first() is None:
            return True
        while True:
            filters = {"kind": EventKind.CONFIG.value, "source_id": SYSTEM, "before_index": before}
            page = [json.loads(entry) for entry in log_store.find(session, filters, _PAGE, newest_first=True)]
            rows = [document.get("detail", {}).get(ROWS, {}) for document in page]
            if any(table in said.get(name, {}) for said in rows if said.get(BY) == KEYED for name in (WROTE, FOUND)):
                return True
            if len(page) < _PAGE:
                return False
            before = page[-1]["index"]


@contextmanager
def watched(session: Session, told: set[str], key: bytes) -> Iterator[WrittenRows]:
    """Watch which covered rows a write transaction writes, from here to the end of the block.

    Args:
        session: of the transaction; its entry carries :meth:`WrittenRows.detail`.
        told: the tables that entries are known to tell of already.
        key: of the digests, :attr:`governance.pseudonyms.Vault.rows_key`.
    """
    session.info[WATCHER] = written = WrittenRows(told, key)
    try:
        yield written
    finally:
        del session.info[WATCHER]


def _digests(session: Session, table: str, keys: Sequence[str], secret: bytes) -> Iterable[tuple[str, bytes]]:
    """Give the digests of the rows that some keys name."""
    covered = COVERED[table]
    for some in chunks(keys):
        parts = {part: _by_key(session, part, covered.key, some) for part in covered.parts}
        for key, rows in sorted(_by_key(session, table, covered.key, some).items()):
            for row in rows:
                yield key, _digest(table, row, {part: found.get(key, []) for part, found in parts.items()}, secret)


def _sum(session: Session, table: str, secret: bytes) -> str:
    """Give the sum over every row of a table, hex."""
    column: sa.ColumnClause[str] = sa.column(COVERED[table].key)
    every = sa.select(column).select_from(sa.table(table)).where(column.is_not(None)).distinct()
    keys = session.connection().execute(every).scalars().all()
    total = sum(
        int.from_bytes(shake_256(digest).digest(SUM_BYTES))
        for _, digest in _digests(session, table, sorted(keys), secret)
    )
    return f"{total % (1 << 8 * SUM_BYTES):x}"


def _by_key(session: Session, table: str, key: str, keys: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Read rows as the driver gives them, by the column that names them."""
    statement = sa.text(f'SELECT * FROM {table} WHERE "{key}" IN :keys').bindparams(
        sa.bindparam("keys", expanding=True)
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in session.connection().execute(statement, {"keys": list(keys)}).mappings():
        found.setdefault(row[key], []).append(dict(row))
    return found


def _digest(
    table: str, row: Mapping[str, Any], parts: Mapping[str, Sequence[Mapping[str, Any]]], secret: bytes
) -> bytes:
    said = {name: sorted((_plain(one) for one in rows), key=_written) for name, rows in parts.items()}
    return hmac.digest(secret, _written([table, _plain(row), said]).encode(), "sha256")[:_DIGEST_BYTES]


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give the columns that have a value, each as JSON has it, whatever the database's driver made of it."""
    return {name: _value(value) for name, value in row.items() if value is not None}


def _value(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and value[:1] in {"[", "{"}:  # how SQLite keeps a column of JSON
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _joined(digests: Iterable[bytes]) -> str:
    return base64.b64encode(b"".join(sorted(digests))).decode()
