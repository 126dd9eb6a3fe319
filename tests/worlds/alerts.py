"""A little world around alerts and detection: a real log, real rooms, a real database, one clock."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session

from governance.alerts import AlertService, Evidence, Finding, Revision, StreamTiming, Viewer
from governance.audit import AuditLog, AuditSearch, NoteSigner, Recorder
from governance.audit.event import Authority, BreakGlass, Event, Resource, Source, Subject
from governance.catalogue import Catalogue
from governance.clock import FixedClock
from governance.detection import (
    BatchExplainer,
    DetectionEngine,
    Explanations,
    Links,
    LivePast,
    RegionContext,
    Rule,
    default_rules,
    told_by,
)
from governance.facts import FactWriter, History, collected
from governance.federation import FederationDirectory
from governance.pseudonyms import Pseudonymiser, Vault
from governance.relationships import Relationships
from governance.storage import Database
from governance.vocabulary import SYSTEM, EventKind, Outcome, Severity, SubjectType

BEGAN = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
ORIGIN = "audit.example/log"
OFFICER = Viewer("s-officer", "RRK", person=True)
REGION = Viewer("soc", None, person=False)


@dataclass
class Counted:
    """A meter that remembers."""

    raised: list[tuple[str, str]] = field(default_factory=list)

    notices: list[str] = field(default_factory=list)
    suppressed: list[str] = field(default_factory=list)

    def alert_raised(self, *, rule: str, severity: str) -> None:
        self.raised.append((rule, severity))

    def notice_raised(self, *, rule: str) -> None:
        self.notices.append(rule)

    def finding_suppressed(self, *, rule: str) -> None:
        self.suppressed.append(rule)


class AlertWorld:
    """The rooms that alerts and detection stand on, and the two themselves."""

    def __init__(self, database: Database, clock: FixedClock) -> None:
        self.database = database
        self.clock = clock
        self.pseudonymiser = Pseudonymiser(b"k" * 32)
        self.vault = Vault(b"e" * 32)
        signer = NoteSigner.from_seed(ORIGIN, b"s" * 31 + b"t")
        self.log = AuditLog(database, self.pseudonymiser, self.vault, signer, clock, ORIGIN)
        self.search = AuditSearch(database)
        self.federation = FederationDirectory(self.pseudonymiser)
        self.catalogue = Catalogue()
        self.relationships = Relationships(self.pseudonymiser)
        self.meter = Counted()
        self.links = Links(self.search)
        self.explanations = Explanations(lambda session: [trust.ods for trust in self.federation.trusts(session)])
        self.own_patients: dict[str, str] = {}
        self.teams: dict[str, tuple[str, ...]] = {}
        self.trusts: dict[str, frozenset[str]] = {}
        self.recorder = Recorder(self.log, clock, Source(SYSTEM, "QHL"), lambda: str(uuid.uuid4()))
        self.alerts = AlertService(
            database=database,
            recorder=self.recorder,
            clock=clock,
            revealer=self.log,
            search=self.search,
            patient_of=self._patient_of,
            teams_of=lambda _session, who, _ods: self.teams.get(who, ()),
            trusts_naming=lambda _session, names: {n: self.trusts[n] for n in names if n in self.trusts},
            streams=StreamTiming(poll=0.01, keep_alive=2, polls=5, maximum=2),
        )

    def engine(
        self,
        holder: str = "one",
        batch: int = 1_000,
        rules: Sequence[Rule] | None = None,
        instant: Callable[[Session], datetime] | None = None,
    ) -> DetectionEngine:
        """Build an engine as a process of its own would."""
        told = told_by(History(self.vault), self.explanations, self.facts)
        return DetectionEngine(
            database=self.database,
            log=self.log,
            alerts=self.alerts,
            revise=self.alerts.revise,
            rules=default_rules() if rules is None else rules,
            explainer=BatchExplainer(),
            past=lambda session: LivePast(session, self.search, told),
            context=self.facts,
            looks=self.explanations,
            oldest=History(self.vault).oldest,
            instant=instant or (lambda _session: self.clock.now()),
            holder=holder,
            meter=self.meter,
            batch=batch,
        )

    def facts(self, session: Session) -> RegionContext:
        """Open the facts on a snapshot."""
        return RegionContext(
            session,
            history=History(self.vault),
            relationships=self.relationships,
            pseudonymiser=self.pseudonymiser,
            links=self.links,
        )

    @contextmanager
    def changing(self, since: int = -1) -> Iterator[Session]:
        """Change the registers without a record; what is changed is known since an index, or always."""
        with self.database.transaction() as session, collected(session, FactWriter(self.vault)) as changed:
            yield session
            changed.compare(session)
            changed.write(session, since)

    def record(self, events: Iterable[Event]) -> list[int]:
        """Put events into the log."""
        with self.database.transaction() as session:
            return [receipt.index for receipt in self.log.append_in(session, list(events))]

    def raise_all(self, *findings: Finding) -> list[tuple[str, str]]:
        """Raise findings; gives (alert id, change) each."""
        with self.database.transaction() as session:
            return [(done.alert, done.change.value) for done in self.alerts.raise_findings(session, findings)]

    def revise(self, *revisions: Revision) -> list[tuple[str, str]]:
        """Revise findings; gives (alert id, change) of each alert that changed."""
        with self.database.transaction() as session:
            return [(done.alert, done.change.value) for done in self.alerts.revise(session, revisions)]

    def _patient_of(self, session: Session, subject: str, _ods: str | None) -> str | None:
        assert session is not None
        return self.own_patients.get(subject)


def finding(**changes: Any) -> Finding:
    """Make a finding about one nurse and one patient, at two trusts unless told otherwise."""
    evidence = Evidence("own_record", 1, 0, 0, None, "This is their own record.")
    facts: dict[str, Any] = {
        "rule_id": "self_access",
        "family": "self_access",
        "severity": Severity.HIGH,
        "subject": "s-nia",
        "about": "p-1",
        "occurred_at": BEGAN,
        "evidence": (evidence,),
        "events": (3,),
        "patient": "p-1",
        "subjects": ("s-nia",),
        "trusts": ("RKB", "RRK"),
        "agreement_ids": ("dsa-1",),
        "decision_ids": ("d-1",),
        "token_jtis": ("j-1",),
    }
    return Finding(**facts | changes)


def act(name: str, minutes: float = 0, **changes: Any) -> Event:
    """Make an event as a source sends it; identifiers are the real ones of this world."""
    kind = EventKind(changes.pop("kind", "access"))
    who = changes.pop("who", "nia")
    type_ = SubjectType(changes.pop("type", "practitioner"))
    role = "nurse" if type_ is SubjectType.PRACTITIONER else type_.value
    decision = changes.pop("decision", None)
    token = changes.pop("token", None)
    detail: Mapping[str, Any] = changes.pop("detail", {})
    broke = changes.pop("broke_glass", None)
    source = Source(changes.pop("source", "archive-rrk"), "RRK")
    resource = Resource(
        patient=changes.pop("patient", None),
        study_uid=changes.pop("study", None),
        modality=changes.pop("modality", None),
        body_part=changes.pop("body_part", None),
        custodian=changes.pop("custodian", "RRK"),
    )
    event = Event(
        id=name,
        time=BEGAN + timedelta(minutes=minutes),
        source=source,
        kind=kind,
        outcome=Outcome.SUCCESS,
        subject=Subject(id=who, type=type_, role=role, ods="RRK"),
        resource=resource,
        authority=Authority(decision, token),
        break_glass=BreakGlass(broke) if broke else None,
        detail=detail,
    )
    return replace(event, **changes)


def permitted(name: str, minutes: float = 0, **changes: Any) -> list[Event]:
    """Make an access and the decision that allowed it."""
    decision = act(f"{name}-decision", minutes, **{**changes, "kind": "decision", "decision": f"d-{name}"})
    return [decision, act(name, minutes + 0.1, **{**changes, "decision": f"d-{name}"})]
