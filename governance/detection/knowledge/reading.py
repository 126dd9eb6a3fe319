"""Who looked, what they hold and what the log taught of them: read for a whole batch in a few statements.

1. What is asked of one event is read for all that were prepared with it; what was not prepared is read for itself. The
   answers are the same.
2. People, teams, services and edges are those known at an index of the log: the event's own, or one that is named.
3. An edge is held by whom it names, by no namesake of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from sqlmodel import Session

from governance.audit.event import RecordedEvent
from governance.detection.acts import LOOKS, patient_of, study_of
from governance.detection.explanation import _store
from governance.detection.explanation.limits import LESSONS_LAST, LESSONS_LEAD, REACHES
from governance.detection.explanation.look import ExplanationKind, Lesson
from governance.detection.knowledge.as_known import AsKnown
from governance.detection.knowledge.facts import Who
from governance.detection.knowledge.reasons import EdgeFacts, Standing
from governance.relationships import SERVICES, Edge
from governance.vocabulary import RelationshipKind, SubjectType

_MARGIN = REACHES[ExplanationKind.ROTA].leads  # of a shift that is over
_LEADS = max(REACHES[ExplanationKind(kind.value)].leads for kind in RelationshipKind)


class ReasonReader:
    """The reasons of a batch on one read snapshot.

    Args:
        session: the snapshot.
        view: gives the facts as they were known at an index.
    """

    def __init__(self, session: Session, view: Callable[[int], AsKnown]) -> None:
        self._session = session
        self._view = view
        self._prepared: set[int] = set()
        self._lessons: dict[tuple[str, str], dict[int, Lesson]] = {}
        self._counted: dict[str, int] = {}
        self._uses: set[tuple[str, str]] = set()

    def prepare(self, events: Iterable[RecordedEvent]) -> None:
        """Read what the log taught of the looks among some events, and how full their projects are."""
        looks = [one for one in events if one.kind in LOOKS and one.subject and one.index not in self._prepared]
        self._prepared.update(one.index for one in looks)
        if looks:
            self._read_lessons(looks)
            self._read_projects(looks)

    def standing(self, event: RecordedEvent, known_at: int | None = None) -> Standing | None:
        """Give who acted, as the register knows them; None when the event names nobody."""
        subject = event.subject
        if subject is None:
            return None
        view = self._view(event.index if known_at is None else known_at)
        if subject.type is not SubjectType.PRACTITIONER:
            ods = view.service_trust(subject.id)
            return Standing(subject.type.value, ods or subject.ods, SERVICES, known=ods is not None)
        who = Who(subject.id, subject.ods)
        member = view.member(who)
        if member is None:
            return Standing(subject.role, subject.ods, subject.ods)
        teams = tuple(holder.name for holder in view.holders(who)[1:])
        return Standing(member.role, member.ods, member.named_by, teams, known=True)

    def edges(
        self, event: RecordedEvent, custodians: Collection[str], known_at: int | None = None
    ) -> tuple[EdgeFacts, ...]:
        """Give what whoever looked holds to the patient or the study, or to all that some trusts answer for.

        By id; valid at some time near the event, which is for the graph to judge.
        """
        if event.subject is None:
            return ()
        view = self._view(event.index if known_at is None else known_at)
        who = Who(event.subject.id, event.subject.ods)
        span = event.time - _MARGIN, event.time + _LEADS
        own = view.holders(who)[0].name
        found = {edge.id: edge for edge in view.edges_around(who, patient_of(event), study_of(event), custodians, span)}
        return tuple(_facts(found[name], team=found[name].subject != own) for name in sorted(found))

    def lessons(self, event: RecordedEvent, before: int) -> tuple[Lesson, ...]:
        """Give what the log had taught, before an index, of whoever looked and the patient or study."""
        if event.subject is None:
            return ()
        self.prepare([event])
        standing = self.standing(event)
        named_by = None if standing is None else standing.named_by
        about = [name for name in (patient_of(event), study_of(event)) if name is not None]
        known = [one for name in about for one in self._lessons.get((event.subject.id, name), {}).values()]
        return tuple(
            sorted((one for one in known if one.index < before and one.named_by == named_by), key=lambda one: one.index)
        )

    def learn(self, lesson: Lesson) -> None:
        """Take what an event of this batch taught, so that later ones of it find it."""
        self._lessons.setdefault((lesson.subject, lesson.about), {})[lesson.index] = lesson

    def fits(self, edge: EdgeFacts, study: str | None) -> bool:
        """Say whether a project may see one more study, or has counted this one; without a limit it always may."""
        if edge.limit is None or study is None or (edge.id, study) in self._uses:
            return True
        return self._counted.get(edge.id, 0) < edge.limit

    def use(self, edge: str, study: str) -> None:
        """Count a study that a project explained."""
        if (edge, study) not in self._uses:
            self._uses.add((edge, study))
            self._counted[edge] = self._counted.get(edge, 0) + 1

    def _read_lessons(self, looks: Sequence[RecordedEvent]) -> None:
        people = {one.subject.id for one in looks if one.subject and _is_person(one)}
        about = {name for one in looks for name in (patient_of(one), study_of(one)) if name is not None}
        first, last = min(one.time for one in looks), max(one.time for one in looks)
        for lesson in _store.lessons(self._session, people, about, (first - LESSONS_LAST, last + LESSONS_LEAD)):
            self.learn(lesson)

    def _read_projects(self, looks: Sequence[RecordedEvent]) -> None:
        studies = {study for one in looks if (study := study_of(one)) is not None}
        bounded = {edge for one in looks for edge in self._view(one.index).bounded_projects(_who(one))}
        if bounded:
            self._counted |= _store.project_sizes(self._session, bounded - self._counted.keys())
            self._uses |= _store.project_uses(self._session, bounded, studies)


def _who(event: RecordedEvent) -> Who:
    return Who(event.subject.id if event.subject else "", event.subject.ods if event.subject else None)


def _is_person(event: RecordedEvent) -> bool:
    return event.subject is not None and event.subject.type is SubjectType.PRACTITIONER


def _facts(edge: Edge, *, team: bool) -> EdgeFacts:
    return EdgeFacts(
        id=edge.id,
        kind=edge.kind,
        patient=edge.patient,
        study=edge.study,
        ods=edge.ods,
        begins=edge.valid_from,
        ends=edge.valid_until,
        source=edge.source,
        team=team,
        site=edge.site,
        purpose=None if edge.purpose is None else edge.purpose.value,
        destination=edge.destination,
        limit=edge.limit,
    )
