"""The past as the database has it, on one snapshot: the log by its index, and by the ids of its events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from governance.audit.event import RecordedEvent
from governance.audit.search import AuditSearch, Query
from governance.detection.explanation.look import Explanation
from governance.detection.knowledge.facts import Context
from governance.detection.reader.past.port import NEWEST, Earlier, Known


@dataclass(frozen=True, slots=True)
class Told:
    """What other rooms tell of the past, each on a snapshot; by default they know nothing.

    Args:
        known: gives the rows that became known, or ceased to be, with an entry of the log.
        looks_of: gives the newest looks that some rows could explain, since an instant and before an index.
        explained: gives the explanations that looks were given last.
        context: gives the facts as known right after an index, for some events of before; by default the batch's.
    """

    known: Callable[[Session, int], Sequence[Known]] = lambda _session, _index: ()
    looks_of: Callable[[Session, Sequence[Known], datetime, int, int], Sequence[Earlier]] = lambda *_: ()
    explained: Callable[[Session, Sequence[int]], Mapping[int, Explanation]] = lambda _session, _indexes: {}
    context: Callable[[Session, Sequence[RecordedEvent], int], Context] | None = None


class LivePast:
    """The past on one snapshot.

    Args:
        session: the snapshot.
        search: reads the log.
        told: what other rooms tell.
    """

    def __init__(self, session: Session, search: AuditSearch, told: Told) -> None:
        self._session = session
        self._search = search
        self._told = told

    def events(self, indexes: Sequence[int]) -> list[RecordedEvent]:
        """Give the log's events at some indexes, in order."""
        return self._search.at_in(self._session, sorted(set(indexes))) if indexes else []

    def named(self, source: str, event_id: str, before: int) -> RecordedEvent | None:
        """Find an event of a source by its id, before an index of the log."""
        query = Query(source_id=source, event_id=event_id, before_index=before)
        return _first(self._search.find_in(self._session, query, 1))

    def known(self, index: int) -> Sequence[Known]:
        """Give the rows that became known, or ceased to be, with the entry at an index."""
        return self._told.known(self._session, index)

    def looks_of(self, rows: Sequence[Known], since: datetime, before: int, limit: int = NEWEST) -> Sequence[Earlier]:
        """Give the looks that some rows could explain, by index: of each row the newest."""
        return self._told.looks_of(self._session, rows, since, before, limit)

    def explained(self, indexes: Sequence[int]) -> Mapping[int, Explanation]:
        """Give the explanations that looks were given last."""
        return self._told.explained(self._session, indexes)

    def context(self, context: Context, events: Sequence[RecordedEvent], index: int) -> Context:
        """Give the facts as they were known right after an index."""
        return context if self._told.context is None else self._told.context(self._session, events, index)


def _first(events: Iterable[RecordedEvent]) -> RecordedEvent | None:
    return next(iter(events), None)
