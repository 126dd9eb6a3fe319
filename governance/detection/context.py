"""Facts from the rooms that hold them, read in one snapshot; what a batch needs is fetched at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial

from sqlmodel import Session

from governance.audit.event import RecordedEvent
from governance.catalogue import Catalogue, Study
from governance.decisions import holders_of, unknown_holder
from governance.detection.acts import LOOKS
from governance.detection.facts import ManifestFacts, PatientFacts, StaffFacts, StudyFacts, Tie, Who
from governance.detection.links import Links
from governance.federation import FederationDirectory, StaffMember, chosen, recorded
from governance.pseudonyms import Pseudonymiser
from governance.relationships import Between, Edge, Holder, KnownPatient, Relationships, held
from governance.vocabulary import SubjectType

_NEVER = datetime.max.replace(tzinfo=UTC)  # detection does not use opt-outs: at that instant every check is too old


class RegionContext:
    """The facts of the region in one read snapshot.

    Args:
        session: the snapshot; a context lives for one batch and never longer, so that feeds are seen.
    """

    def __init__(
        self,
        session: Session,
        *,
        federation: FederationDirectory,
        catalogue: Catalogue,
        relationships: Relationships,
        pseudonymiser: Pseudonymiser,
        links: Links,
    ) -> None:
        self._session = session
        self._federation = federation
        self._catalogue = catalogue
        self._relationships = relationships
        self._pseudonymiser = pseudonymiser
        self._patients: dict[str, KnownPatient | None] = {}
        self._studies: dict[str, Study | None] = {}
        self.note = partial(links.note, session)
        self.decision = partial(links.decision, session)
        self.token = partial(links.token, session)

    def prepare(self, events: Sequence[RecordedEvent]) -> None:
        """Fetch what the accesses of a batch will ask for, in three queries."""
        looks = [event for event in events if event.kind in LOOKS]
        people = {e.subject.id for e in looks if e.subject and e.subject.type is SubjectType.PRACTITIONER}
        patients = {e.resource.patient for e in looks if e.resource and e.resource.patient}
        studies = {e.resource.study for e in looks if e.resource and e.resource.study}
        self._federation.staff_many(self._session, people)  # the directory keeps them for this snapshot
        self._patients = dict.fromkeys(patients) | self._relationships.patients(self._session, patients, _NEVER)
        self._studies = dict.fromkeys(studies) | self._catalogue.studies_by_pseudonym(self._session, studies)

    def staff(self, subject: str, ods: str | None) -> StaffFacts | None:
        """Find a member of staff of a trust; nobody who is only called the same."""
        member = recorded(self._called(subject), ods)
        return None if member is None else StaffFacts(member.role, member.ods, member.patient_key)

    def patient(self, patient: str) -> PatientFacts | None:
        """Find a patient."""
        if patient not in self._patients:
            self._patients[patient] = self._relationships.patient(self._session, patient, _NEVER)
        known = self._patients[patient]
        return None if known is None else PatientFacts(frozenset(filter(self._only_one, known.staff)))

    def _only_one(self, name: str) -> bool:
        """Say whether one person at most is called so: of several, the staff register tells who is the patient."""
        called = self._called(name)
        return not called or chosen(called, None) is not None

    def study(self, study: str) -> StudyFacts | None:
        """Find a study."""
        if study not in self._studies:
            self._studies[study] = self._catalogue.study_by_pseudonym(self._session, study)
        known = self._studies[study]
        return None if known is None else StudyFacts(known.custodians, known.modality, known.body_part, known.decoy)

    def manifest(self, service: str, version: str | None, at: datetime) -> ManifestFacts | None:
        """Find the manifest of an AI service's version as of an instant."""
        found = self._federation.manifest(self._session, service, version)
        if found is None:
            return None
        return ManifestFacts(
            version=found.version,
            modalities=found.modalities,
            body_parts=found.body_parts,
            trusts=found.trusts,
            daily_volume=found.daily_volume,
            approved=found.approved_on(at),
        )

    def ties(
        self, who: Who, patient: str | None, study: str | None, custodian: str | None, at: datetime
    ) -> tuple[Tie, ...]:
        """Give the reasons that held at an instant; the catalogue's custodians count beside the event's."""
        known = self.study(study) if study else None
        custodians = {*(known.custodians if known else ()), *((custodian,) if custodian else ())}
        wanted = Between(self._holders(who), patient, study, tuple(sorted(custodians)))
        edges = self._relationships.edges_between(self._session, wanted, at)
        return _ties(edges)

    def follow_up(self, who: Who, patient: str, study: str | None, since: datetime, until: datetime) -> tuple[Tie, ...]:
        """Give the specific ties that held at ``since`` or began before ``until``, the person's teams included."""
        holders = self._holders(who)
        tied = self._relationships.edges_between(self._session, Between(holders, patient, study), since)
        begun = self._relationships.edges_of_patient(self._session, patient, since, until)
        return _ties([*tied, *held(begun, holders)])

    def _holders(self, who: Who) -> tuple[Holder, ...]:
        """Give a person and their teams, or a service, as holders of edges."""
        if self._pseudonymiser.subject(who.id) != who.id:
            return (self._relationships.service(who.id),)
        member = recorded(self._called(who.id), who.ods)
        if member is None:
            return unknown_holder(self._federation, self._relationships, who.id, who.ods, self._session)
        return holders_of(self._federation, self._relationships, member, self._session)

    def _called(self, subject: str) -> tuple[StaffMember, ...]:
        """Give all the members of staff of a pseudonym."""
        return self._federation.namesakes(self._session, subject)


def _ties(edges: Iterable[Edge]) -> tuple[Tie, ...]:
    found = {edge.id: Tie(edge.kind, edge.id, not edge.wide) for edge in edges}
    return tuple(sorted(found.values(), key=lambda tie: (tie.kind.value, tie.id)))
