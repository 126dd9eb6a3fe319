"""What detectors may know beside the event itself: small facts, and the port that finds them.

1. A fact is about event time, never about now: ties and manifests are asked for *at* an instant.
2. Unknown is None. A detector decides what an unknown means; nothing is guessed here.
3. Links of authority are asked for in the state the log had at an index, so a second reading finds the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from governance.vocabulary import RelationshipKind


class Who(NamedTuple):
    """Who acted, as a record says it: a person by pseudonym ``s-…`` or a service by client id, and for which trust."""

    id: str
    ods: str | None


@dataclass(frozen=True, slots=True)
class StaffFacts:
    """A member of staff: the role their trust gave them, and the pseudonym of the patient they are, if known."""

    role: str
    ods: str
    patient: str | None = None


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """A patient: the pseudonyms of the members of staff they are, one for each place they work at."""

    staff: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """A study of the catalogue."""

    custodians: tuple[str, ...]
    modality: str | None
    body_part: str | None
    decoy: bool = False


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
    """A recorded reason to look. ``specific`` means that it names the patient or the study, not a whole trust."""

    kind: RelationshipKind
    id: str
    specific: bool


@dataclass(frozen=True, slots=True)
class DecisionFacts:
    """A decision in the log; ``ours`` when this service took it, which nobody else's word replaces."""

    index: int
    ours: bool
    permit: bool
    agreement_id: str | None
    patient: str | None
    study: str | None


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

    def staff(self, subject: str, ods: str | None) -> StaffFacts | None:
        """Find a member of staff by pseudonym and the trust they acted for; None for the only one of that name."""
        ...

    def patient(self, patient: str) -> PatientFacts | None:
        """Find a patient by pseudonym."""
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

    def decision(self, decision_id: str, before: int) -> DecisionFacts | None:
        """Find a decision among the log entries before an index."""
        ...

    def token(self, jti: str, before: int) -> TokenFacts | None:
        """Find a token among the log entries before an index."""
        ...
