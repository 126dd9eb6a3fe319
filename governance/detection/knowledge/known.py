"""What was known of people, patients, studies and their ties at the indexes of a batch: read at once, kept by name.

1. Names that a batch is known to ask for are read in a few statements (:meth:`Known.prepare`); a name that turns up
   later is read by itself and kept.
2. What is sealed is opened for the versions that are looked into, and kept as long as the batch.
3. What is made of facts about subjects is the same at all indexes between two changes of any of them, and made once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Hashable, Iterable
from typing import Any, TypeVar

from sqlmodel import Session

from governance.agreements.known import AGREEMENT
from governance.catalogue.known import STUDY, KnownStudy, known_study
from governance.facts import History, Span, Timelines, Version, Wanted
from governance.federation import StaffMember
from governance.federation.known import MANIFEST, SERVICE, STAFF, STANDING, TEAM, known_staff
from governance.relationships import Edge, PatientContext
from governance.relationships.known import EDGE, PATIENT, is_staff, known_edge, known_patient

_KINDS = {
    "subjects": (STAFF, TEAM, SERVICE, MANIFEST, STANDING, AGREEMENT, EDGE),
    "patients": (PATIENT, EDGE),
    "studies": (STUDY, EDGE),
}
Made = TypeVar("Made")
_Place = tuple[str, int]  # key and index of a version


class Known:
    """Facts of a span of indexes on one snapshot.

    Args:
        session: the snapshot.
        history: reads versions on it.
        span: the indexes that will be asked about.
    """

    def __init__(self, session: Session, history: History, span: Span) -> None:
        self.span = span
        self._session = session
        self._history = history
        self._lines = Timelines()
        self._opener = history.opener(session)
        self._read: dict[str, set[str]] = {by: set() for by in _KINDS}
        self._staff: dict[_Place, StaffMember] = {}
        self._patients: dict[_Place, PatientContext] = {}
        self._studies: dict[_Place, KnownStudy] = {}
        self._edges: dict[_Place, Edge] = {}
        self._changes: list[int] = []  # indexes in the span at which facts about subjects changed
        self._made: dict[Hashable, Any] = {}

    def prepare(self, subjects: Collection[str], patients: Collection[str], studies: Collection[str]) -> None:
        """Read what is known under some names, each name once; and who else the patients among them are called."""
        people = self._fetch("subjects", subjects)
        found = self._fetch("patients", patients)
        self._fetch("studies", studies)
        staff = [one for one in found if one.kind == PATIENT and is_staff(one)]
        self._opener.prepare([*people, *staff])
        called = (self._patient(one).staff for one in staff)
        self._fetch("subjects", [name for name in called if name is not None])

    def also(self, subjects: Collection[str]) -> None:
        """Read what is known under further names of subjects."""
        self._fetch("subjects", subjects)

    def members(self) -> list[StaffMember]:
        """Give every version of the members of staff that were read."""
        return [self._member(one) for one in self._lines.every(STAFF)]

    def staff(self, name: str, at: int) -> tuple[StaffMember, ...]:
        """Give the members of staff of a pseudonym."""
        return tuple(self._member(one) for one in self.about(STAFF, name, at))

    def trusts_naming(self, name: str, at: int) -> frozenset[str]:
        """Give the trusts that have somebody, or a team, of a pseudonym."""
        found = [*self.about(STAFF, name, at), *self.about(TEAM, name, at)]
        return frozenset(one.ods for one in found if one.ods is not None)

    def made(self, name: Hashable, at: int, make: Callable[[], Made]) -> Made:
        """Give what is made of facts about subjects alone, from what was made at an index with no change in between."""
        place = name, bisect_left(self._changes, at)
        found: Made | None = self._made.get(place)
        if found is None:
            found = make()
            place = name, bisect_left(self._changes, at)  # it may have read more
            self._made[place] = found
        return found

    def about(self, kind: str, subject: str, at: int) -> list[Version]:
        """Give the versions of a kind about a subject."""
        self._need("subjects", subject)
        return self._lines.of(kind, at, subject=subject)

    def patient(self, name: str, at: int) -> list[PatientContext]:
        """Give what trusts say of a patient."""
        self._need("patients", name)
        return [self._patient(one) for one in self._lines.of(PATIENT, at, patient=name)]

    def study(self, name: str, at: int) -> KnownStudy | None:
        """Give a study."""
        self._need("studies", name)
        found = self._lines.of(STUDY, at, study=name)
        return self._study(found[0]) if found else None

    def edges(
        self, names: Collection[str], patient: str | None, study: str | None, custodians: Collection[str], at: int
    ) -> list[Version]:
        """Give the edges of some subjects to a patient, to a study, or to the whole list of a custodian, by key."""
        found: list[Version] = []
        if patient is not None:
            self._need("patients", patient)
            found += self._lines.of(EDGE, at, patient=patient)
        if study is not None:
            self._need("studies", study)
            found += self._lines.of(EDGE, at, study=study)
        wanted = frozenset(names)
        found = [one for one in found if one.subject in wanted]
        if custodians:
            for name in sorted(wanted):
                found += [one for one in self.about(EDGE, name, at) if one.ods in custodians]
        return found

    def edge(self, version: Version) -> Edge:
        """Give an edge of a version."""
        place = version.key, version.known_since
        found = self._edges.get(place)
        if found is None:
            found = self._edges[place] = known_edge(version)
        return found

    def _member(self, version: Version) -> StaffMember:
        place = version.key, version.known_since
        found = self._staff.get(place)
        if found is None:
            found = self._staff[place] = known_staff(version, self._opener.secret(version))
        return found

    def _patient(self, version: Version) -> PatientContext:
        place = version.key, version.known_since
        found = self._patients.get(place)
        if found is None:
            found = self._patients[place] = known_patient(version, self._opener.secret(version))
        return found

    def _study(self, version: Version) -> KnownStudy:
        place = version.key, version.known_since
        found = self._studies.get(place)
        if found is None:
            found = self._studies[place] = known_study(version)
        return found

    def _note_changes(self, found: Iterable[Version]) -> None:
        """Take note of where facts change within the span; what was made with fewer changes known is made anew."""
        ends = {index for one in found for index in (one.known_since, one.superseded) if index is not None}
        fresh = {index for index in ends if self.span.holds(index)}.difference(self._changes)
        if fresh:
            self._changes = sorted(fresh.union(self._changes))
            self._made.clear()

    def _need(self, by: str, name: str) -> None:
        if name not in self._read[by]:
            self._fetch(by, (name,))

    def _fetch(self, by: str, names: Iterable[str]) -> list[Version]:
        read = self._read[by]
        fresh = {name for name in names if name not in read}
        if not fresh:
            return []
        read |= fresh
        found = self._history.read(self._session, Wanted(_KINDS[by], **{by: fresh}), self.span)
        self._lines.add(found)
        if by == "subjects":
            self._note_changes(found)
        self._opener.prepare(one for one in found if one.kind != EDGE)
        return found
