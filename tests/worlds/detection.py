"""A little world for detectors: facts in dictionaries, and events from a few words. No database, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from governance.audit.event import Authority, RecordedEvent, RecordedResource, Source, Subject
from governance.detection.explanation.explaining import PlainExplainer
from governance.detection.explanation.look import Explanation, ExplanationKind, Look
from governance.detection.knowledge.facts import (
    Context,
    DecisionFacts,
    ManifestFacts,
    PatientFacts,
    StaffFacts,
    StudyFacts,
    Tie,
    TokenFacts,
    Who,
)
from governance.detection.knowledge.links import decision_facts, token_facts
from governance.detection.reader.past.port import NEWEST, Earlier, Known
from governance.vocabulary import DecisionScope, EventKind, Outcome, Purpose, RelationshipKind, SubjectType

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
    purpose: str | None = None
    destination: str | None = None
    limit: int | None = None


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
    crowds: dict[str, int] = field(default_factory=dict)
    silent: list[tuple[datetime, datetime]] = field(default_factory=list)
    points: set[tuple[str, str]] = field(default_factory=set)

    def note(self, event: RecordedEvent) -> None:
        authority = event.authority
        if event.kind is EventKind.DECISION and authority.decision_id:
            self.decisions[authority.decision_id] = decision_facts(event)
        if event.kind is EventKind.TOKEN and authority.token_jti and event.detail.get("act", "issue") == "issue":
            self.tokens[authority.token_jti] = token_facts(event)

    @property
    def known_before(self) -> int:
        return 1 << 62

    def at(self, index: int) -> LittleRegion:
        """Give itself: it was told everything before the first event."""
        return self

    def prepare(self, events: Iterable[RecordedEvent]) -> None:
        """Everything is here already."""

    def staff(self, subject: str, ods: str | None) -> StaffFacts | None:
        return self.people.get(subject)

    def patient(self, patient: str) -> PatientFacts | None:
        return self.patients.get(patient)

    def residents(self, household: str) -> int:
        named = sum(household in one.households for one in self.patients.values())
        return self.crowds.get(household, named)

    def study(self, study: str) -> StudyFacts | None:
        return self.studies.get(study)

    def manifest(self, service: str, version: str | None, at: datetime) -> ManifestFacts | None:
        known = [one for name, one in self.manifests.items() if name.partition("@")[0] == service]
        if version is None:
            return next(iter(known), None)  # the first that was told is the one it is registered to run
        return next((one for one in known if one.version == version), None)

    def ties(
        self, who: Who, patient: str | None, study: str | None, custodian: str | None, at: datetime
    ) -> tuple[Tie, ...]:
        return tuple(
            Tie(
                tie.kind,
                f"{tie.kind}-{number}",
                tie.patient is not None,
                tie.begins,
                tie.purpose,
                tie.destination,
                tie.limit,
            )
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

    def decision_point(self, source: str, trust: str) -> bool:
        return (source, trust) in self.points

    def decision(self, decision_id: str, before: int) -> DecisionFacts | None:
        found = self.decisions.get(decision_id)
        return found if found is not None and found.index < before else None

    def token(self, jti: str, before: int) -> TokenFacts | None:
        found = self.tokens.get(jti)
        return found if found is not None and found.index < before else None


def region(told: Mapping[str, Any]) -> LittleRegion:
    """Build a world from a sidecar's words."""
    made = LittleRegion(crowds=dict(told.get("residents", {})))
    for row in told.get("staff", ()):
        made.people[row["id"]] = _person(row)
    for row in told.get("patients", ()):
        made.patients[row["id"]] = PatientFacts(
            staff=frozenset([row["staff"]] if "staff" in row else ()),
            households=frozenset([row["household"]] if "household" in row else ()),
            surnames={row["surname"]: row.get("share")} if "surname" in row else {},
            postcodes=frozenset([row["postcode"]] if "postcode" in row else ()),
            flags=frozenset(row.get("flags", ())),
        )
    made.points |= {(row["id"], row["ods"]) for row in told.get("points", ())}
    for row in told.get("studies", ()):
        made.studies[row["id"]] = StudyFacts(
            tuple(row.get("custodians", ["RRK"])),
            row.get("modality"),
            row.get("body_part"),
            row.get("decoy", False),
            row.get("study_date"),
            frozenset(row.get("labels", ())),
        )
    made.silent += [(BEGAN + span(row["from"]), BEGAN + span(row["until"])) for row in told.get("degraded", ())]
    for row in told.get("manifests", ()):
        made.manifests[f"{row['service']}@{row.get('version', 1)}"] = ManifestFacts(
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
        ends = BEGAN + span(row["until"]) if "until" in row else begins + timedelta(days=365)
        bounds = row.get("purpose"), row.get("destination"), row.get("limit")
        for who in _each(row, "who"):
            for patient in _each(row, "patient"):
                made.known_ties.append(KnownTie(who or "", kind, patient, row.get("ods"), begins, ends, *bounds))
    return made


def _each(row: Mapping[str, Any], name: str) -> list[str | None]:
    """Give a field once, or filled with each number of ``repeat``."""
    text = row.get(name)
    return [text.format(n=n) for n in range(row["repeat"])] if text and "{n}" in text else [text]


def _person(row: Mapping[str, Any]) -> StaffFacts:
    named = {name: row.get(name) for name in ("patient", "department", "site", "household", "surname", "postcode")}
    leaves: date | None = row.get("leaves_on")
    since = BEGAN + span(row["since"]) if "since" in row else None
    return StaffFacts(
        row.get("role", "nurse"),
        row.get("ods", "RRK"),
        **named,
        teams=frozenset(row.get("teams", ())),
        leaves_on=leaves,
        since=since,
    )


class LittleExplainer:
    """Explains by the ties of the little world, and says that nobody can say while a feed was silent."""

    def __init__(self, world: LittleRegion) -> None:
        self._world = world

    def explain(self, events: Sequence[RecordedEvent], context: Context, known_at: int | None = None) -> Iterator[Look]:
        degraded = Explanation(ExplanationKind.DEGRADED)
        for look in PlainExplainer().explain(events, context, known_at):
            self._world.note(look.event)
            silent = any(since <= look.event.time < until for since, until in self._world.silent)
            yield Look(look.event, degraded) if look.unexplained and silent else look


def story(told: Iterable[Mapping[str, Any]]) -> list[RecordedEvent]:
    """Make the events of a sidecar's example: rows in the order of the log, each ``repeat`` every so long."""
    lines: list[tuple[datetime, Mapping[str, Any]]] = []
    for row in told:
        begins = BEGAN + span(row.get("at", "0s"))
        for number in range(row.get("repeat", 1)):
            filled = {key: _filled(value, number) for key, value in row.items()} if "repeat" in row else row
            lines.append((begins + number * span(row.get("every", "0s")), filled))
    return [event(index, at, row) for index, (at, row) in enumerate(lines)]


def _filled(value: Any, number: int) -> Any:
    """Fill ``{n}`` with the number of a repetition, and ``{n3}`` with it modulo three (any small number)."""
    if isinstance(value, Mapping):
        return {key: _filled(item, number) for key, item in value.items()}
    if not isinstance(value, str):
        return value
    return re.sub(r"\{n(\d*)\}", lambda found: str(number % int(found[1]) if found[1] else number), value)


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
        id=row.get("id", f"e-{index}"),
        time=at,
        source=Source(row.get("source", "imaging-governance" if ours else "archive-rrk"), "RRK"),
        kind=kind,
        outcome=Outcome(row.get("outcome", "success")),
        subject=_subject(row, type_, role) if "who" in row else None,
        purpose=Purpose(row["purpose"]) if "purpose" in row else None,
        resource=RecordedResource(
            patient=row.get("patient"),
            study=row.get("study"),
            modality=row.get("modality"),
            body_part=row.get("body_part"),
            custodian=row.get("custodian", "RRK"),
            study_date=row.get("study_date"),
        )
        if has_resource
        else None,
        authority=Authority(row.get("decision"), row.get("token"), row.get("agreement")),
        break_glass=row.get("broke_glass", False),
        bytes=row.get("bytes"),
        destination=row.get("destination"),
        detail=row.get("detail", {}),
        continues=row.get("continues"),
        decision_scope=DecisionScope(row["decision_scope"]) if "decision_scope" in row else None,
        expires_at=at + span(row["ends"]) if "ends" in row else row.get("expires_at"),
    )


def _subject(row: Mapping[str, Any], type_: SubjectType, role: str | None) -> Subject:
    return Subject(
        id=row["who"],
        type=type_,
        role=role,
        ods=row.get("ods", "RRK"),
        session=row.get("session"),
        device=row.get("device"),
        site=row.get("site"),
        version=row.get("version"),
    )


@dataclass
class LittlePast:
    """The past of a log that is here whole: what was explained is kept as the reader keeps it."""

    log: Sequence[RecordedEvent]
    rows: dict[int, list[Known]] = field(default_factory=dict)
    looks: dict[int, Look] = field(default_factory=dict)
    then: dict[int, Context] = field(default_factory=dict)  # the facts right after an index, where they are others

    def keep(self, looks: Iterable[Look], changed: Iterable[tuple[Look, int]] = ()) -> None:
        self.looks |= {look.event.index: look for look in looks if look.explanation is not None}
        self.looks |= {look.event.index: look for look, _ in changed}

    def events(self, indexes: Sequence[int]) -> list[RecordedEvent]:
        wanted = set(indexes)
        return [each for each in self.log if each.index in wanted] if wanted else []

    def named(self, source: str, event_id: str, before: int) -> RecordedEvent | None:
        found = (each for each in self.log if each.index < before and each.source.id == source and each.id == event_id)
        return next(found, None)

    def known(self, index: int) -> Sequence[Known]:
        return self.rows.get(index, [])

    def looks_of(self, rows: Sequence[Known], since: datetime, before: int, limit: int = NEWEST) -> Sequence[Earlier]:
        found: dict[int, Earlier] = {}
        for known in rows:
            begins = max(known.since or since, since)
            mine = [
                Earlier(index, look.event.time, look.explanation)
                for index, look in self.looks.items()
                if index < before and look.explanation and look.event.time >= begins and _named(look.event, known)
            ]
            newest = sorted(mine, key=lambda one: (one.time, one.index), reverse=True)[:limit]
            found |= {one.index: one for one in newest}
        return [found[index] for index in sorted(found)]

    def explained(self, indexes: Sequence[int]) -> Mapping[int, Explanation]:
        held = {index: self.looks[index].explanation for index in indexes if index in self.looks}
        return {index: explanation for index, explanation in held.items() if explanation is not None}

    def context(self, context: Context, events: Sequence[RecordedEvent], index: int) -> Context:
        return self.then.get(index, context)


def _named(event: RecordedEvent, known: Known) -> bool:
    resource, subject = event.resource, event.subject
    if known.patient is not None:
        return resource is not None and resource.patient == known.patient
    if known.study is not None:
        return resource is not None and resource.study == known.study
    return subject is not None and subject.id == known.subject
