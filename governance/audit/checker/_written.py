"""The rows of feeds and agreements that entries tell of: each was written by an entry and replaced by none.

1. An entry of this service lists the digests of the rows it wrote, and of those it replaced. A digest is over the table
   and every column that has a value.
2. Entries and rows are first compared as sums of their digests, so that memory does not grow with the tables. Only when
   they differ are the digests themselves gone through, and the entry named whose row is gone or another.
3. Rows from before there were such entries are counted as found then, once a table.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from hashlib import sha256, shake_256
from typing import Any

from governance.audit.checker._report import BESIDE, Finding
from governance.audit.checker._rows import UNREADABLE, is_own

TABLES: Mapping[str, tuple[str, tuple[str, ...]]] = {  # the column that names a row, and what belongs to it
    "agreement_change": ("agreement_id", ()),
    "agreement_party": ("agreement_id", ()),
    "agreement_signature": ("agreement_id", ()),
    "agreement_version": ("agreement_id", ()),
    "catalogue_study": ("study_uid", ("catalogue_custodian",)),
    "federation_staff": ("id", ()),
    "party_key": ("key_id", ()),
    "relationships_edge": ("id", ()),
    "relationships_patient": ("patient", ()),
}
RowsOf = Callable[[str, str], Iterable[Mapping[str, Any]]]
"""Takes a table and the column to order it by; gives its rows by column."""
Documents = Callable[[], Iterator[tuple[int, Mapping[str, Any]]]]
"""Gives index and document of the entries that may tell of rows, from the first on."""
_DIGEST, _SUM = 16, 512  # bytes
_MODULUS = 1 << 8 * _SUM


class WrittenCheck:
    """Compares what entries say they wrote with what is there."""

    def __init__(self) -> None:
        self._sums: dict[str, int] = {}
        self._found: set[str] = set()

    def add(self, document: Mapping[str, Any]) -> None:
        """Take note of what one entry says it wrote."""
        detail = _said(document)
        for table, total in detail.get("found", {}).items():
            self._found.add(table)
            self._sums[table] = int(total, 16)
        for name, sign in (("wrote", 1), ("replaced", -1)):
            for table, joined in detail.get(name, {}).items():
                moved = sum(_long(digest) for digest in _cut(joined))
                self._sums[table] = (self._sums.get(table, 0) + sign * moved) % _MODULUS

    def end(self, rows_of: RowsOf, documents: Documents) -> Iterator[Finding]:
        """Compare with the tables; go through everything once more for a table that differs."""
        for table in sorted(self._sums):
            if table in TABLES and sum(_long(one) for one in digests(rows_of, table)) % _MODULUS != self._sums[table]:
                yield from _named(table, rows_of, documents, partly=table in self._found)


def digests(rows_of: RowsOf, table: str) -> Iterator[bytes]:
    """Give the digest of each row of a table that the column names which is to name it."""
    key, names = TABLES[table]
    parts = {name: _Grouped(rows_of(name, key), key) for name in names}
    for row in rows_of(table, key):
        if row[key] is None:
            continue
        said = {name: sorted(map(_plain, part.of(row[key])), key=_text) for name, part in parts.items()}
        yield sha256(_text([table, _plain(row), said]).encode()).digest()[:_DIGEST]


def _named(table: str, rows_of: RowsOf, documents: Documents, *, partly: bool) -> Iterator[Finding]:
    """Say which entry's row is gone or another, or which entry replaced what none had written."""
    alive: dict[bytes, int] = {}
    for index, document in documents():
        try:
            detail = _said(document)
            replaced, wrote = (_cut(detail.get(name, {}).get(table, "")) for name in ("replaced", "wrote"))
        except UNREADABLE:
            continue  # it was found already
        for digest in replaced:
            if alive.pop(digest, None) is None and not partly:
                sentence = f"Entry {index} replaced a row of {table} that no entry had written."
                yield Finding(index, sentence, kind=BESIDE)
        alive.update((digest, index) for digest in wrote)
    strangers = 0
    for digest in digests(rows_of, table):
        strangers += alive.pop(digest, None) is None
    for index in sorted(set(alive.values())):
        yield Finding(index, f"A row of {table} that entry {index} wrote is gone or was changed.", kind=BESIDE)
    if strangers or not alive:
        yield Finding(None, f"The rows of {table} are not those that entries tell of.", kind=BESIDE)


class _Grouped:
    """Rows in order of a column, taken a group at a time, in the same order."""

    def __init__(self, rows: Iterable[Mapping[str, Any]], key: str) -> None:
        self._groups: dict[Any, list[Mapping[str, Any]]] = {}
        for row in rows:
            self._groups.setdefault(row[key], []).append(row)

    def of(self, value: Any) -> Sequence[Mapping[str, Any]]:
        return self._groups.get(value, ())


def _said(document: Mapping[str, Any]) -> Mapping[str, Any]:
    ours = is_own(document) and document["kind"] == "config"
    said = document.get("detail", {}).get("rows", {}) if ours else {}
    return said if isinstance(said, dict) else {}


def _cut(joined: str) -> list[bytes]:
    raw = base64.b64decode(joined)
    return [raw[at : at + _DIGEST] for at in range(0, len(raw), _DIGEST)]


def _long(digest: bytes) -> int:
    return int.from_bytes(shake_256(digest).digest(_SUM))


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in row.items() if value is not None}


def _value(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    if isinstance(value, bytes):
        return value.hex()  # no column of these tables; one that was altered into bytes
    return value


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
