"""The policy decision point: a request in, a decision out, whatever happens on the way.

1. Attributes that cannot be gathered, an engine that fails, is slow, undefined, stale or gives no valid answer: deny,
   and say which (``attributes.unavailable``, ``engine.*``, ``policy.stale``). No setting changes this.
2. A permit whose obligations nobody can honour is a denial (``obligation.unsupported``).
3. The decision carries the revision that the engine decided with, or the one it was meant to.
4. Policy data that the engine could not take ends what it had: an agreement that was suspended meanwhile opens nothing
   (``policy.stale``) until a load succeeds.
5. Questions that come together (the frames of a viewer, a page of ``evaluations``) are put to the engine together, and
   one that comes twice among them is put once. Each is a decision of its own all the same, with its own id and record.
6. A question that its asker may not ask is denied without being put (``asker.not_entitled``).

The caller must make a durable record of the decision before anybody acts on it (``governance.access``).
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from governance.agreements import PolicyData
from governance.catalogue import Study
from governance.clock import LONDON
from governance.decisions.decision import Answer, Decision
from governance.decisions.emergency import Emergency, ReviewSample, emergency_of, review_all
from governance.decisions.engine import Engine, EngineFault, Health
from governance.decisions.listing import Listing
from governance.decisions.obligations import unsupported
from governance.decisions.pip import PolicyInformationPoint, PolicyInput
from governance.decisions.request import AccessRequest
from governance.errors import Unavailable
from governance.telemetry import get_logger
from governance.vocabulary import ReasonCode

_log = get_logger(__name__)
_NOT_TAKEN = "The policy engine did not take what is now in force; every request is denied until it does."
_UNDECIDED = "The search could not be decided. It can be tried again."


class DecisionService:
    """Decides access requests with one engine.

    Args:
        engine: decides.
        information: gathers the attributes.
        sample: says which uses of break-glass a person must review; every one when none is given.
    """

    def __init__(self, engine: Engine, information: PolicyInformationPoint, sample: ReviewSample = review_all) -> None:
        self._engine = engine
        self._information = information
        self._not_taken: ReasonCode | None = None
        self._sample = sample

    @property
    def engine_name(self) -> str:
        """Which engine decides: a short constant word."""
        return self._engine.name

    @property
    def revision(self) -> str:
        """The policy revision that was loaded last; empty before the first."""
        return self._engine.revision

    def load(self, data: PolicyData) -> None:
        """Decide with this policy data from now on; the revision already loaded is not loaded again.

        Raises:
            Unavailable: the engine could not take it; everything is denied until it takes what it is given.
        """
        if data.revision == self._engine.revision and not self.outdated:
            return
        try:
            self._engine.load(data)
        except EngineFault as fault:
            self._not_taken = fault.reason
            _log.error("policy data not taken", engine=self._engine.name, reason=fault.reason.value)
            raise Unavailable(fault.reason.value, _NOT_TAKEN) from fault
        self._not_taken = None

    @property
    def outdated(self) -> bool:
        """Say whether the engine did not take what is in force now, so that everything is denied until it does."""
        return self._not_taken is not None

    def health(self) -> Health:
        """Say whether the engine can decide, and with what is in force; raises nothing."""
        health = self._engine.health()
        if health.ok and self.outdated:
            return Health(ok=False, revision=health.revision, detail="the engine did not take the newest policy data")
        return health

    def decide(self, request: AccessRequest, session: Session, now: datetime, new_id: Callable[[], str]) -> Decision:
        """Decide one request; never raises for anything the engine or the attributes do.

        Args:
            request: what is asked.
            session: a read snapshot, for the attributes.
            now: the instant of the request, aware; it is the policy's clock too.
            new_id: makes the decision's id.
        """
        return self.decide_all([request], session, now, new_id)[0]

    def decide_all(
        self, requests: Sequence[AccessRequest], session: Session, now: datetime, new_id: Callable[[], str]
    ) -> list[Decision]:
        """Decide requests that came together, in their order; see :meth:`decide`."""
        answers = self._answers([_asked(request) for request in requests], session, now)
        return [
            self._decision(request, answer, now, new_id()) for request, answer in zip(requests, answers, strict=True)
        ]

    def _decision(self, request: AccessRequest, answer: Answer, now: datetime, decision_id: str) -> Decision:
        if answer.permit and unsupported(answer.obligations, request.supported_obligations):
            answer = _denial(ReasonCode.OBLIGATION_UNSUPPORTED, answer.revision, answer)
        emergency = emergency_of(answer.obligations) if answer.permit else None
        return Decision(
            id=decision_id,
            permit=answer.permit,
            reasons=answer.reasons,
            obligations=answer.obligations,
            agreement=answer.agreement,
            revision=answer.revision,
            requestable=answer.requestable,
            decided_at=now,
            emergency=emergency,
            review=emergency is not None and self._sampled(emergency, decision_id),
        )

    def listing(self, request: AccessRequest, data: PolicyData, session: Session, now: datetime) -> Listing:
        """Give the filter that says which studies a request permits, and what it needs to know of each.

        Args:
            request: what is asked; the study it names counts for nothing, and no reason of a person's is taken.
            data: the policy data that the caller expects; its ``filter.revision`` says which it was made with.
            session: a read snapshot.
            now: the instant of the request.

        Raises:
            Unavailable: the attributes could not be gathered or the engine failed: no list means "not sure".
        """
        try:
            known, ties = self._information.gather_unnamed(request, session, now)
            made = self._engine.study_filter(known)
        except EngineFault as fault:
            _log.error("policy engine failed", engine=self._engine.name, reason=fault.reason.value, detail=fault.detail)
            raise Unavailable("search.undecided", _UNDECIDED) from fault
        except Exception as error:
            _log.error("no filter", engine=self._engine.name, error_type=type(error).__name__)
            raise Unavailable("search.undecided", _UNDECIDED) from error
        today = now.astimezone(LONDON).date()
        return Listing(made, data, ties, now, today, self._information.named(request), request.supported_obligations)

    def permitted(self, listing: Listing, studies: Sequence[Study], session: Session) -> frozenset[str]:
        """Give the pseudonyms of those studies that a listing permits; one read, whatever their number."""
        contexts = self._information.patients(studies, session, listing.at)
        return frozenset(one.study for one in studies if listing.permits(one, contexts.get(one.patient)))

    def _sampled(self, emergency: Emergency, decision_id: str) -> bool:
        """Sample a grant once, by its own name, however often it is used."""
        name = emergency.approval.id if emergency.approval else decision_id
        return self._sample(name, emergency.share)

    def _answers(self, asked: Sequence[AccessRequest], session: Session, now: datetime) -> list[Answer]:
        """Answer each question, putting the same one once (rule 5)."""
        if self._not_taken is not None:  # before the first load there is nothing that could be out of date
            reason = ReasonCode.POLICY_STALE if self._engine.revision else self._not_taken
            return [_denial(reason, self._engine.revision)] * len(asked)
        answers: dict[AccessRequest, Answer] = {}
        gathered: dict[AccessRequest, PolicyInput] = {}
        answers |= {one: _denial(one.refusal, self._engine.revision) for one in asked if one.refusal is not None}
        questions = dict.fromkeys(one for one in asked if one.refusal is None)
        if len(questions) > 1:
            with suppress(Exception):  # whatever it meets, gathering meets again, for whom it concerns
                self._information.prepare(questions.keys(), session, now)
        for question in questions:
            try:
                gathered[question] = self._information.gather(question, session, now)
            except Exception as error:  # noqa: BLE001 - whatever keeps an attribute away, nothing is released without it
                _log.error("attributes unavailable", error_type=type(error).__name__)
                answers[question] = _denial(ReasonCode.ATTRIBUTES_UNAVAILABLE, self._engine.revision)
        answers |= zip(gathered, self._evaluated(list(gathered.values())), strict=True)
        return [answers[question] for question in asked]

    def _evaluated(self, inputs: Sequence[PolicyInput]) -> list[Answer]:
        """Put inputs to the engine; what it fails to answer is denied."""
        try:
            outcomes = [one for one, _ in zip(self._engine.evaluate_all(inputs), inputs, strict=True)]
        except Exception as error:  # noqa: BLE001 - an engine that breaks its own contract decides nothing
            _log.error("policy engine broke", engine=self._engine.name, error_type=type(error).__name__)
            return [_denial(ReasonCode.ENGINE_UNAVAILABLE, self._engine.revision)] * len(inputs)
        faults = {one.reason: one for one in outcomes if isinstance(one, EngineFault)}
        for fault in faults.values():
            _log.error("policy engine failed", engine=self._engine.name, reason=fault.reason.value, detail=fault.detail)
        return [_denial(one.reason, self._engine.revision) if isinstance(one, EngineFault) else one for one in outcomes]


def _asked(request: AccessRequest) -> AccessRequest:
    """Give what of a request the engine is asked: what an enforcement point can do comes after."""
    return request if request.supported_obligations is None else replace(request, supported_obligations=None)


def _denial(reason: ReasonCode, revision: str, explained: Answer | None = None) -> Answer:
    """Give a denial for a reason outside the policy; it keeps the clause of the answer it replaces."""
    return Answer(
        permit=False,
        reasons=(reason,),
        obligations=(),
        agreement=explained.agreement if explained else None,
        requestable=False,
        revision=revision,
    )
