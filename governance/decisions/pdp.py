"""The policy decision point: a request in, a decision out, whatever happens on the way.

1. Attributes that cannot be gathered, an engine that fails, is slow, undefined, stale or talks nonsense: deny, and say
   which (``attributes.unavailable``, ``engine.*``, ``policy.stale``). There is no switch that turns this round.
2. A permit whose obligations nobody can honour is a denial (``obligation.unsupported``).
3. The decision carries the revision that the engine decided with, or the one it was meant to.

The caller still owes: a durable record of the decision before anybody acts on it (``enforcement``).
"""

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from governance.agreements import PolicyData
from governance.decisions.decision import Answer, Decision
from governance.decisions.emergency import Emergency, ReviewSample, emergency_of, review_all
from governance.decisions.engine import Engine, EngineFault, Health
from governance.decisions.obligations import unsupported
from governance.decisions.pip import PolicyInformationPoint
from governance.decisions.request import AccessRequest
from governance.telemetry import get_logger
from governance.vocabulary import ReasonCode

_log = get_logger(__name__)


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
            EngineFault: the engine could not take it and keeps deciding with what it had.
        """
        if data.revision != self._engine.revision:
            self._engine.load(data)

    def health(self) -> Health:
        """Say whether the engine can decide; raises nothing."""
        return self._engine.health()

    def decide(self, request: AccessRequest, session: Session, now: datetime, new_id: Callable[[], str]) -> Decision:
        """Decide one request; never raises for anything the engine or the attributes do.

        Args:
            request: what is asked.
            session: a read snapshot, for the attributes.
            now: the instant of the request, aware; it is the policy's clock too.
            new_id: makes the decision's id.
        """
        answer = self._answer(request, session, now)
        if answer.permit and unsupported(answer.obligations, request.supported_obligations):
            answer = _denial(ReasonCode.OBLIGATION_UNSUPPORTED, answer.revision, answer)
        decision_id = new_id()
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

    def _sampled(self, emergency: Emergency, decision_id: str) -> bool:
        """Sample a grant once, by its own name, however often it is used."""
        name = emergency.approval.id if emergency.approval else decision_id
        return self._sample(name, emergency.share)

    def _answer(self, request: AccessRequest, session: Session, now: datetime) -> Answer:
        try:
            policy_input = self._information.gather(request, session, now)
        except Exception as error:  # noqa: BLE001 - whatever keeps an attribute away, nothing is released without it
            _log.error("attributes unavailable", error_type=type(error).__name__)
            return _denial(ReasonCode.ATTRIBUTES_UNAVAILABLE, self._engine.revision)
        try:
            return self._engine.evaluate(policy_input)
        except EngineFault as fault:
            _log.error("policy engine failed", engine=self._engine.name, reason=fault.reason.value, detail=fault.detail)
            return _denial(fault.reason, self._engine.revision)
        except Exception as error:  # noqa: BLE001 - an engine that breaks its own contract decides nothing
            _log.error("policy engine broke", engine=self._engine.name, error_type=type(error).__name__)
            return _denial(ReasonCode.ENGINE_UNAVAILABLE, self._engine.revision)


def _denial(reason: ReasonCode, revision: str, explained: Answer | None = None) -> Answer:
    """Give a denial for a reason outside the policy; it keeps the clause of the answer it stands in for."""
    return Answer(
        permit=False,
        reasons=(reason,),
        obligations=(),
        agreement=explained.agreement if explained else None,
        requestable=False,
        revision=revision,
    )
