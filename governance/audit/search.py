"""Searching the log by the facts of events: who, whom, what, under which authority, when.

1. Identifiers are given as the log holds them: pseudonyms of people, patients and studies, ids of services.
2. Pages are cut by index, never by time: late events appear at the end of the log, and no page ever skips one.
3. ``since`` is included, ``until`` is not; both speak of the time at the source.
4. Reading the log is itself an event; recording it is the caller's duty, who knows who is reading and why.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from enum import Enum
from typing import Any

from governance.audit import _store
from governance.audit.encoding import parse
from governance.audit.event import RecordedEvent
from governance.storage import Database
from governance.vocabulary import EventKind, Outcome


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for; every field that is set must match.

    ``trust`` matches the trust of the custodian, of the subject or of the source: whose event it is to see.
    """

    subject: str | None = None
    subject_ods: str | None = None
    patient: str | None = None
    study: str | None = None
    custodian: str | None = None
    trust: str | None = None
    source_id: str | None = None
    event_id: str | None = None
    kind: EventKind | None = None
    outcome: Outcome | None = None
    decision_id: str | None = None
    agreement_id: str | None = None
    token_jti: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after_index: int | None = None
    before_index: int | None = None


class AuditSearch:
    """Finds recorded events."""

    def __init__(self, database: Database) -> None:
        """Take the database that holds the log."""
        self._database = database

    def find(self, query: Query, limit: int, *, newest_first: bool = True) -> list[RecordedEvent]:
        """Give up to ``limit`` events that match, by index.

        The next page is asked for with ``before_index`` (newest first) or ``after_index`` (oldest first) set to the
        index of the last event of this one.
        """
        with self._database.reading() as session:
            return [parse(entry) for entry in _store.find(session, _filters(query), limit, newest_first)]

    def count(self, query: Query) -> int:
        """Give how many events match."""
        with self._database.reading() as session:
            return _store.count(session, _filters(query))


def _filters(query: Query) -> dict[str, Any]:
    values = {item.name: getattr(query, item.name) for item in fields(query)}
    return {name: value.value if isinstance(value, Enum) else value for name, value in values.items()}
