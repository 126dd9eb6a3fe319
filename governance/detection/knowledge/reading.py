"""Who looked, what they hold and what the log taught of them: read for a whole batch in a few statements.

1. What is asked of one event is read for all that were prepared with it; what was not prepared is read for itself. The
   answers are the same.
2. Everything is asked with the event at hand, so with the place in the log that it must be known at.
3. An edge is held by whom it names, by no namesake of theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlmodel import Session

from governance.audit.event import RecordedEvent
from governance.decisions import holders_of, unknown_holder
from governance.detection.acts import LOOKS, patient_of, study_of
from governance.detection.explanation import _store
from governance.detection.explanation.limits import LESSONS_LAST, LESSONS_LEAD, REACHES
from governance.detection.explanation.look import ExplanationKind, Lesson
from governance.detection.knowledge.reasons import EdgeFacts, Standing
from governance.federation import FederationDirectory, ServiceClient, StaffMember, recorded
from governance.pseudonyms import Pseudonymiser
from governance.relationships import SERVICES, Edge, Holder, Relationships
from governance.vocabulary import RelationshipKind, SubjectType

_MARGIN = REACHES[ExplanationKind.ROTA].leads  # of a shift that is over
_LEADS = max(REACHES[ExplanationKind(kind.value)].leads for kind in RelationshipKind)


class ReasonReader:
    """The reasons of a batch on one read snapshot.

    Args:
        session: the snapshot.
        federation: knows people, teams and services.
        relationships: holds the edges.
        pseudonymiser: keys the names of teams.
    """

    def __init__(
        self,
        session: Session,
        *,
        federation: FederationDirectory,
        relationships: Relationships,
        pseudonymiser: Pseudonymiser,
    ) -> None:
        self._session = session
        self._federation = federation
        self._relationships = relationships
        self._pseudonymiser = pseudonymiser
        self._prepared: set[int] = set()
        self._naming: dict[str, frozenset[str]] = {}
        self._people: dict[tuple[str, str | None], tuple[Standing, tuple[Holder, ...]]] = {}
        self._clients: Mapping[str, ServiceClient] | None = None
        self._edges: dict[tuple[str, str | None], dict[str, Edge]] = {}
        self._lessons: dict[tuple[str, str], dict[int, Lesson]] = {}
        self._counted: dict[str, int] = {}
        self._uses: set[tuple[str, str]] = set()

    def prepare(self, events: Iterable[RecordedEvent], others: Collection[str] = ()) -> None:
        """Read who acted in some events and what the looks among them ask for, and who is called by ``others``."""
        fresh = [one for one in events if one.subject and one.index not in self._prepared]
        if not fresh:
            return
        self._prepared.update(one.index for one in fresh)
        self._read_people({*others, *(one.subject.id for one in fresh if one.subject and _is_person(one))})
        looks = [one for one in fresh if one.kind in LOOKS]
        if looks:
            self._read_edges(looks)
            self._read_lessons(looks)
            self._read_projects({study for one in looks if (study := study_of(one)) is not None})

    def standing(self, event: RecordedEvent) -> Standing | None:
        """Give who acted, as the register knows them; None when the event names nobody."""
        return None if event.subject is None else self._known(event)[0]

    def edges(self, event: RecordedEvent, custodians: Collection[str]) -> tuple[EdgeFacts, ...]:
        """Give what whoever looked holds to the patient or the study, or to all that some trusts answer for.

        By id; valid at some time near the event, which is for the graph to judge.
        """
        if event.subject is None:
            return ()
        self.prepare([event])
        patient, study = patient_of(event), study_of(event)
        found: dict[str, EdgeFacts] = {}
        for holder in self._known(event)[1]:
            edges = [
                *(self._edges.get((holder.name, patient), {}).values() if patient else ()),
                *(self._edges.get((holder.name, study), {}).values() if study else ()),
                *(one for one in self._edges.get((holder.name, None), {}).values() if one.ods in custodians),
            ]
            for edge in edges:
                if edge.id not in found and holder.holds(edge):
                    found[edge.id] = _facts(edge, team=holder.name != self._name(event))
        return tuple(found[name] for name in sorted(found))

    def lessons(self, event: RecordedEvent, before: int) -> tuple[Lesson, ...]:
        """Give what the log had taught, before an index, of whoever looked and the patient or study."""
        if event.subject is None:
            return ()
        self.prepare([event])
        named_by = self._known(event)[0].named_by
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

    def _read_people(self, people: set[str]) -> None:
        called = self._federation.staff_many(self._session, people)
        teams = {team for some in called.values() for one in some for team in one.team_ids}
        names = (people | {self._pseudonymiser.subject(team) for team in teams}) - self._naming.keys()
        if names:
            self._naming.update(self._federation.trusts_naming(self._session, names))

    def _read_edges(self, looks: Sequence[RecordedEvent]) -> None:
        names = {holder.name for one in looks for holder in self._known(one)[1]}
        patients = {name for one in looks if (name := patient_of(one)) is not None}
        studies = {name for one in looks if (name := study_of(one)) is not None}
        span = min(one.time for one in looks) - _MARGIN, max(one.time for one in looks) + _LEADS
        for edge in self._relationships.edges_around(self._session, names, patients, studies, span):
            self._edges.setdefault((edge.subject, edge.patient or edge.study), {})[edge.id] = edge

    def _read_lessons(self, looks: Sequence[RecordedEvent]) -> None:
        people = {one.subject.id for one in looks if one.subject and _is_person(one)}
        about = {name for one in looks for name in (patient_of(one), study_of(one)) if name is not None}
        first, last = min(one.time for one in looks), max(one.time for one in looks)
        for lesson in _store.lessons(self._session, people, about, (first - LESSONS_LAST, last + LESSONS_LEAD)):
            self.learn(lesson)

    def _read_projects(self, studies: set[str]) -> None:
        bounded = {
            edge.id
            for some in self._edges.values()
            for edge in some.values()
            if edge.kind is RelationshipKind.PROJECT and _said(edge, "limit") is not None
        }
        if bounded:
            self._counted |= _store.project_sizes(self._session, bounded - self._counted.keys())
            self._uses |= _store.project_uses(self._session, bounded, studies)

    def _known(self, event: RecordedEvent) -> tuple[Standing, tuple[Holder, ...]]:
        """Give who acted and the holders of edges that they are."""
        subject = event.subject
        if subject is None:
            raise ValueError("the event names nobody")
        if not _is_person(event):
            return self._service(subject.id, subject.type, subject.ods)
        key = subject.id, subject.ods
        if key not in self._people:
            called = self._federation.namesakes(self._session, subject.id)
            member = recorded(called, subject.ods)
            self._people[key] = self._unknown(event) if member is None else self._member(member)
        return self._people[key]

    def _member(self, member: StaffMember) -> tuple[Standing, tuple[Holder, ...]]:
        known = self._federation, self._relationships
        holders = holders_of(*known, member, self._session, self._named)
        teams = tuple(holder.name for holder in holders[1:])
        return Standing(member.role, member.ods, member.named_by, teams, known=True), holders

    def _unknown(self, event: RecordedEvent) -> tuple[Standing, tuple[Holder, ...]]:
        subject = event.subject
        if subject is None:
            raise ValueError("the event names nobody")
        known = self._federation, self._relationships
        holders = unknown_holder(*known, subject.id, subject.ods, self._session, self._named)
        return Standing(subject.role, subject.ods, subject.ods), holders

    def _service(self, name: str, kind: SubjectType, claimed: str | None) -> tuple[Standing, tuple[Holder, ...]]:
        if self._clients is None:
            self._clients = {client.client_id: client for client in self._federation.clients(self._session)}
        client = self._clients.get(name)
        ods = claimed if client is None else client.ods
        standing = Standing(kind.value, ods, SERVICES, known=client is not None)
        return standing, (self._relationships.service(name),)

    def _named(self, names: Collection[str]) -> Mapping[str, frozenset[str]]:
        """Give the trusts that name somebody so, from what was read for the batch."""
        missing = [name for name in names if name not in self._naming]
        if missing:
            self._naming.update(self._federation.trusts_naming(self._session, missing))
        return {name: self._naming[name] for name in names}

    def _name(self, event: RecordedEvent) -> str:
        return self._known(event)[1][0].name


def _is_person(event: RecordedEvent) -> bool:
    return event.subject is not None and event.subject.type is SubjectType.PRACTITIONER


def _facts(edge: Edge, *, team: bool) -> EdgeFacts:
    limit = _said(edge, "limit")
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
        site=_text(edge, "site"),
        purpose=_text(edge, "purpose"),
        destination=_text(edge, "destination"),
        limit=limit if isinstance(limit, int) else None,
    )


def _text(edge: Edge, name: str) -> str | None:
    value = _said(edge, name)
    return None if value is None else str(value)


def _said(edge: Edge, name: str) -> object:
    """Give what an edge says beside its holder and its patient; a feed that says nothing of it gives None."""
    return getattr(edge, name, None)
