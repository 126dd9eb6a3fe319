"""A little world for detectors: facts in dictionaries, and events from a few words. No database, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from governance.audit.event import Authority, RecordedEvent, RecordedResource, Source, Subject
from governance.detection.facts import (
    DecisionFacts,
    ManifestFacts,
    PatientFacts,
    StaffFacts,
    StudyFacts,
    Tie,
    TokenFacts,
    Who,
)
from governance.detection.links import decision_facts, token_facts
from governance.vocabulary import EventKind, Outcome, RelationshipKind, SubjectType

BEGAN = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)  # a Tuesday
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def span(text: str) -> timedelta:
    """Read ``90m`` or ``-2h``."""
    found = re.fullmatch(r"(-?\d+)([smhd])", text)
    assert found, text
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


@dataclass
class KnownTie:
    who: str
    kind: RelationshipKind
    patient: str | None
    ods: str | None
    begins: datetime
    ends: datetime


@dataclass
class LittleRegion:
    """Answers the detectors' questions from what it was told."""

    people: dict[str, StaffFacts] = field(default_factory=dict)
    patients: dict[str, PatientFacts] = field(default_factory=dict)
    studies: dict[str, StudyFacts] = field(default_factory=dict)
    manifests: dict[str, ManifestFacts] = field(default_factory=dict)
    known_ties: list[KnownTie] = field(default_factory=list)
    decisions: dict[str, DecisionFacts] = field(default_factory=dict)
    tokens: dict[str, TokenFacts] = field(default_factory=dict)

    def note(self, event: RecordedEvent) -> None:
        authority = event.authority
        if event.kind is EventKind.DECISION and authority.decision_id:
            self.decisions[authority.decision_id] = decision_facts(event)
        if event.kind is EventKind.TOKEN and authority.token_jti and event.detail.get("act", "issue") == "issue":
            self.tokens[authority.token_jti] = token_facts(event)

    def prepare(self, events: Iterable[RecordedEvent]) -> None:
        """Everything is here already."""

    def staff(self, subject: str, ods: str | None) -> StaffFacts | None:
        return self.people.get(subject)

    def patient(self, patient: str) -> PatientFacts | None:
        return self.patients.get(patient)

    def study(self, study: str) -> StudyFacts | None:
        return self.studies.get(study)

    def manifest(self, service: str, version: str | None, at: datetime) -> ManifestFacts | None:
        return self.manifests.get(service)

    def ties(
        self, who: Who, patient: str | None, study: str | None, custodian: str | None, at: datetime
    ) -> tuple[Tie, ...]:
        return tuple(
            Tie(tie.kind, f"{tie.kind}-{number}", tie.patient is not None)
            for number, tie in enumerate(self.known_ties)
            if tie.who == who.id
            and tie.begins <= at < tie.ends
            and (tie.patient == patient if tie.patient else tie.ods == custodian)
        )

    def follow_up(self, who: Who, patient: str, study: str | None, since: datetime, until: datetime) -> tuple[Tie, ...]:
        return tuple(
            Tie(tie.kind, f"{tie.kind}-{number}", True)
            for number, tie in enumerate(self.known_ties)
            if tie.who == who.id and tie.patient == patient and tie.begins < until and since < tie.ends
        )

    def decision(self, decision_id: str, before: int) -> DecisionFacts | None:
        found = self.decisions.get(decision_id)
        return found if found is not None and found.index < before else None

    def token(self, jti: str, before: int) -> TokenFacts | None:
        found = self.tokens.get(jti)
        return found if found is not None and found.index < before else None


def region(told: Mapping[str, Any]) -> LittleRegion:
    """Build a world from a sidecar's words."""
    made = LittleRegion()
    for row in told.get("staff", ()):
        made.people[row["id"]] = StaffFacts(row.get("role", "nurse"), row.get("ods", "RRK"), row.get("patient"))
    for row in told.get("patients", ()):
        made.patients[row["id"]] = PatientFacts(frozenset([row["staff"]] if "staff" in row else ()))
    for row in told.get("studies", ()):
        made.studies[row["id"]] = StudyFacts(
            tuple(row.get("custodians", ["RRK"])), row.get("modality"), row.get("body_part"), row.get("decoy", False)
        )
    for row in told.get("manifests", ()):
        made.manifests[row["service"]] = ManifestFacts(
            version=str(row.get("version", "1")),
            modalities=frozenset(row["modalities"]),
            body_parts=frozenset(row["body_parts"]),
            trusts=frozenset(row["trusts"]),
            daily_volume=row["volume"],
            approved=row.get("approved", True),
        )
    for row in told.get("ties", ()):
        begins = BEGAN + span(row.get("from", "-30d"))
        kind = RelationshipKind(row.get("kind", "order"))
        ends = begins + timedelta(days=365)
        made.known_ties.append(KnownTie(row["who"], kind, row.get("patient"), row.get("ods"), begins, ends))
    return made


def story(told: Iterable[Mapping[str, Any]]) -> list[RecordedEvent]:
    """Make the events of a sidecar's example, in the order of the log."""
    lines: list[tuple[datetime, Mapping[str, Any]]] = []
    for row in told:
        if "repeat" in row:
            for number in range(row["repeat"]):
                filled = {
                    key: value.format(n=number) if isinstance(value, str) else value for key, value in row.items()
                }
                lines.append((BEGAN + number * span(row["every"]), filled))
        else:
            lines.append((BEGAN + span(row.get("at", "0s")), row))
    return [event(index, at, row) for index, (at, row) in enumerate(lines)]


def event(index: int, at: datetime, row: Mapping[str, Any]) -> RecordedEvent:
    """Make one recorded event from a few words."""
    kind = EventKind(row.get("kind", "access"))
    type_ = SubjectType(row.get("type", "practitioner"))
    role = row.get("role", "nurse" if type_ is SubjectType.PRACTITIONER else type_.value)
    ours = kind in {EventKind.DECISION, EventKind.TOKEN}
    has_resource = "patient" in row or "study" in row
    return RecordedEvent(
        index=index,
        recorded_at=row.get("recorded_at", at + timedelta(seconds=1)),
        leaf_hash=bytes(32),
        id=f"e-{index}",
        time=at,
        source=Source(row.get("source", "imaging-governance" if ours else "archive-rrk"), "RRK"),
        kind=kind,
        outcome=Outcome(row.get("outcome", "success")),
        subject=Subject(id=row["who"], type=type_, role=role, ods=row.get("ods", "RRK")) if "who" in row else None,
        resource=RecordedResource(
            patient=row.get("patient"),
            study=row.get("study"),
            modality=row.get("modality"),
            body_part=row.get("body_part"),
            custodian=row.get("custodian", "RRK"),
        )
        if has_resource
        else None,
        authority=Authority(row.get("decision"), row.get("token"), row.get("agreement")),
        break_glass=row.get("broke_glass", False),
        bytes=row.get("bytes"),
        detail=row.get("detail", {}),
    )
