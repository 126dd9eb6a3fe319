"""W6: glass was broken for a patient, and no care followed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from governance.alerts import Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.facts import Context, Who
from governance.detection.rule import Rule
from governance.detection.rules.break_glass_used import broke_glass
from governance.detection.state import MICROSECOND, RuleState, Value
from governance.detection.waiting import from_value, to_value
from governance.storage import from_microseconds
from governance.vocabulary import EventKind, Severity


@dataclass(frozen=True, slots=True)
class BreakGlassWithoutFollowUp:
    """Waits ``window`` of event time for a care event or a relationship of that person and patient, then fires.

    Every use of the override in that time belongs to the one case. More looking is no follow-up, and neither is a rota
    or a pool, which names no patient.
    """

    window: timedelta = timedelta(hours=72)
    id = "break_glass_without_follow_up"
    family = "break_glass"
    severity = Severity.MEDIUM
    kinds = acts.LOOKS | {EventKind.BREAK_GLASS, EventKind.DECISION, EventKind.IMPORT}

    def observe(self, event: RecordedEvent, context: Context, state: RuleState) -> Iterable[Finding]:
        """Open a case, add to it, or settle it by images or a report that the person filed for the patient."""
        patient = acts.patient_of(event)
        if event.subject is None or patient is None or not acts.succeeded(event):
            return ()
        key = f"{event.subject.id}|{patient}"
        case = state.get(key)
        if event.kind is EventKind.IMPORT:
            if case is not None:
                case["settled"] = True
                state.put(key, case, case["until"])
            return ()
        if not broke_glass(event):
            return ()
        item = to_value(event)
        if case is None:
            until = item["time"] + self.window // MICROSECOND
            case = {"since": item["time"], "until": until, "settled": False, "events": []}
        case["since"] = min(case["since"], item["time"])
        case["events"].append(item)
        state.put(key, case, case["until"])
        return ()

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """Ask whether anything followed."""
        events = sorted((from_value(item) for item in value["events"]), key=lambda event: event.index)
        first = events[0]
        patient = acts.patient_of(first)
        if value["settled"] or first.subject is None or patient is None:
            return ()
        since = from_microseconds(value["since"])
        ties = context.follow_up(
            Who(first.subject.id, first.subject.ods), patient, acts.study_of(first), since, since + self.window
        )
        if ties:
            return ()
        hours = int(self.window / timedelta(hours=1))
        count = len({event.authority.decision_id or str(event.index) for event in events})
        uses = "once" if count == 1 else f"{count} times"
        sentence = (
            f"The emergency override was used {uses} by {acts.spoken_role(first)}, and within {hours} hours no order, "
            "list, referral, report or episode tied them to the patient."
        )
        evidence = acts.certain("no_follow_up", sentence, observed=0, expected=1)
        return (acts.finding(self, events, [evidence], about=patient, at=from_microseconds(at)),)


RULE: Rule = BreakGlassWithoutFollowUp()
