"""What gives looks their explanations: the port, the one that explains a batch at once, and the plainest one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

from governance.audit.event import RecordedEvent
from governance.detection.acts import LOOKS, TAKES, custodian_of, patient_of, study_of, succeeded
from governance.detection.explanation.graph import Asked, explanation_of
from governance.detection.explanation.lessons import lesson_of
from governance.detection.explanation.look import (
    DEGRADED,
    SPECIFIC,
    UNEXPLAINED,
    WIDE,
    Explanation,
    ExplanationKind,
    Lesson,
    Look,
)
from governance.detection.knowledge.facts import Context, Tie, Who
from governance.detection.knowledge.reasons import EdgeFacts, Standing

EDGES_FEED = "edges"  # the feed whose silence makes an unexplained look one that nobody can judge yet
Silent = Callable[[str, str, datetime], bool]


class Explainer(Protocol):
    """Explains the events of a batch, in their order."""

    def explain(self, events: Sequence[RecordedEvent], context: Any, known_at: int | None = None) -> Iterable[Look]:
        """Give a look for each event, by what was known at an index; by default at the event's own."""
        ...


class Reasons(Protocol):
    """The reasons of a batch: :class:`governance.detection.knowledge.reading.ReasonReader`."""

    def standing(self, event: RecordedEvent, known_at: int | None = None) -> Standing | None:
        """Give who acted, as the register knows them; None when the event names nobody."""
        ...

    def edges(
        self, event: RecordedEvent, custodians: Collection[str], known_at: int | None = None
    ) -> tuple[EdgeFacts, ...]:
        """Give what whoever looked holds to the patient or the study, or to all that some trusts answer for."""
        ...

    def lessons(self, event: RecordedEvent, before: int) -> tuple[Lesson, ...]:
        """Give what the log had taught, before an index, of whoever looked and the patient or study."""
        ...

    def learn(self, lesson: Lesson) -> None:
        """Take what an event of this batch taught."""
        ...

    def fits(self, edge: EdgeFacts, study: str | None) -> bool:
        """Say whether a project may see one more study, or has counted this one."""
        ...

    def use(self, edge: str, study: str) -> None:
        """Count a study that a project explained."""
        ...


class ReasonedContext(Context, Protocol):
    """Facts with the reasons of a batch beside them."""

    @property
    def reasons(self) -> Reasons:
        """Give the reasons."""
        ...


class BatchExplainer:
    """Explains the looks of a batch by what the context read for all of them together.

    In the order of the log: what an event teaches explains the looks after it. A batch is explained as its events would
    be one by one.

    Args:
        silent: says whether a feed (:data:`EDGES_FEED`) of a trust said nothing when it should have, at an instant:
            an unexplained look is then one that nobody can judge yet.
    """

    def __init__(self, silent: Silent = lambda _feed, _ods, _at: False) -> None:
        self._silent = silent

    def explain(
        self, events: Sequence[RecordedEvent], context: ReasonedContext, known_at: int | None = None
    ) -> Iterator[Look]:
        """Give a look for each event, when it is asked for: one that a step does not come to costs nothing.

        Args:
            events: in the order of the log.
            context: what is known.
            known_at: what was known at this index counts; None for each event's own.
        """
        for event in events:
            yield self._look(event, context, event.index if known_at is None else known_at)

    def _look(self, event: RecordedEvent, context: ReasonedContext, known_at: int) -> Look:
        standing = context.reasons.standing(event, known_at)
        if event.kind in LOOKS:
            return Look(event, self._explanation(event, standing, context, known_at), standing)
        lesson = lesson_of(event, standing)
        if lesson is not None:
            context.reasons.learn(lesson)
        return Look(event, None, standing, lesson)

    def _explanation(
        self, event: RecordedEvent, standing: Standing | None, context: ReasonedContext, known_at: int
    ) -> Explanation:
        reasons, study, known = context.reasons, study_of(event), context.at(known_at)
        custodians = _custodians(event, known)
        found = explanation_of(
            _asked(event, known, custodians),
            reasons.edges(event, custodians or {event.source.ods}, known_at),
            reasons.lessons(event, known_at),
            lambda edge: reasons.fits(edge, study),
        )
        if found.kind is ExplanationKind.PROJECT and found.edge and study and succeeded(event):
            reasons.use(found.edge, study)
        if found.explained:
            return found
        trusts = sorted({*custodians, *([standing.ods] if standing is not None and standing.ods else [])})
        return DEGRADED if any(self._silent(EDGES_FEED, ods, event.time) for ods in trusts) else found


def _custodians(event: RecordedEvent, context: Context) -> frozenset[str]:
    """Give the trusts that answer for the images: the catalogue's count beside the event's."""
    study, named = study_of(event), custodian_of(event)
    known = context.study(study) if study else None
    return frozenset((*(known.custodians if known else ()), *((named,) if named else ())))


def _asked(event: RecordedEvent, context: Context, custodians: frozenset[str]) -> Asked:
    patient = patient_of(event)
    known = context.patient(patient) if patient else None
    return Asked(
        at=event.time,
        study=study_of(event),
        custodians=custodians,
        site=event.subject.site if event.subject else None,
        purpose=event.purpose.value if event.purpose else None,
        destination=event.destination,
        taken=event.kind in TAKES,
        flagged=known is not None and known.flagged(event.time.date()),
    )


class PlainExplainer:
    """Explains each look by the strongest tie that held at its time, asked for one by one: for worked examples."""

    def explain(self, events: Sequence[RecordedEvent], context: Context, known_at: int | None = None) -> Iterator[Look]:
        """Give a look for each event."""
        for event in events:
            known = context.at(event.index if known_at is None else known_at)
            yield Look(event, _explanation(event, known)) if event.kind in LOOKS else Look(event)


def _explanation(event: RecordedEvent, context: Context) -> Explanation:
    if event.subject is None:
        return UNEXPLAINED
    who = Who(event.subject.id, event.subject.ods)
    ties = context.ties(who, patient_of(event), study_of(event), custodian_of(event), event.time)
    return max((_of_tie(tie) for tie in ties), key=lambda found: found.strength, default=UNEXPLAINED)


def _of_tie(tie: Tie) -> Explanation:
    return Explanation(ExplanationKind(tie.kind.value), tie.id, strength=SPECIFIC if tie.specific else WIDE)
