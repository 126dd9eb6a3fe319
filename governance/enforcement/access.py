"""The access use case: one question in, one decision out, recorded before anybody hears it.

It knows no web framework, so a second door can stand in front of it without a second copy of any rule. The steps are
those of ``docs/architecture.md`` ("One access request, walked"):

1. the caller is already known; the clock is read once;
2. attributes and decision come from one read snapshot;
3. the decision is appended to the audit log, and its index is the receipt: no index, no answer (503);
4. a denial that is told to a caller says nothing of the patient.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

from governance.agreements import PolicyData
from governance.audit import Receipt
from governance.audit.event import Authority, BreakGlass, Event, Resource, Source, Subject
from governance.audit.log import AuditLog
from governance.catalogue import Catalogue
from governance.clock import Clock
from governance.decisions import AccessRequest, Decision, DecisionService
from governance.federation import ServiceClient
from governance.storage import Database
from governance.telemetry import Metrics
from governance.vocabulary import EventKind, Outcome, ReasonCode


class Asker(Protocol):
    """Who asks: a service or a person that proved who they are."""

    @property
    def id(self) -> str:
        """Their client id or pseudonym."""
        ...

    @property
    def ods(self) -> str | None:
        """Their trust; None for a region-wide caller."""
        ...


@dataclass(frozen=True, slots=True)
class _Asker:
    id: str
    ods: str | None


def asker_of(client: ServiceClient) -> Asker:
    """Take a registered service as the one who asks."""
    return _Asker(client.client_id, client.ods)


@dataclass(frozen=True, slots=True)
class AccessAnswer:
    """A decision that is in the log.

    ``index`` is its place there; ``reasons`` is what a caller may be told, ``decision.reasons`` is the whole truth.
    """

    decision: Decision
    index: int
    reasons: tuple[ReasonCode, ...]


class AccessService:
    """Decides, records, answers.

    Args:
        decisions: the policy decision point.
        catalogue: names what the decision is about in its record.
        audit: where every decision is kept before it is told.
        database: opens the one read snapshot.
        clock: read once in each use case.
        metrics: counts decisions.
        source: this service, as the audit log names it.
        new_id: makes decision ids.
    """

    def __init__(
        self,
        *,
        decisions: DecisionService,
        catalogue: Catalogue,
        audit: AuditLog,
        database: Database,
        clock: Clock,
        metrics: Metrics,
        source: Source,
        new_id: Callable[[], str],
    ) -> None:
        self._decisions = decisions
        self._catalogue = catalogue
        self._audit = audit
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._source = source
        self._new_id = new_id

    def engine_healthy(self) -> bool:
        """Say whether the policy engine can decide now."""
        return self._decisions.health().ok

    @property
    def revision(self) -> str:
        """Give the revision of the policy data that decides now; empty before the first."""
        return self._decisions.revision

    def policy_loaded(self) -> bool:
        """Say whether the engine has policy data to decide with."""
        return bool(self.revision)

    def load(self, data: PolicyData) -> None:
        """Decide with this policy data from now on; subscribed to the agreements."""
        self._decisions.load(data)

    def evaluate(self, request: AccessRequest, asker: Asker, door: str = "authzen") -> AccessAnswer:
        """Decide one access and record it.

        Raises:
            Unavailable: the decision could not be recorded; nobody may act on it.
        """
        return self.evaluate_all([request], asker, door)[0]

    def evaluate_all(self, requests: list[AccessRequest], asker: Asker, door: str = "authzen") -> list[AccessAnswer]:
        """Decide several accesses on one snapshot and record them in one append; same order, same length."""
        began = perf_counter()
        now = self._clock.now()
        decided: list[tuple[AccessRequest, Decision]] = []
        events: list[Event] = []
        with self._database.reading() as session:
            for request in requests:
                decision = self._decisions.decide(request, session, now, self._new_id)
                study = self._catalogue.study(session, request.study_uid) if request.study_uid else None
                resource = Resource(
                    patient=study.patient if study else request.patient,
                    study_uid=request.study_uid,
                    modality=study.modality if study else None,
                    body_part=study.body_part if study else None,
                    study_date=study.study_date if study else None,
                    custodian=study.custodians[0] if study and study.custodians else None,
                )
                decided.append((request, decision))
                events.append(decision_event(request, decision, resource, asker, self._source))
        receipts = self._audit.append(events)
        seconds = (perf_counter() - began) / len(requests) if requests else 0.0
        return [self._answer(*pair, receipt, door, seconds) for pair, receipt in zip(decided, receipts, strict=True)]

    def _answer(
        self, request: AccessRequest, decision: Decision, receipt: Receipt, door: str, seconds: float
    ) -> AccessAnswer:
        self._metrics.decided(
            effect="permit" if decision.permit else "deny",
            purpose=request.purpose.value,
            action=request.action.value,
            reasons=[reason.value for reason in decision.reasons],
            door=door,
            seconds=seconds,
        )
        return AccessAnswer(decision, receipt.index, told(decision))


def told(decision: Decision) -> tuple[ReasonCode, ...]:
    """Give the reasons a caller may hear: those that speak of the patient become one that says nothing."""
    if decision.permit:
        return tuple(decision.reasons)
    return tuple(sorted({ReasonCode.REQUEST_REFUSED if r.about_patient else r for r in decision.reasons}))


def decision_event(
    request: AccessRequest, decision: Decision, resource: Resource, asker: Asker, source: Source
) -> Event:
    """Make the audit event of a decision; the decision's id is the event's, so recording it twice is harmless."""
    subject = request.subject
    return Event(
        id=decision.id,
        time=decision.decided_at,
        source=source,
        kind=EventKind.DECISION,
        outcome=Outcome.SUCCESS if decision.permit else Outcome.MINOR,
        subject=Subject(id=subject.id, type=subject.type, role=subject.role, ods=subject.ods),
        purpose=request.purpose,
        resource=resource,
        authority=Authority(
            decision_id=decision.id, agreement_id=decision.agreement.id if decision.agreement else None
        ),
        break_glass=BreakGlass(request.break_glass_reason) if request.break_glass_reason else None,
        detail=_detail(request, decision, asker),
    )


def _detail(request: AccessRequest, decision: Decision, asker: Asker) -> dict[str, str | int | bool | list[str] | None]:
    agreement = decision.agreement
    return {
        "action": request.action.value,
        "agreement_version": agreement.version if agreement else None,
        "asked_by": asker.id,
        "clause": agreement.clause if agreement else None,
        "obligations": [obligation.type for obligation in decision.obligations],
        "permit": decision.permit,
        "reasons": [reason.value for reason in decision.reasons],
        "revision": decision.revision,
        "self_claimed": request.self_claim_reason is not None,
    }
