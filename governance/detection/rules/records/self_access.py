"""H1: somebody looks at their own record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from governance.alerts import Finding
from governance.detection import acts
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context
from governance.detection.reader.state import RuleState, Value
from governance.detection.rule import Rule
from governance.vocabulary import Severity


@dataclass(frozen=True, slots=True)
class SelfAccess:
    """Fires at once: either side's feed is enough to tie a member of staff to the patient they are."""

    id = "self_access"
    family = "self_access"
    severity = Severity.HIGH
    window = timedelta(0)
    kinds = acts.LOOKS

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Compare the patient looked at with the patient the subject is."""
        event = look.event
        patient = acts.patient_of(event)
        if event.subject is None or patient is None or not acts.is_look(event):
            return ()
        staff = acts.known(event, context)
        told_by_staff = staff is not None and staff.patient == patient
        if not told_by_staff:
            known = context.patient(patient)
            if known is None or event.subject.id not in known.staff:
                return ()
        feed = "staff" if told_by_staff else "patient"
        sentence = (
            f"The {feed} register ties the person who acted, {acts.spoken_role(event, staff)}, to the patient: "
            "this is their own record."
        )
        trusts = () if staff is None else (staff.ods,)
        return (acts.finding(self, [event], [acts.certain("own_record", sentence)], about=patient, trusts=trusts),)

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """Nothing is deferred."""
        return ()


RULE: Rule = SelfAccess()
