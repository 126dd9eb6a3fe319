"""Searching the log by the facts of events: who, whom, what, under which authority, when.

1. Identifiers are given as the log holds them: pseudonyms of people, patients and studies, ids of services.
2. Pages are cut by index, never by time: late events appear at the end of the log, and no page ever skips one.
3. ``since`` is included, ``until`` is not; both are compared with the time at the source.
4. Reading the log is itself an event; recording it is the caller's duty, who knows who is reading and why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import Enum
from typing import Any

from sqlmodel import Session

from governance.audit import _store
from governance.audit.encoding import parse
from governance.audit.event import RecordedEvent
from governance.storage import Database
from governance.storage.upsert import chunks
from governance.vocabulary import SYSTEM, EventKind, Outcome

_SAME_ID = 50  # entries under one id that are looked through, the oldest


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for; every field that is set must match.

    ``trust`` matches the trust of the custodian, of the subject or of the source: whose event it is to see.
    ``party`` matches the trust of the custodian or of the subject, ``kinds`` any of several kinds.
    """

    subject: str | None = None
    subject_ods: str | None = None
    patient: str | None = None
    study: str | None = None
    custodian: str | None = None
    trust: str | None = None
    party: str | None = None
    source_id: str | None = None
    event_id: str | None = None
    kind: EventKind | None = None
    kinds: Set[EventKind] | None = None
    outcome: Outcome | None = None
    decision_id: str | None = None
    agreement_id: str | None = None
    token_jti: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after_index: int | None = None
    before_index: int | None = None


class Link(Enum):
    """What an access may rest on: the column that holds its id, and the kind of entry that tells of it."""

    DECISION = "decision_id", EventKind.DECISION
    TOKEN = "token_jti", EventKind.TOKEN

    @property
    def column(self) -> str:
        """Give the column of ids."""
        return self.value[0]

    @property
    def kind(self) -> EventKind:
        """Give the kind of entry."""
        return self.value[1]

    def name_of(self, event: RecordedEvent) -> str | None:
        """Give the id of what an entry tells of; None when it tells of another act, such as a token's revocation."""
        if event.kind is not self.kind:
            return None
        if self is Link.DECISION:
            return event.authority.decision_id
        return event.authority.token_jti if event.detail.get("act", "issue") == "issue" else None


@dataclass(frozen=True, slots=True)
class ChainStart:
    """Where a chain of authority is taken up: entries, and the tokens and decisions that are known beside them.

    Args:
        entries: indexes, however many.
        newest: how many of the entries count, from the newest on.
        tokens, decisions: ids.
        trust: entries that this trust may not see are left out (see :class:`Query`); None sees the region.
        links: how many tokens are followed, and how many decisions: the first ones in the order of their ids.
        each: how many entries of one token or decision are read, from the oldest on.
    """

    entries: Sequence[int]
    newest: int
    tokens: Sequence[str] = ()
    decisions: Sequence[str] = ()
    trust: str | None = None
    links: int = 20
    each: int = 200


@dataclass(frozen=True, slots=True)
class ChainFound:
    """Entries in the order of the log, and how many of those that the chain was taken up at the trust may see.

    ``complete`` says that nothing was left out: every entry to start from counted, every token and decision was
    followed, and each to its end. Without it, something that is not here may still be on record.
    """

    events: Sequence[RecordedEvent]
    seen: int
    complete: bool


class AuditSearch:
    """Finds recorded events.

    A method that takes a session first reads in the caller's snapshot; the others open one of their own.
    """

    def __init__(self, database: Database) -> None:
        """Take the database that holds the log."""
        self._database = database

    def find(self, query: Query, limit: int, *, newest_first: bool = True) -> list[RecordedEvent]:
        """Give up to ``limit`` events that match, by index.

        The next page is asked for with ``before_index`` (newest first) or ``after_index`` (oldest first) set to the
        index of the last event of this one.
        """
        with self._database.reading() as session:
            return self.find_in(session, query, limit, newest_first=newest_first)

    def find_in(self, session: Session, query: Query, limit: int, *, newest_first: bool = True) -> list[RecordedEvent]:
        """Give up to ``limit`` events that match, as :meth:`find` does."""
        return [parse(entry) for entry in _store.find(session, _filters(query), limit, newest_first)]

    def among(self, indexes: Sequence[int], query: Query, page: int = 200) -> Iterator[RecordedEvent]:
        """Give the events at some indexes, however many, that match: newest first, to the end, ``page`` at a time."""
        before = query.before_index
        while True:
            with self._database.reading() as session:
                filters = _filters(replace(query, before_index=before))
                found = [parse(one) for one in _store.find(session, filters, page, newest_first=True, among=indexes)]
            yield from found
            if len(found) < page:
                return
            before = found[-1].index

    def at_in(self, session: Session, indexes: Sequence[int]) -> list[RecordedEvent]:
        """Give the events at some indexes, however many, in the order of the log."""
        found: list[RecordedEvent] = []
        for some in chunks(indexes):
            rows = _store.find(session, _filters(Query()), len(some), newest_first=False, among=some)
            found += map(parse, rows)
        return sorted(found, key=lambda event: event.index)

    def first_in(
        self, session: Session, link: Link, names: Sequence[str], before: int
    ) -> Iterator[tuple[str, RecordedEvent]]:
        """Give what first said something under some ids, before an index: of this service, and of anybody else."""
        for some in chunks(names):
            for entry in _store.firsts(session, link.column, link.kind.value, some, before):
                event = parse(entry)
                name = link.name_of(event)
                if name is not None:
                    yield name, event
                else:
                    yield from self._first_of(session, link, event, before)

    def _first_of(
        self, session: Session, link: Link, other: RecordedEvent, before: int
    ) -> Iterator[tuple[str, RecordedEvent]]:
        """Look past another act that came before what is looked for, among the oldest of its kind and source."""
        query = Query(token_jti=other.authority.token_jti, kind=link.kind, before_index=before)
        events = self.find_in(session, query, _SAME_ID, newest_first=False)
        mine = [one for one in events if (one.source.id == SYSTEM) == (other.source.id == SYSTEM)]
        yield from [(name, one) for one in mine if (name := link.name_of(one)) is not None][:1]

    def among_in(self, session: Session, indexes: Sequence[int], query: Query, limit: int) -> list[RecordedEvent]:
        """Give the newest ``limit`` events at some indexes that match, newest first."""
        return [parse(one) for one in _store.find(session, _filters(query), limit, newest_first=True, among=indexes)]

    def trusts_in(self, session: Session, query: Query, most: int) -> set[str]:
        """Give the trusts of the people and of the images of the newest ``most`` events that match."""
        return _store.trusts(session, _filters(query), most)

    def chain_in(self, session: Session, start: ChainStart) -> ChainFound:
        """Give the entries of a start and everything that shares a token or a decision with them, in order of index.

        An access may name its token only, so what a token leads to is followed to its decision. One statement.
        """
        given = {"token_jti": start.tokens, "decision_id": start.decisions}
        found, seen = _store.chain(
            session, start.entries, start.newest, given, start.trust, links=start.links, each=start.each
        )
        events = [parse(found[index]) for index in sorted(found)]
        return ChainFound(events, seen, seen <= start.newest and _followed_whole(start, events))

    def count(self, query: Query) -> int:
        """Give how many events match."""
        with self._database.reading() as session:
            return self.count_in(session, query)

    def count_in(self, session: Session, query: Query) -> int:
        """Give how many events match, as :meth:`count` does."""
        return _store.count(session, _filters(query))


def _followed_whole(start: ChainStart, events: Sequence[RecordedEvent]) -> bool:
    """Say whether every token and decision was followed, and each to its end."""
    tokens = Counter(event.authority.token_jti for event in events if event.authority.token_jti)
    decisions = Counter(event.authority.decision_id for event in events if event.authority.decision_id)
    return all(
        len(found.keys() | set(given)) <= start.links and max(found.values(), default=0) < start.each
        for found, given in ((tokens, start.tokens), (decisions, start.decisions))
    )


def _filters(query: Query) -> dict[str, Any]:
    values = {item.name: getattr(query, item.name) for item in fields(query)}
    values["kinds"] = None if query.kinds is None else sorted(query.kinds)
    return {name: value.value if isinstance(value, Enum) else value for name, value in values.items()}
