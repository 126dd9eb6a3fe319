"""What detectors may know beside the event itself: small facts, and the port that finds them.

1. A fact is about event time, never about now: ties and manifests are asked for *at* an instant.
2. Unknown is None. A detector decides what an unknown means; nothing is guessed here.
3. Links of authority are asked for in the state the log had at an index, so a second reading finds the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple, Protocol

from governance.vocabulary import RelationshipKind


class Who(NamedTuple):
    """Who acted, as a record says it: a person by pseudonym ``s-…`` or a service by client id, and for which trust."""

    id: str
    ods: str | None


@dataclass(frozen=True, slots=True)
class StaffFacts:
    """A member of staff, as their trust says.

    Args:
        role: a role code; one outside the vocabulary is kept.
        ods: the trust they are staff of.
        patient: the pseudonym of the patient they are.
        teams, site, manager: pseudonyms of their teams, the place they work at, whom they report to (a pseudonym).
        household, surname, postcode: keyed hashes; ``surname_share`` is the share of people of that surname, 0 to 1.
        leaves_on, training_until: the last day each holds.
        since: from when the register has them so; None when nobody knows.
    """

    role: str
    ods: str
    patient: str | None = None
    department: str | None = None
    teams: frozenset[str] = frozenset()
    site: str | None = None
    manager: str | None = None
    household: str | None = None
    surname: str | None = None
    surname_share: float | None = None
    postcode: str | None = None
    leaves_on: date | None = None
    training_until: date | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """A patient, as all trusts together say.

    Args:
        staff: the pseudonyms of the members of staff they are, one for each place they work at.
        households, postcodes: keyed hashes; ``surnames`` maps such to the share of people of that name, if said.
        flags: ``vip``, ``incident``, ``deceased``.
        deceased_on: the earliest day of death that anybody reports.
    """

    staff: frozenset[str] = frozenset()
    households: frozenset[str] = frozenset()
    surnames: Mapping[str, float | None] = field(default_factory=dict)
    postcodes: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    deceased_on: date | None = None

    def flagged(self, on: date) -> bool:
        """Say whether many may be curious about them on a day: marked, or dead by then."""
        if self.deceased_on is not None and self.deceased_on <= on:
            return True
        return bool(self.flags - ({"deceased"} if self.deceased_on else frozenset()))


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """A study of the catalogue; ``labels`` are the strictest over its copies."""

    custodians: tuple[str, ...]
    modality: str | None
    body_part: str | None
    decoy: bool = False
    study_date: date | None = None
    labels: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ManifestFacts:
    """What an AI service was assessed for. ``daily_volume`` is in studies; ``approved`` is as of the asked instant."""

    version: str
    modalities: frozenset[str]
    body_parts: frozenset[str]
    trusts: frozenset[str]
    daily_volume: int
    approved: bool


@dataclass(frozen=True, slots=True)
class Tie:
    """A recorded reason to look.

    Args:
        kind: what it is.
        id: its edge.
        specific: it names the patient or the study, not a whole trust.
        begins: from when it holds.
        purpose, destination: what a project is for and where its images go; None when nobody said.
        limit: how many studies a project may take out.
    """

    kind: RelationshipKind
    id: str
    specific: bool
    begins: datetime | None = None
    purpose: str | None = None
    destination: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class DecisionFacts:
    """A decision in the log; ``ours`` when this service took it, which nobody else's word replaces.

    ``covers_patient``: it covers all studies of its patient, as its source says; ``vouched`` when the source is this
    service or an edge whose decision log we took. Of any other the register must say that it is a decision point.
    """

    index: int
    ours: bool
    permit: bool
    agreement_id: str | None
    patient: str | None
    study: str | None
    covers_patient: bool = False
    vouched: bool = False
    source: str = ""
    trust: str = ""


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """A token in the log: when it was minted and for how many seconds it lives, if the log says so."""

    index: int
    ours: bool
    minted_at: datetime
    lifetime: float | None
    decision_id: str | None
    agreement_id: str | None


class Context(Protocol):
    """Finds facts."""

    @property
    def known_before(self) -> int:
        """Give the index that these facts are of: what was recorded before it is known."""
        ...

    def at(self, index: int) -> Context:
        """Give the facts as they were known to an event at an index of the log: of what was recorded before it."""
        ...

    def staff(self, subject: str, ods: str | None) -> StaffFacts | None:
        """Find a member of staff by pseudonym and the trust they acted for; None for the only one of that name."""
        ...

    def patient(self, patient: str) -> PatientFacts | None:
        """Find a patient by pseudonym."""
        ...

    def residents(self, household: str) -> int:
        """Count the patients on record who share a household key: a residence or a care home has many."""
        ...

    def study(self, study: str) -> StudyFacts | None:
        """Find a study by pseudonym."""
        ...

    def manifest(self, service: str, version: str | None, at: datetime) -> ManifestFacts | None:
        """Find the manifest of a version of an AI service; None for ``version`` is the one it is registered to run."""
        ...

    def ties(
        self, who: Who, patient: str | None, study: str | None, custodian: str | None, at: datetime
    ) -> tuple[Tie, ...]:
        """Give the recorded reasons that held at an instant, a rota or pool of the custodian included."""
        ...

    def follow_up(self, who: Who, patient: str, study: str | None, since: datetime, until: datetime) -> tuple[Tie, ...]:
        """Give the specific ties between a subject and a patient that held at ``since`` or began before ``until``."""
        ...

    def decision_point(self, source: str, trust: str) -> bool:
        """Say whether a source was a registered client of the trust that it reports for."""
        ...

    def decision(self, decision_id: str, before: int) -> DecisionFacts | None:
        """Find a decision among the log entries before an index."""
        ...

    def token(self, jti: str, before: int) -> TokenFacts | None:
        """Find a token among the log entries before an index."""
        ...
