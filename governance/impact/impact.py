"""Impact analysis: who would gain and who would lose access, by the decisions that were really asked.

The decisions of a period are read from the log, asked again under the terms and policies in force today and under the
supposed ones, and compared (``impact.replay``, ``impact.comparison``). Rules:

1. Nothing changes: no agreement, no token, and the engine that decides requests is never touched.
2. The same log, directories and terms give the same report. The log is read up to its size at the start, by index.
3. Memory is bounded by pages of the log and by groups of the report; each page has a read snapshot of its own.
4. A caller of a trust asks about agreements that bind it, and gets decisions about its own people or images only.
5. One analysis at a time in a process: it is work for the processor that decisions need too.

The caller must record the look, for the report is made of audit events.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from sqlmodel import Session

from governance.agreements import Agreements, InForce, Moved, PolicyData
from governance.agreements.compilation import clause_key, compile_clauses
from governance.agreements.hypothesis import clause_keys, differing, throughout
from governance.audit import AuditLog, AuditSearch, Query, RecordedEvent
from governance.catalogue import Catalogue
from governance.clock import LONDON, Clock
from governance.decisions import EngineFault, PolicySource, RegorusEngine
from governance.errors import Fault, InvalidInput, NotFound, TooManyRequests, Unavailable
from governance.federation import FederationDirectory
from governance.impact.candidate import CandidateEngine
from governance.impact.comparison import AccessChange, Comparison, Tally
from governance.impact.replay import Replay
from governance.relationships import Relationships
from governance.storage import Database
from governance.vocabulary import SYSTEM, EventKind, Outcome

LONGEST = timedelta(days=366)
EXAMPLES_MAXIMUM = 20
_PAGE = 1_000  # events read at a time


@dataclass(frozen=True, slots=True)
class Question:
    """What the changes, made together, would do to the decisions made in ``[since, until)``.

    ``examples`` decisions of each group are named. ``seen_by`` is the trust that asks, None for the network.
    ``policies`` are candidate rules to decide by in place of today's (``impact.candidate``).
    """

    changes: tuple[InForce | Moved, ...]
    since: datetime
    until: datetime
    examples: int = 3
    seen_by: str | None = None
    policies: PolicySource | None = None


@dataclass(frozen=True, slots=True)
class ImpactReport:
    """What the changes would do; ``tally`` counts decisions, ``changes`` says whose access changes.

    ``supposed_revision`` is what the policy data would be called; the same as ``revision`` when no term would change.
    ``policies`` and ``supposed_policies`` are the digests of the rules, the same unless a candidate was asked.
    """

    question: Question
    revision: str
    supposed_revision: str
    policies: str
    supposed_policies: str
    tally: Tally
    changes: tuple[AccessChange, ...]

    @property
    def same(self) -> bool:
        """Say whether terms and rules would be the same, so that nothing can change for anybody."""
        return (self.revision, self.policies) == (self.supposed_revision, self.supposed_policies)


class ImpactAnalysis:
    """Answers questions of impact.

    Args:
        agreements: knows the terms, and compiles supposed ones.
        log: says how long the log is.
        search: finds decisions.
        federation, catalogue, relationships: the directories, asked as of each event's time.
        database: opens a read snapshot for each page.
        clock: read once in each analysis.
    """

    def __init__(
        self,
        *,
        agreements: Agreements,
        log: AuditLog,
        search: AuditSearch,
        federation: FederationDirectory,
        catalogue: Catalogue,
        relationships: Relationships,
        database: Database,
        clock: Clock,
    ) -> None:
        self._agreements = agreements
        self._log = log
        self._search = search
        self._federation = federation
        self._catalogue = catalogue
        self._relationships = relationships
        self._database = database
        self._clock = clock
        self._busy = Lock()

    def decisions(self, question: Question) -> int:
        """Count the decisions a question is about, in the log as of now."""
        return self._search.count(_query(question, self._log.tree_head()[0]))

    def newest(self, question: Question, most: int) -> Question:
        """Give the question narrowed to about the newest ``most`` of its decisions; as it is when it holds no more."""
        found = self._search.find(_query(question, self._log.tree_head()[0]), most)
        return question if len(found) < most else replace(question, since=found[-1].time)

    def analyse(
        self, question: Question, maximum: int | None = None, progress: Callable[[int], None] = lambda _done: None
    ) -> ImpactReport:
        """Replay the period and compare.

        Args:
            question: what is asked.
            maximum: decisions that may be replayed, all when None.
            progress: called after each page with how many decisions were replayed.

        Raises:
            InvalidInput: the period or the number of examples is not allowed, there are too many decisions, or the
                candidate policies do not answer.
            NotFound, Forbidden, Conflict: a change cannot be supposed (see ``Agreements.texts`` and ``suppose``).
            TooManyRequests: another analysis runs in this process.
            Unavailable: the policy engine failed.
        """
        now = self._clock.now()
        _check(question, now)
        if not self._busy.acquire(blocking=False):
            raise TooManyRequests("impact.busy", "Another impact analysis is running; ask again when it is done.", 30)
        try:
            return self._analyse(question, now, maximum, progress)
        except EngineFault as fault:
            raise Unavailable("impact.engine", f"The policy engine failed: {fault.detail}.") from fault
        finally:
            self._busy.release()

    def _analyse(
        self, question: Question, now: datetime, maximum: int | None, progress: Callable[[int], None]
    ) -> ImpactReport:
        changes = self._agreements.texts(question.changes, question.seen_by)
        today, supposed = self._agreements.refresh(), self._agreements.suppose(changes)
        query = _query(question, self._log.tree_head()[0])
        if maximum is not None and self._search.count(query) > maximum:
            message = f"holds more than {maximum} decisions: ask about a shorter one, or use the command line"
            raise InvalidInput([Fault("/since", message)], "The period is too long to be answered here.")
        span = (question.since, question.until, now)
        before, after = throughout(today, *span), throughout(supposed, *span, supposed=clause_keys(changes))
        rules = PolicySource.from_directory()
        candidate = question.policies or rules
        comparison = Comparison(
            _engine(rules, before),
            _candidate(candidate, after) if question.policies else _engine(rules, after),
            differing(before, after) if candidate.digest == rules.digest else None,
            today.revision,
            question.examples,
        )
        replay = Replay(
            federation=self._federation,
            catalogue=self._catalogue,
            relationships=self._relationships,
            terms=_Terms(self._agreements),
            reads_before=_Reads(self._search),
        )
        for page in self._pages(query):
            with self._database.reading() as session:
                rebuilt = replay.rebuild(session, page)
            for one in rebuilt:
                comparison.add(one)
            progress(comparison.tally.decisions)
        return ImpactReport(
            question,
            today.revision,
            supposed.revision,
            rules.digest,
            candidate.digest,
            comparison.tally,
            comparison.changes(),
        )

    def _pages(self, query: Query) -> Iterator[Sequence[RecordedEvent]]:
        while page := self._search.find(query, _PAGE, newest_first=False):
            yield page
            query = replace(query, after_index=page[-1].index)


class _Terms:
    """Gives compiled clauses of any version on file, each agreement read once."""

    def __init__(self, agreements: Agreements) -> None:
        self._agreements = agreements
        self._known: dict[str, dict[tuple[int, str], Mapping[str, Any]]] = {}

    def __call__(self, session: Session, agreement_id: str, version: int, clause: str) -> Mapping[str, Any] | None:
        if agreement_id not in self._known:
            self._known[agreement_id] = self._read(session, agreement_id)
        return self._known[agreement_id].get((version, clause))

    def _read(self, session: Session, agreement_id: str) -> dict[tuple[int, str], Mapping[str, Any]]:
        try:
            texts = [record.agreement for record in self._agreements.versions_in(session, agreement_id)]
        except NotFound:
            return {}
        return {
            (text.version, clause.id): compile_clauses(text)[clause_key(text.id, clause.id)]
            for text in texts
            for clause in text.clauses
        }


class _Reads:
    """Counts what an AI service was let to read since midnight in London, from where it last counted."""

    def __init__(self, search: AuditSearch) -> None:
        self._search = search
        self._counted: dict[str, tuple[datetime, int, int]] = {}  # service: midnight, index counted up to, reads

    def __call__(self, session: Session, service: str, at: datetime, index: int) -> int:
        midnight = at.astimezone(LONDON).replace(hour=0, minute=0, second=0, microsecond=0)
        day, up_to, reads = self._counted.get(service, (midnight, -1, 0))
        if day != midnight:
            up_to, reads = -1, 0
        query = Query(
            subject=service,
            kind=EventKind.DECISION,
            outcome=Outcome.SUCCESS,
            since=midnight,
            after_index=up_to if up_to >= 0 else None,
            before_index=index,
        )
        reads += self._search.count_in(session, query)
        self._counted[service] = (midnight, index - 1, reads)
        return reads


def _engine(policies: PolicySource, data: PolicyData) -> RegorusEngine:
    engine = RegorusEngine(policies)
    engine.load(data)
    return engine


def _candidate(policies: PolicySource, data: PolicyData) -> CandidateEngine:
    """Load candidate policies; raises InvalidInput when they have no answer to a request that says nothing."""
    try:
        engine = CandidateEngine(policies)
        engine.load(data)
    except EngineFault as fault:
        message = f"gives no answer ({fault.reason.value}: {fault.detail})"
        raise InvalidInput([Fault("/policies", message)], "The candidate policies cannot be used.") from fault
    return engine


def _query(question: Question, size: int) -> Query:
    """Find this service's own decisions of the period that the trust may see, below a size of the log."""
    return Query(
        kind=EventKind.DECISION,
        source_id=SYSTEM,
        trust=question.seen_by,
        since=question.since,
        until=question.until,
        before_index=size,
    )


def _check(question: Question, now: datetime) -> None:
    faults = []
    if not question.changes and question.policies is None:
        faults.append(Fault("", "supposes no change"))
    if not question.since < question.until:
        faults.append(Fault("/since", "must be before until"))
    elif question.until - question.since > LONGEST:
        faults.append(Fault("/since", f"must be at most {LONGEST.days} days before until"))
    if question.since >= now:
        faults.append(Fault("/since", "must be in the past"))
    if not 0 <= question.examples <= EXAMPLES_MAXIMUM:
        faults.append(Fault("/examples", f"must be 0 to {EXAMPLES_MAXIMUM}"))
    if faults:
        raise InvalidInput(faults, "The question cannot be answered.")
