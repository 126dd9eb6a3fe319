"""H6: a sealed study is opened, and neither a grant nor a permit that covers it is in force."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from governance.alerts import Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context
from governance.detection.reader.state import RuleState, Value
from governance.detection.reader.waiting import from_value, to_value
from governance.detection.rule import Rule
from governance.detection.windows import DAY, MINUTE, keep, moment, short
from governance.vocabulary import EventKind, Label, Severity

_MINUTES = 60  # how long an override lasts of which nobody says it
_HELD = 200  # accesses that wait for one decision


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """Fires at once when an access names no authority; one that names a decision the log has not seen waits for it.

    What opens a seal: glass broken, by the access's own record, by a decision or by a grant of minutes that was alive,
    or a permit for that very study; the policy weighs the seal before it permits. Such a use is a notice of its own. A
    national opt-out is no fact of detection: what is denied because of it and opened all the same is found as a denial.
    """

    window: timedelta = timedelta(hours=2)
    id = "sealed_record"
    family = "sealed_record"
    severity = Severity.CRITICAL
    kinds = acts.LOOKS | {EventKind.BREAK_GLASS, EventKind.DECISION, EventKind.TOKEN}

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Learn of overrides, release what waited for a decision, judge an access to a sealed study."""
        event = look.event
        if event.kind not in acts.LOOKS:
            if acts.succeeded(event) and acts.broke_glass(event):
                _open(event, state)
            return self._released(event, context, state)
        name = acts.study_of(event)
        if name is None or not acts.is_look(event):
            return ()
        study = context.study(name)
        if study is None or Label.SEALED.value not in study.labels:
            return ()
        return self._judge(event, context.known_before, context, state)

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """Nobody brought the decision that these accesses name."""
        return [self._found(from_value(item), context) for item in value.get("accesses", ())]

    def _judge(self, event: RecordedEvent, before: int, context: Context, state: RuleState) -> Iterable[Finding]:
        if acts.broke_glass(event) or _opened(event, state):
            return ()
        decision_id, jti = event.authority.decision_id, event.authority.token_jti
        if decision_id is None and jti is not None:
            token = context.token(jti, before)
            if token is None:
                return self._wait(f"token:{jti}", event, state)
            decision_id = token.decision_id
        if decision_id is None:
            return (self._found(event, context),)
        decision = context.decision(decision_id, before)
        if decision is None:
            return self._wait(f"decision:{decision_id}", event, state)
        return () if decision.permit and decision.study == acts.study_of(event) else (self._found(event, context),)

    def _wait(self, key: str, event: RecordedEvent, state: RuleState) -> Iterable[Finding]:
        value = state.get(key) or {"accesses": []}
        keep(value, "accesses", to_value(event), _HELD)
        state.put(key, value, max(state.now, moment(event)) + int(self.window.total_seconds()) * 1_000_000)
        return ()

    def _released(self, event: RecordedEvent, context: Context, state: RuleState) -> Iterable[Finding]:
        of_decision = event.kind is EventKind.DECISION
        named = event.authority.decision_id if of_decision else event.authority.token_jti
        key = f"{'decision' if of_decision else 'token'}:{named}"
        value = state.get(key)
        if value is None:
            return ()
        state.drop(key)
        waited = [from_value(item) for item in value["accesses"]]
        return [found for item in waited for found in self._judge(item, event.index + 1, context, state)]

    def _found(self, event: RecordedEvent, context: Context) -> Finding:
        staff = acts.known(event, context)
        study = context.study(acts.study_of(event) or "")
        sentence = (
            f"A sealed study was opened by {acts.spoken_role(event, staff)}, with no emergency opened for it and no "
            "permit that names it."
        )
        evidence = acts.certain("seal_not_lifted", sentence, observed="opened", expected="a grant or a permit")
        trusts = [*(study.custodians if study else ()), *((staff.ods,) if staff else ())]
        return acts.finding(self, [event], [evidence], about=acts.patient_of(event), trusts=trusts)


def _open(event: RecordedEvent, state: RuleState) -> None:
    """Remember until when an override opens what it names to who used it."""
    if event.subject is None or event.resource is None:
        return
    at, seconds = moment(event), event.detail.get("seconds")
    minutes = acts.emergency_of(event).get("minutes")
    length = int(seconds * 1_000_000) if isinstance(seconds, int | float) else None
    if length is None:
        length = int(minutes * MINUTE) if isinstance(minutes, int | float) else _MINUTES * MINUTE
    key = _grant(event)
    value = state.get(key) or {"spans": []}
    value["spans"] = [*value["spans"], [at, at + length]][-10:]
    state.put(key, value, at + length + DAY)


def _opened(event: RecordedEvent, state: RuleState) -> bool:
    """Say whether an override was alive at an access, two minutes of clocks' difference allowed."""
    value, at = state.get(_grant(event)), moment(event)
    spans = value["spans"] if value else ()
    return any(since - 2 * MINUTE <= at <= until + 2 * MINUTE for since, until in spans)


def _grant(event: RecordedEvent) -> str:
    subject, what = event.subject, acts.study_of(event) or acts.patient_of(event) or ""
    return f"grant:{subject.id if subject else ''}|{short(what)}"


RULE: Rule = SealedRecord()
