"""The rows of feeds and agreements that entries tell of: each was written by an entry and replaced by none.

1. An entry of this service lists the digests of the rows it wrote, and of those it replaced. A digest is over the table
   and every column that has a value, and made under a key of the service's; those of before had none. Without the key
   the tables that entries tell of with it are not checked, and the report says so.
2. Entries and rows are first compared as sums of their digests, so that memory does not grow with the tables. Only when
   they differ are the digests themselves gone through, and the entry named whose row is gone or another.
3. Rows from before there were such entries, or of when digests had no key, are counted as found then, once a table.
"""

from __future__ import annotations

import base64
import hmac
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
KEYED = "hmac-sha256"  # how an entry says that its digests are made under a key
_MODULUS = 1 << 8 * _SUM


class WrittenCheck:
    """Compares what entries say they wrote with what is there.

    Args:
        key: of the digests; None when it is not at hand.
    """

    def __init__(self, key: bytes | None) -> None:
        self._key = key
        self._keyed: set[str] = set()
        self._sums: dict[str, int] = {}
        self._found: set[str] = set()

    def add(self, document: Mapping[str, Any]) -> None:
        """Take note of what one entry says it wrote."""
        detail = _said(document)
        if detail.get("by") == KEYED:
            self._keyed |= {table for name in ("wrote", "replaced", "found") for table in detail.get(name, {})}
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
            if table not in TABLES or (table in self._keyed and self._key is None):
                continue
            key = self._key if table in self._keyed else None
            if sum(_long(one) for one in digests(rows_of, table, key)) % _MODULUS != self._sums[table]:
                yield from _named(table, rows_of, documents, key, partly=table in self._found)

    def remarks(self) -> Iterator[str]:
        """Say what was not checked."""
        if self._keyed and self._key is None:
            yield "Rows of feeds and agreements were not held to their entries: that takes the key-encryption key."


def digests(rows_of: RowsOf, table: str, secret: bytes | None) -> Iterator[bytes]:
    """Give the digest of each row of a table that the column names which is to name it, under a key or without."""
    key, names = TABLES[table]
    parts = {name: _Grouped(rows_of(name, key), key) for name in names}
    for row in rows_of(table, key):
        if row[key] is None:
            continue
        said = {name: sorted(map(_plain, part.of(row[key])), key=_text) for name, part in parts.items()}
        written = _text([table, _plain(row), said]).encode()
        made = sha256(written).digest() if secret is None else hmac.digest(secret, written, "sha256")
        yield made[:_DIGEST]


def _named(
    table: str, rows_of: RowsOf, documents: Documents, secret: bytes | None, *, partly: bool
) -> Iterator[Finding]:
    """Say which entry's row is gone or another, or which entry replaced what none had written."""
    alive: dict[bytes, int] = {}
    for index, document in documents():
        try:
            detail = _said(document)
            if secret is not None and detail.get("by") != KEYED:
                continue
            replaced, wrote = (_cut(detail.get(name, {}).get(table, "")) for name in ("replaced", "wrote"))
        except UNREADABLE:
            continue  # it was found already
        for digest in replaced:
            if alive.pop(digest, None) is None and not partly:
                sentence = f"Entry {index} replaced a row of {table} that no entry had written."
                yield Finding(index, sentence, kind=BESIDE)
        alive.update((digest, index) for digest in wrote)
    strangers = 0
    for digest in digests(rows_of, table, secret):
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
