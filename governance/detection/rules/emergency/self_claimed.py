"""W6: somebody said themselves that they care for a patient; the trust that owns the images is told of each use."""

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
from governance.vocabulary import AlertKind, EventKind, Severity


@dataclass(frozen=True, slots=True)
class SelfClaimed:
    """Fires at every permit that rests on a claimed relationship. A notice."""

    id = "self_claimed"
    family = "self_claim"
    severity = Severity.LOW
    window = timedelta(0)
    kinds = frozenset({EventKind.DECISION})

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Report the claim."""
        event = look.event
        if event.subject is None or not acts.claimed(event):
            return ()
        staff = acts.known(event, context)
        sentence = (
            f"{acts.spoken_role(event, staff).capitalize()} said that they care for the patient, nothing on record "
            "says so, and the agreement let that count."
        )
        evidence = [acts.certain("claimed_relationship", sentence)]
        about, trusts = acts.patient_of(event), (staff.ods,) if staff else ()
        return (acts.finding(self, [event], evidence, about=about, kind=AlertKind.NOTICE, trusts=trusts),)

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """Nothing is deferred."""
        return ()


RULE: Rule = SelfClaimed()
