"""An access that no decision of the log allows: the decision point was bypassed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.facts import Context, DecisionFacts
from governance.detection.rule import Rule
from governance.detection.state import LATENESS, RuleState, Value
from governance.detection.waiting import from_value, to_value
from governance.vocabulary import EventKind, Severity


@dataclass(frozen=True, slots=True)
class AccessWithoutDecision:
    """Fires at once when an access names no authority, or names a denial or a decision about something else.

    An access whose decision or token the log has not seen waits: the two travel apart, and may arrive in either order.
    It fires when the allowed lateness has passed, in event time, since the access and since it arrived.
    """

    id = "access_without_decision"
    family = "bypass"
    severity = Severity.HIGH
    kinds = acts.LOOKS | {EventKind.DECISION, EventKind.TOKEN}
    window = LATENESS

    def observe(self, event: RecordedEvent, context: Context, state: RuleState) -> Iterable[Finding]:
        """Follow an access to its decision; a decision or token that arrives releases the accesses that wait for it."""
        if event.kind is EventKind.DECISION:
            return self._released(f"decision:{event.authority.decision_id}", event, context, state)
        if event.kind is EventKind.TOKEN:
            return self._released(f"token:{event.authority.token_jti}", event, context, state)
        return self._follow(event, event.index, context, state) if acts.succeeded(event) else ()

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """Nobody vouched for these accesses in time."""
        what = "decision" if key.startswith("decision:") else "token"
        sentence = f"The access names a {what} that the log does not hold: nothing shows that it was ever allowed."
        evidence = acts.certain(f"{what}_unknown", sentence, observed=f"{what} not in the log", expected="a decision")
        return [self._found(from_value(item), evidence) for item in value["accesses"]]

    def _follow(self, event: RecordedEvent, before: int, context: Context, state: RuleState) -> Iterable[Finding]:
        decision_id = event.authority.decision_id
        jti = event.authority.token_jti
        if decision_id is None and jti is None:
            sentence = f"Images were opened by {acts.spoken_role(event)} without a decision or a token."
            evidence = acts.certain("no_authority", sentence, observed="no decision, no token", expected="a decision")
            return (self._found(event, evidence),)
        if decision_id is None and jti is not None:
            token = context.token(jti, before)
            if token is None:
                return self._wait(f"token:{jti}", event, state)
            if token.decision_id is None:
                sentence = "The access used a token that no decision stands behind."
                return (self._found(event, acts.certain("token_without_decision", sentence)),)
            decision_id = token.decision_id
        decision = context.decision(decision_id, before) if decision_id is not None else None
        if decision is None:
            return self._wait(f"decision:{decision_id}", event, state)
        evidence_against = _against(decision, event)
        return () if evidence_against is None else (self._found(event, evidence_against, decision.permit),)

    def _wait(self, key: str, event: RecordedEvent, state: RuleState) -> Iterable[Finding]:
        value = state.get(key) or {"accesses": []}
        value["accesses"].append(to_value(event))
        state.put(key, value, max(state.now, *(item["time"] for item in value["accesses"])))
        return ()

    def _released(self, key: str, event: RecordedEvent, context: Context, state: RuleState) -> Iterable[Finding]:
        value = state.get(key)
        if value is None:
            return ()
        state.drop(key)
        waited = [from_value(item) for item in value["accesses"]]
        return [found for item in waited for found in self._follow(item, event.index + 1, context, state)]

    def _found(self, event: RecordedEvent, evidence: Evidence, permitted: bool = True) -> Finding:
        severity = self.severity if permitted else Severity.CRITICAL
        return acts.finding(self, [event], [evidence], about=None, severity=severity)


def _against(decision: DecisionFacts, event: RecordedEvent) -> Evidence | None:
    """Say why a known decision does not allow an access; None when it does."""
    if not decision.permit:
        sentence = f"Access was denied, and the images were opened all the same by {acts.spoken_role(event)}."
        return acts.certain("denied", sentence, observed="opened", expected="denied")
    study, patient = acts.study_of(event), acts.patient_of(event)
    other_study = decision.study is not None and study is not None and decision.study != study
    other_patient = decision.study is None and decision.patient is not None and decision.patient != patient
    if other_study or other_patient:
        what = "study" if other_study else "patient"
        sentence = f"The decision that the access names was about another {what}."
        return acts.certain("decision_about_another", sentence, observed=f"another {what}", expected=f"the same {what}")
    return None


RULE: Rule = AccessWithoutDecision()
