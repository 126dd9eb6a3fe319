"""The access use case: one question in, one decision out, recorded before it is returned.

It knows no web framework, so a second endpoint needs no second copy of any rule. The steps are
those of ``docs/architecture.md`` ("One access request, walked"):

1. the caller is already known; the clock is read once;
2. whom the caller may ask about, attributes and decision come from one read snapshot;
3. the decision is appended to the audit log, and its index is the receipt: no index, no answer (503);
4. a denial that is returned to a caller says nothing of the patient.
"""

from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from time import perf_counter

from sqlmodel import Session

from governance.access.acting import ActingSubjects
from governance.access.asker import Asker
from governance.access.resources import resource_of
from governance.access.terms import CurrentTerms
from governance.agreements import PolicyData
from governance.audit import Receipt, Recorder, receipts_of
from governance.audit.event import Authority, BreakGlass, Event, JsonValue, Resource, Subject
from governance.catalogue import Catalogue
from governance.clock import Clock
from governance.decisions import AccessRequest, Decision, DecisionService
from governance.telemetry import Metrics
from governance.vocabulary import EventKind, Outcome, ReasonCode


@dataclass(frozen=True, slots=True)
class AccessAnswer:
    """A decision that is in the log.

    ``index`` is its place there; ``reasons`` is what may be returned to a caller, ``decision.reasons`` all of them.
    ``asked`` is the question as it was decided: with what is known of its subject (:mod:`governance.access.acting`).
    """

    decision: Decision
    index: int
    reasons: tuple[ReasonCode, ...]
    asked: AccessRequest


@dataclass(frozen=True, slots=True)
class Asked:
    """Decisions on their way into the log: none may be returned before ``receipts`` has its result."""

    decided: tuple[tuple[AccessRequest, Decision], ...]
    receipts: Future[list[Receipt]]
    endpoint: str
    began: float


class AccessService:
    """Decides, records, answers.

    Args:
        decisions: the policy decision point.
        acting: says whom an asker may ask about, and what of the question counts.
        catalogue: names what the decision is about in its record.
        recorder: records every decision before it is returned, and makes its id.
        clock: read once in each use case.
        metrics: counts decisions.
        terms: opens the one read snapshot.
    """

    def __init__(
        self,
        *,
        decisions: DecisionService,
        acting: ActingSubjects,
        catalogue: Catalogue,
        recorder: Recorder,
        clock: Clock,
        metrics: Metrics,
        terms: CurrentTerms,
    ) -> None:
        self._decisions = decisions
        self._acting = acting
        self._catalogue = catalogue
        self._recorder = recorder
        self._clock = clock
        self._metrics = metrics
        self._terms = terms

    @property
    def decides_without_io(self) -> bool:
        """Say whether deciding waits for nothing outside this process, so that an event loop may do it itself."""
        return self._terms.decides_without_io

    def engine_healthy(self) -> bool:
        """Say whether the policy engine can decide now."""
        return self._decisions.health().ok

    @property
    def revision(self) -> str:
        """Give the revision of the policy data that decides now; empty before the first."""
        return self._decisions.revision

    def current_revision(self) -> str:
        """Give the revision that decides now, another process's changes included. Raises Unavailable."""
        return self._terms.revision()

    def policy_loaded(self) -> bool:
        """Say whether the engine has policy data to decide with."""
        return bool(self.revision)

    def load(self, data: PolicyData) -> None:
        """Decide with this policy data from now on; subscribed to the agreements."""
        self._decisions.load(data)

    def evaluate(self, request: AccessRequest, asker: Asker, endpoint: str = "authzen") -> AccessAnswer:
        """Decide one access and record it.

        Raises:
            Unavailable: the decision could not be recorded; nobody may act on it.
        """
        return self.evaluate_all([request], asker, endpoint)[0]

    def evaluate_all(
        self, requests: list[AccessRequest], asker: Asker, endpoint: str = "authzen"
    ) -> list[AccessAnswer]:
        """Decide several accesses on one snapshot and record them in one append; same order, same length."""
        if not requests:
            return []
        with self.snapshot() as session:
            asked = self.ask([(request, asker) for request in requests], session, endpoint)
        receipts = receipts_of(asked.receipts)
        return [self.answer(asked, place, receipts) for place in range(len(requests))]

    def ask(
        self, questions: Sequence[tuple[AccessRequest, Asker]], session: Session, endpoint: str = "authzen"
    ) -> Asked:
        """Decide accesses, of one asker or of many, and hand them to the log, without waiting for it.

        For an endpoint that has other work to do until the log has them; :meth:`answer` gives each one's answer then.

        Args:
            questions: each with who asks it.
            session: a :meth:`snapshot`.
            endpoint: where they came in.

        Raises:
            Unavailable: the log takes nothing now; nobody may act on any of these decisions.
        """
        began = perf_counter()
        now = self._clock.now()
        requests = [self._acting.settle(request, asker, session) for request, asker in questions]
        decisions = self._decisions.decide_all(requests, session, now, self._recorder.new_id)
        events = [
            decision_event(self._recorder, request, decision, self._resource(request, session), asker)
            for request, (_, asker), decision in zip(requests, questions, decisions, strict=True)
        ]
        return Asked(tuple(zip(requests, decisions, strict=True)), self._recorder.submit(events), endpoint, began)

    def _resource(self, request: AccessRequest, session: Session) -> Resource:
        """Name in a record what a request is about."""
        study = self._catalogue.study(session, request.study_uid) if request.study_uid else None
        return resource_of(study) if study else Resource(patient=request.patient, study_uid=request.study_uid)

    def snapshot(self) -> AbstractContextManager[Session]:
        """Open a read snapshot of the terms in force, to :meth:`ask` on. Raises Unavailable."""
        return self._terms.snapshot()

    def answer(self, asked: Asked, place: int, receipts: Sequence[Receipt]) -> AccessAnswer:
        """Give the answer to one of the questions asked, now that the log holds its decision.

        Raises:
            Conflict: the log refused this decision; nobody may act on it.
        """
        request, decision = asked.decided[place]
        index = receipts[place].index
        self._metrics.decided(
            effect="permit" if decision.permit else "deny",
            purpose=request.purpose.value,
            action=request.action.value,
            reasons=[reason.value for reason in decision.reasons],
            endpoint=asked.endpoint,
            seconds=(perf_counter() - asked.began) / len(asked.decided),
        )
        return AccessAnswer(decision, index, disclosed(decision), request)


def disclosed(decision: Decision) -> tuple[ReasonCode, ...]:
    """Give the reasons a caller may get: those that speak of the patient become one that says nothing."""
    if decision.permit:
        return tuple(decision.reasons)
    return tuple(sorted({ReasonCode.REQUEST_REFUSED if r.about_patient else r for r in decision.reasons}))


def decision_event(
    recorder: Recorder, request: AccessRequest, decision: Decision, resource: Resource, asker: Asker
) -> Event:
    """Make the audit event of a decision; the decision's id is the event's, so recording it twice is harmless."""
    subject = request.subject
    return recorder.event(
        EventKind.DECISION,
        Outcome.SUCCESS if decision.permit else Outcome.MINOR,
        id=decision.id,
        time=decision.decided_at,
        subject=Subject(id=subject.id, type=subject.type, role=subject.role, ods=subject.ods),
        purpose=request.purpose,
        resource=resource,
        authority=Authority(
            decision_id=decision.id, agreement_id=decision.agreement.id if decision.agreement else None
        ),
        break_glass=BreakGlass(request.break_glass_reason) if request.break_glass_reason else None,
        detail=_detail(request, decision, asker),
    )


def _detail(request: AccessRequest, decision: Decision, asker: Asker) -> dict[str, JsonValue]:
    agreement = decision.agreement
    detail: dict[str, JsonValue] = {
        "action": request.action.value,
        "agreement_version": agreement.version if agreement else None,
        "asked_by": asker.id,
        "clause": agreement.clause if agreement else None,
        "obligations": [obligation.type for obligation in decision.obligations],
        "permit": decision.permit,
        "reasons": [reason.value for reason in decision.reasons],
        "revision": decision.revision,
        "requestable": decision.requestable,
        "self_claimed": request.self_claim_reason is not None,
    }
    return {**detail, "emergency": emergency_detail(decision)} if decision.emergency else detail


def emergency_detail(decision: Decision) -> dict[str, JsonValue] | None:
    """Say in a record how the glass was broken: by which grant if any, who is notified, whether it is reviewed."""
    emergency = decision.emergency
    if emergency is None:
        return None
    return {
        "approval": emergency.approval.id if emergency.approval else None,
        "minutes": emergency.minutes,
        "notify": list(emergency.notify),
        "owners": list(emergency.owners),
        "review": decision.review,
    }
