"""H2: somebody looks, without a reason, at the record of a person they live with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from governance.alerts import Evidence, Finding, Revision
from governance.detection import acts
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context
from governance.detection.reader.state import RuleState, Value
from governance.detection.rule import Rule
from governance.vocabulary import Severity


@dataclass(frozen=True, slots=True)
class HouseholdAccess:
    """Fires at once when the two household keys are the same and no reason is on record.

    A key that many patients share is a residence, a care home or a student block: no tie.

    Args:
        largest: how many patients a household may have to be one.
    """

    largest: int = 8
    contextual = True
    id = "household_access"
    family = "unexplained_looks"  # one incident with what the day shows of the two
    severity = Severity.HIGH
    window = timedelta(0)
    kinds = acts.LOOKS

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Compare the households of the two."""
        event = look.event
        patient = acts.patient_of(event)
        if patient is None or not look.unexplained or not acts.is_look(event):
            return ()
        staff = acts.known(event, context)
        known = context.patient(patient)
        if staff is None or known is None or staff.household is None or staff.household not in known.households:
            return ()
        if staff.patient == patient or (event.subject and event.subject.id in known.staff):
            return ()
        size = max(context.residents(staff.household), 1)
        if size > self.largest:
            return ()
        people = "one patient" if size == 1 else f"{size} patients"
        sentence = (
            f"The person who looked, {acts.spoken_role(event, staff)}, and the patient live in one household "
            f"({people} on record there), and no order, list, referral or other reason is on record."
        )
        evidence = Evidence("same_household", size, self.largest, 0, None, sentence)
        return (acts.finding(self, [event], [evidence], about=patient, trusts=(staff.ods,)),)

    def revised(self, before: Look, after: Look, context: Context, state: RuleState) -> Iterable[Revision | Finding]:
        """Take back what a late reason explains; find what lost its reason, or of which nobody could say."""
        patient = acts.patient_of(after.event) or ""
        back = acts.taken_back(self, after, patient)
        if back is not None:
            return (back,) if before.unexplained else ()
        return () if before.unexplained else self.observe(after, context, state)

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """Nothing is deferred."""
        return ()


RULE: Rule = HouseholdAccess()
