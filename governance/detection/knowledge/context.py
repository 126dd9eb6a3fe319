"""The facts of the region in one read snapshot, as they were known; what a batch needs is fetched at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sqlmodel import Session

from governance.audit.event import RecordedEvent
from governance.detection.acts import LOOKS
from governance.detection.knowledge.as_known import AsKnown, Sources
from governance.detection.knowledge.known import Known
from governance.detection.knowledge.links import Links
from governance.detection.knowledge.reading import ReasonReader
from governance.facts import NOW, History, Span
from governance.pseudonyms import Pseudonymiser
from governance.relationships import Relationships
from governance.vocabulary import SubjectType


class RegionContext(AsKnown):
    """The facts of the region in one read snapshot. What it says itself is what is known now; :meth:`at`, then.

    Args:
        session: the snapshot; a context lives for one batch and never longer, so that feeds are seen.
        history: reads what was known since when.
        relationships: says what a person holds through their teams.
        pseudonymiser: tells a person's pseudonym from a service's id.
        links: decisions and tokens.
    """

    __slots__ = ("_batch", "_history", "_links", "_session", "reasons")

    def __init__(
        self,
        session: Session,
        *,
        history: History,
        relationships: Relationships,
        pseudonymiser: Pseudonymiser,
        links: Links,
    ) -> None:
        sources = Sources(
            relationships,
            pseudonymiser,
            decision=partial(links.decision, session),
            token=partial(links.token, session),
            residents=partial(relationships.household_size, session),
        )
        super().__init__(Known(session, history, Span(NOW, NOW)), NOW, sources)
        self._session = session
        self._history = history
        self._batch: Known | None = None
        self._links = links
        self.reasons = ReasonReader(session, self.at)

    def at(self, index: int) -> AsKnown:
        """Give the facts as they were known to an event at an index: best one of the batch that was prepared.

        Raises:
            Conflict: ``facts.too_old``: what was known then is no longer kept.
        """
        if self._batch is None or not self._batch.span.holds(index):
            return AsKnown(Known(self._session, self._history, Span(index, index)), index, self._sources)
        return AsKnown(self._batch, index, self._sources)

    def prepare(self, events: Sequence[RecordedEvent], known_at: int | None = None) -> None:
        """Fetch what the looks of a batch will ask for, in a few statements whatever their number.

        Args:
            events: the batch.
            known_at: the index of the log that all will be asked about; by default each event's own, and the next.

        Raises:
            Conflict: ``facts.too_old``: what was known at the first of them is no longer kept.
        """
        if not events:
            return
        if known_at is None:
            self._links.prepare(self._session, events)
        indexes = [event.index for event in events]
        span = Span(min(indexes), max(indexes) + 1) if known_at is None else Span(known_at, known_at)
        batch = self._batch = Known(self._session, self._history, span)
        looks = [event for event in events if event.kind in LOOKS]
        subjects = [event.subject for event in events if event.subject is not None]
        services = {one.id for one in subjects if one.type is not SubjectType.PRACTITIONER}
        names = {one.id for one in subjects} | {self._sources.pseudonymiser.subject(name) for name in services}
        resources = [event.resource for event in looks if event.resource is not None]
        batch.prepare(
            names,
            {one.patient for one in resources if one.patient is not None},
            {one.study for one in resources if one.study is not None},
        )
        teams = {team for member in batch.members() for team in member.team_ids}
        batch.also({self._sources.pseudonymiser.subject(team) for team in teams})
        self.reasons.prepare(looks)
