"""The checker's own reading of one row: the entry's hash, and every column against what the entry says.

What entries of this service say beside that is read through :func:`own_documents`: nothing that an entry may have been
altered into ends the check.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from governance.audit.checker._readers import COLUMNS, Row
from governance.audit.checker._tree import hash_leaf

KNOWN_VERSIONS = (1,)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NOTHING: dict[str, Any] = {}
_REPEATED = COLUMNS[3:]
_SERVICE = "imaging-governance"  # the source of this service's own entries
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
"""What reading an entry may raise that was altered into something else."""
_decode = json.JSONDecoder().raw_decode  # without the guessing of other encodings around it


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """What one row shows: its leaf hash, what is wrong with the entry itself, and what is wrong beside it.

    A fault of the entry means that its place in the tree cannot be trusted; a fault beside it, such as an altered
    search column, leaves the tree whole. ``document`` is what a readable entry says.
    """

    leaf: bytes
    entry_fault: str | None
    column_fault: str | None
    document: Mapping[str, Any] | None = None


def check_row(row: Row) -> RowVerdict:
    """Judge one row by itself."""
    index, stored_leaf, entry = row[0], row[1], row[2]
    if not isinstance(entry, bytes):
        return RowVerdict(hash_leaf(str(entry).encode()), "its entry is no longer bytes", None)
    leaf = hash_leaf(entry)
    if leaf != stored_leaf:
        return RowVerdict(leaf, "its entry and its stored hash do not fit each other", None)
    try:
        text = entry.decode()
        document, end = _decode(text)
        if end != len(text):
            return RowVerdict(leaf, "its entry is not readable", None)
        if document["v"] not in KNOWN_VERSIONS:
            return RowVerdict(leaf, "its entry has a version this checker does not know", None)
        if document["index"] != index:
            return RowVerdict(leaf, f"its entry belongs at index {document['index']}", None)
        expected = _columns(document)
    except UNREADABLE:
        return RowVerdict(leaf, "its entry is not readable", None)
    return RowVerdict(leaf, None, None if expected == row[3:] else _difference(expected, row[3:]), document)


def is_own(document: Mapping[str, Any]) -> bool:
    """Say whether an entry is this service's own; raises one of ``UNREADABLE`` for what is no entry."""
    return bool(document["source"]["id"] == _SERVICE)


def own_documents(rows: Iterable[Row]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Give the entries of this service among index and entry, each as index and what it says.

    An unreadable one is left out: it is found as every altered entry is.
    """
    for index, entry in rows:
        try:
            document = json.loads(entry)
            own = is_own(document)
        except UNREADABLE:
            continue
        if own:
            yield index, document


def _columns(document: dict[str, Any]) -> Row:
    """Give the values that the columns after the entry must have, in the order of ``COLUMNS``."""
    subject = document.get("subject", _NOTHING)
    resource = document.get("resource", _NOTHING)
    authority = document.get("authority", _NOTHING)
    return (
        microseconds(document["time"]),
        _group_microseconds(document["recorded_at"]),
        document["source"]["id"],
        document["source"]["ods"],
        document["id"],
        document["kind"],
        document["outcome"],
        subject.get("id"),
        subject.get("ods"),
        resource.get("patient"),
        resource.get("study"),
        resource.get("custodian"),
        authority.get("decision_id"),
        authority.get("agreement_id"),
        authority.get("token_jti"),
    )


def microseconds(text: str) -> int:
    """Give whole microseconds since 1970 of a time as entries write it."""
    return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND


# Entries of one commit share the time they were recorded at.
_group_microseconds = lru_cache(maxsize=64)(microseconds)


def _difference(expected: Row, found: Row) -> str:
    names = [name for name, want, have in zip(_REPEATED, expected, found, strict=True) if want != have]
    listed = ", ".join(names)
    return f"its search column{'s' if len(names) > 1 else ''} {listed} no longer repeat what the entry says"
