"""The links of authority in the log: decisions and tokens by id, in the state the log had at an index.

1. What this service recorded counts before what any other source claims under the same id; else the first word counts.
2. That a decision covers all of a patient's studies is its source's word, kept with whether the source is this service
   or an edge whose decision log we took; when a token ends counts from us, else from its issuer.
3. The answer is the same whether it comes from memory or from the log: a restart changes nothing.
4. Of one id the first word of ours and the first of anybody else decide every answer, so these two are remembered, and
   up to which entry nothing else was said. What the events of a batch name is looked up for all of them together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from sqlmodel import Session

from governance.audit.event import RecordedEvent
from governance.audit.search import AuditSearch, Link
from governance.detection.knowledge.facts import DecisionFacts, TokenFacts
from governance.lru import LruCache
from governance.vocabulary import SYSTEM, DecisionScope, Outcome

REMEMBERED = 25_000  # links of each kind used last that are kept in memory; twice as many at most

Fact = TypeVar("Fact", DecisionFacts, TokenFacts)


@dataclass(frozen=True, slots=True)
class _Heard(Generic[Fact]):
    """What was said under an id before an index: first by us, and first by anybody else."""

    before: int
    ours: Fact | None = None
    others: Fact | None = None

    def answer(self, before: int) -> Fact | None:
        """Give what counted before an index, which is not after the own one unless we said something earlier."""
        if self.ours is not None and self.ours.index < before:
            return self.ours
        return self.others if self.others is not None and self.others.index < before else None

    def reaches(self, before: int) -> bool:
        """Say whether it is known what counted before an index."""
        return before <= self.before or self.ours is not None


class _Ledger(Generic[Fact]):
    """One kind of link: the last ones in memory, the rest in the log."""

    def __init__(self, search: AuditSearch, link: Link, read: Callable[[RecordedEvent], Fact]) -> None:
        self._search = search
        self._link = link
        self._read: Callable[[RecordedEvent], Fact] = read
        self._held: LruCache[str, _Heard[Fact]] = LruCache(REMEMBERED)

    def prepare(self, session: Session, names: Collection[str], before: int) -> None:
        """Look up what is not known of some ids yet, all together."""
        asked = [name for name in sorted(names) if not self._known(name, before)]
        if not asked:
            return
        heard: dict[str, _Heard[Fact]] = {name: _Heard(before) for name in asked}
        for name, event in self._search.first_in(session, self._link, asked, before):
            fact = self._read(event)
            heard[name] = replace(heard[name], ours=fact) if fact.ours else replace(heard[name], others=fact)
        for name, one in heard.items():
            self._held.put(name, one)

    def find(self, session: Session, name: str, before: int) -> Fact | None:
        held = self._held.get(name)
        if held is None or not held.reaches(before):
            self.prepare(session, [name], before)
            held = self._held.get(name)
        return None if held is None else held.answer(before)

    def _known(self, name: str, before: int) -> bool:
        held = self._held.get(name)
        return held is not None and held.reaches(before)


class Links:
    """Finds decisions and tokens on the snapshot of whoever asks: each shows the same of the log before an index.

    An index that is asked about is one of the log's, or the next: what comes later is not known yet.

    Args:
        search: reads the log.
    """

    def __init__(self, search: AuditSearch) -> None:
        self._decisions: _Ledger[DecisionFacts] = _Ledger(search, Link.DECISION, decision_facts)
        self._tokens: _Ledger[TokenFacts] = _Ledger(search, Link.TOKEN, token_facts)

    def prepare(self, session: Session, events: Sequence[RecordedEvent]) -> None:
        """Look up the decisions and tokens that some events name, and the decisions behind those tokens."""
        before = events[-1].index + 1
        tokens = {jti for event in events if (jti := event.authority.token_jti) is not None}
        self._tokens.prepare(session, tokens, before)
        behind = (self._tokens.find(session, jti, before) for jti in tokens)
        named = [event.authority.decision_id for event in events]
        named += [token.decision_id for token in behind if token is not None]
        self._decisions.prepare(session, {name for name in named if name is not None}, before)

    def decision(self, session: Session, decision_id: str, before: int) -> DecisionFacts | None:
        """Find a decision before an index."""
        return self._decisions.find(session, decision_id, before)

    def token(self, session: Session, jti: str, before: int) -> TokenFacts | None:
        """Find an issued token before an index."""
        return self._tokens.find(session, jti, before)


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
        covers_patient=event.decision_scope is DecisionScope.PATIENT,
        vouched=event.source.id == SYSTEM or event.detail.get("door") == "edge",
        source=event.source.id,
        trust=event.source.ods,
    )


def token_facts(event: RecordedEvent) -> TokenFacts:
    """Read a token's event."""
    seconds = event.detail.get("seconds")
    if event.source.id != SYSTEM and event.expires_at is not None:
        seconds = (event.expires_at - event.time).total_seconds()
    return TokenFacts(
        index=event.index,
        ours=event.source.id == SYSTEM,
        minted_at=event.time,
        lifetime=float(seconds) if isinstance(seconds, int | float) else None,
        decision_id=event.authority.decision_id,
        agreement_id=event.authority.agreement_id,
    )
