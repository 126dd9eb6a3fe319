"""The facts as they were known at one index of the log: what rules and explanations ask for one event."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from governance.agreements.known import AGREEMENT, KnownAgreement, known_agreement
from governance.detection.knowledge import mapping
from governance.detection.knowledge.facts import (
    DecisionFacts,
    ManifestFacts,
    PatientFacts,
    StaffFacts,
    StudyFacts,
    Tie,
    TokenFacts,
    Who,
)
from governance.detection.knowledge.known import Known
from governance.federation import Registered, StaffMember, chosen, recorded
from governance.federation.known import MANIFEST, SERVICE, STANDING, in_force, known_manifest
from governance.pseudonyms import Pseudonymiser
from governance.relationships import Edge, Holder, Relationships, held
from governance.relationships.known import EDGE
from governance.storage import to_microseconds
from governance.vocabulary import RelationshipKind

_PROJECT = f'"{RelationshipKind.PROJECT.value}"'


@dataclass(frozen=True, slots=True)
class Sources:
    """What every view of a batch asks beside the history.

    Args:
        relationships: says what a person holds through their teams.
        pseudonymiser: tells a person's pseudonym from a service's id.
        decision: finds a decision before an index.
        token: finds a token before an index.
        residents: counts the patients of a household.
    """

    relationships: Relationships
    pseudonymiser: Pseudonymiser
    decision: Callable[[str, int], DecisionFacts | None]
    token: Callable[[str, int], TokenFacts | None]
    residents: Callable[[str], int]


class AsKnown:
    """Facts as they were known to an event at an index: of what was recorded before it, and of nothing later.

    Args:
        known: the facts of the batch.
        index: the event's.
        sources: what is asked beside them.
    """

    __slots__ = ("_index", "_known", "_sources", "decision", "token")

    def __init__(self, known: Known, index: int, sources: Sources) -> None:
        self._known = known
        self._index = index
        self._sources = sources
        self.decision = sources.decision
        self.token = sources.token

    @property
    def known_before(self) -> int:
        """Give the index that these facts are of."""
        return self._index

    def at(self, index: int) -> AsKnown:
        """Give the facts as they were known at another index of the batch."""
        return AsKnown(self._known, index, self._sources)

    def staff(self, subject: str, ods: str | None) -> StaffFacts | None:
        """Find a member of staff of a trust; nobody who is only called the same."""
        (found,) = self._known.made(("staff", subject, ods), self._index, lambda: (self._staff(subject, ods),))
        return found

    def patient(self, patient: str) -> PatientFacts | None:
        """Find a patient."""
        said = self._known.patient(patient, self._index)
        names = {one.staff for one in said if one.staff is not None}
        return mapping.patient_facts(said, filter(self._only_one, names)) if said else None

    def study(self, study: str) -> StudyFacts | None:
        """Find a study."""
        found = self._known.study(study, self._index)
        return None if found is None else mapping.study_facts(found)

    def manifest(self, service: str, version: str | None, at: datetime) -> ManifestFacts | None:
        """Find the manifest of an AI service's version as of an instant; of the version it ran, if none is said."""
        wanted = self._registered_version(service) if version is None else version
        found = self._known.about(MANIFEST, service, self._index)
        named = (known_manifest(one) for one in found if one.key == f"{service} {wanted}")
        manifest = next(named, None)
        return None if manifest is None else mapping.manifest_facts(manifest, at)

    def agreement(self, agreement_id: str) -> tuple[KnownAgreement, ...]:
        """Give where each version of an agreement stood."""
        found = self._known.about(AGREEMENT, agreement_id, self._index)
        return tuple(sorted(map(known_agreement, found), key=lambda one: one.version))

    def edges(
        self, who: Who, patient: str | None, study: str | None, custodian: str | None, at: datetime
    ) -> tuple[Edge, ...]:
        """Give the edges that held at an instant; the catalogue's custodians count beside the event's.

        Those of the person, of their teams, or of a service, to the patient, to the study, or to the whole list of a
        trust that answers for it; by kind, then id.
        """
        known = self._known.study(study, self._index) if study else None
        custodians = {*(known.custodians if known else ()), *((custodian,) if custodian else ())}
        moment = to_microseconds(at)
        return self._held(who, patient, study, custodians, lambda since, until: _valid(since, until, moment))

    def ties(
        self, who: Who, patient: str | None, study: str | None, custodian: str | None, at: datetime
    ) -> tuple[Tie, ...]:
        """Give the reasons that held at an instant, as :meth:`edges`."""
        return mapping.ties(self.edges(who, patient, study, custodian, at))

    def follow_up(self, who: Who, patient: str, study: str | None, since: datetime, until: datetime) -> tuple[Tie, ...]:
        """Give the specific ties that held at ``since`` or began before ``until``, the person's teams included."""
        first, last = to_microseconds(since), to_microseconds(until)
        begun = self._held(who, patient, None, (), lambda began, _ended: first <= began < last)
        tied = self._held(who, patient, study, (), lambda began, ended: _valid(began, ended, first))
        return mapping.ties([*tied, *begun])

    def edges_around(
        self,
        who: Who,
        patient: str | None,
        study: str | None,
        custodians: Collection[str],
        span: tuple[datetime, datetime],
    ) -> tuple[Edge, ...]:
        """Give the edges, as :meth:`edges`, that held at some time of a span."""
        first, last = to_microseconds(span[0]), to_microseconds(span[1])
        return self._held(
            who, patient, study, custodians, lambda began, ended: began <= last and (ended is None or ended > first)
        )

    def bounded_projects(self, who: Who) -> frozenset[str]:
        """Give the ids of projects of a person, their teams or a service that may see so many studies and no more."""

        def find() -> frozenset[str]:
            edges = (
                self._known.edge(one)
                for holder in self.holders(who)
                for one in self._known.about(EDGE, holder.name, self._index)
                if _PROJECT in one.value  # most are of other kinds, and are not looked into
            )
            return frozenset(
                edge.id for edge in edges if edge.kind is RelationshipKind.PROJECT and edge.limit is not None
            )

        return self._known.made(("projects", who), self._index, find)

    def member(self, who: Who) -> StaffMember | None:
        """Give who acted, of those of their name, as the register has them."""
        return recorded(self._called(who.id), who.ods)

    def service_trust(self, service: str) -> str | None:
        """Give the trust that a registered service is of; None when nobody registered it."""
        found = self._known.about(SERVICE, service, self._index)
        return found[0].ods if found else None

    def decision_point(self, source: str, trust: str) -> bool:
        """Say whether a source was a client of the trust that it reports for, and in force."""
        standings = self._known.about(STANDING, source, self._index)
        return self.service_trust(source) == trust and in_force(standings, Registered.CLIENT)

    def residents(self, household: str) -> int:
        """Count the patients of a household, as many as there are now."""
        return self._sources.residents(household)

    def holders(self, who: Who) -> tuple[Holder, ...]:
        """Give a person and their teams, or a service, as holders of edges."""
        return self._known.made(("holders", who), self._index, lambda: self._holders(who))

    def _staff(self, subject: str, ods: str | None) -> StaffFacts | None:
        member = recorded(self._called(subject), ods)
        return None if member is None else mapping.staff_facts(member, self._teams(member))

    def _holders(self, who: Who) -> tuple[Holder, ...]:
        relationships = self._sources.relationships
        if self._sources.pseudonymiser.subject(who.id) != who.id:
            return (relationships.service(who.id),)
        called = self._called(who.id)
        member = recorded(called, who.ods)
        if member is None:
            others = frozenset(one.ods for one in called if one.ods != who.ods)
            return relationships.holders(Holder(who.id, who.ods, who.ods, others), (), self._naming)
        others = frozenset(one.ods for one in called if one.named_by != member.named_by)
        person = Holder(member.id, member.named_by, member.ods, others)
        return relationships.holders(person, member.team_ids, self._naming)

    def _held(
        self,
        who: Who,
        patient: str | None,
        study: str | None,
        custodians: Collection[str],
        counts: Callable[[int, int | None], bool],
    ) -> tuple[Edge, ...]:
        holders = self.holders(who)
        names = {holder.name for holder in holders}
        versions = self._known.edges(names, patient, study, custodians, self._index)
        edges = [self._known.edge(one) for one in versions if counts(one.valid_from or 0, one.valid_until)]
        return tuple(sorted(held(edges, holders), key=lambda edge: (edge.kind, edge.id)))

    def _registered_version(self, service: str) -> str | None:
        """Give the version that a service was registered to run; none of a service that was out of force."""
        found = self._known.about(SERVICE, service, self._index)
        standings = self._known.about(STANDING, service, self._index)
        if not found or not in_force(standings, Registered.CLIENT):
            return None
        version: str | None = found[0].said().get("ai_version")
        return version

    def _naming(self, names: Collection[str]) -> dict[str, frozenset[str]]:
        return {name: self._known.trusts_naming(name, self._index) for name in names}

    def _teams(self, member: StaffMember) -> list[str]:
        return [self._sources.pseudonymiser.subject(team) for team in member.team_ids]

    def _only_one(self, name: str) -> bool:
        """Say whether one person at most is called so: of several, the staff register tells who is the patient."""
        called = self._called(name)
        return not called or chosen(called, None) is not None

    def _called(self, subject: str) -> tuple[StaffMember, ...]:
        """Give all the members of staff of a pseudonym."""
        return self._known.made(("called", subject), self._index, lambda: self._known.staff(subject, self._index))


def _valid(began: int, ended: int | None, moment: int) -> bool:
    return began <= moment and (ended is None or moment < ended)
