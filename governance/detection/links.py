"""The links of authority in the log: decisions and tokens by id, in the state the log had at an index.

1. What this service recorded counts before what any other source claims under the same id; else the first word counts.
2. The answer is the same whether it comes from memory or from the log: a restart changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from sqlmodel import Session

from governance.audit.event import RecordedEvent
from governance.audit.search import AuditSearch, Query
from governance.detection.facts import DecisionFacts, TokenFacts
from governance.lru import LruCache
from governance.vocabulary import SYSTEM, EventKind, Outcome

REMEMBERED = 25_000  # links of each kind used last that are kept in memory; twice as many at most
_SAME_ID = 50  # events under one id that are looked at, oldest first: a decision comes before its accesses

Fact = TypeVar("Fact", DecisionFacts, TokenFacts)


@dataclass(frozen=True, slots=True)
class _Kind(Generic[Fact]):
    """How one kind of link is named, read, and asked for: of this service by its event's id, of others by its own."""

    name: Callable[[RecordedEvent], str | None]
    read: Callable[[RecordedEvent], Fact]
    ours: Callable[[str], Query]
    others: Callable[[str], Query]


class _Ledger(Generic[Fact]):
    """One kind of link: the last ones in memory, the rest in the log."""

    def __init__(self, search: AuditSearch, kind: _Kind[Fact]) -> None:
        self._search = search
        self._kind: _Kind[Fact] = kind
        self._held: LruCache[str, Fact] = LruCache(REMEMBERED)

    def note(self, session: Session, event: RecordedEvent) -> None:
        name = self._kind.name(event)
        if name is None:
            return
        fact = self._kind.read(event)
        if fact.ours or self.find(session, name, event.index) is None:
            self._held.put(name, fact)

    def find(self, session: Session, name: str, before: int) -> Fact | None:
        held = self._held.get(name)
        if held is not None and held.index < before:
            return held
        asked = (self._kind.ours(name), self._kind.others(name))
        found = next((fact for query in asked if (fact := self._look(session, query, name, before))), None)
        if found is not None:
            self._held.put(name, found)
        return found

    def _look(self, session: Session, query: Query, name: str, before: int) -> Fact | None:
        events = self._search.find_in(session, replace(query, before_index=before), _SAME_ID, newest_first=False)
        return next((self._kind.read(event) for event in events if self._kind.name(event) == name), None)


class Links:
    """Finds decisions and tokens on the snapshot of whoever asks: each shows the same of the log before an index.

    Args:
        search: reads the log.
    """

    def __init__(self, search: AuditSearch) -> None:
        self._decisions: _Ledger[DecisionFacts] = _Ledger(
            search,
            _Kind(
                name=_decision_name,
                read=decision_facts,
                ours=lambda name: Query(source_id=SYSTEM, event_id=name),
                others=lambda name: Query(decision_id=name),
            ),
        )
        self._tokens: _Ledger[TokenFacts] = _Ledger(
            search,
            _Kind(
                name=_token_name,
                read=token_facts,
                ours=lambda name: Query(source_id=SYSTEM, event_id=f"token-{name}"),
                others=lambda name: Query(token_jti=name),
            ),
        )

    def note(self, session: Session, event: RecordedEvent) -> None:
        """Take note of a decision or a token as the log passes."""
        if event.kind is EventKind.DECISION:
            self._decisions.note(session, event)
        elif event.kind is EventKind.TOKEN:
            self._tokens.note(session, event)

    def decision(self, session: Session, decision_id: str, before: int) -> DecisionFacts | None:
        """Find a decision before an index."""
        return self._decisions.find(session, decision_id, before)

    def token(self, session: Session, jti: str, before: int) -> TokenFacts | None:
        """Find an issued token before an index."""
        return self._tokens.find(session, jti, before)


def _decision_name(event: RecordedEvent) -> str | None:
    return event.authority.decision_id if event.kind is EventKind.DECISION else None


def _token_name(event: RecordedEvent) -> str | None:
    issued = event.kind is EventKind.TOKEN and event.detail.get("act", "issue") == "issue"
    return event.authority.token_jti if issued else None


def decision_facts(event: RecordedEvent) -> DecisionFacts:
    """Read a decision's event; where nothing says whether it permitted, its outcome does."""
    permit = event.detail.get("permit")
    return DecisionFacts(
        index=event.index,
        ours=event.source.id == SYSTEM,
        permit=permit if isinstance(permit, bool) else event.outcome is Outcome.SUCCESS,
        agreement_id=event.authority.agreement_id,
        patient=event.resource.patient if event.resource else None,
        study=event.resource.study if event.resource else None,
    )


def token_facts(event: RecordedEvent) -> TokenFacts:
    """Read a token's event."""
    seconds = event.detail.get("seconds")
    return TokenFacts(
        index=event.index,
        ours=event.source.id == SYSTEM,
        minted_at=event.time,
        lifetime=float(seconds) if isinstance(seconds, int | float) else None,
        decision_id=event.authority.decision_id,
        agreement_id=event.authority.agreement_id,
    )
