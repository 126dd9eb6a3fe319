"""H3: a planted record that nobody has a reason to open is opened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from governance.alerts import Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.facts import Context
from governance.detection.rule import Rule
from governance.detection.state import RuleState, Value
from governance.vocabulary import EventKind, Severity

_WORDS = {EventKind.EXPORT: "taken out of the archive", EventKind.PRINT: "printed"}


@dataclass(frozen=True, slots=True)
class DecoyRecord:
    """Fires at once. Decoys never enter a worklist; finding one in a search is no hit, opening it is."""

    id = "decoy_record"
    family = "decoy"
    severity = Severity.CRITICAL
    window = timedelta(0)
    kinds = acts.LOOKS

    def observe(self, event: RecordedEvent, context: Context, state: RuleState) -> Iterable[Finding]:
        """Look the study up in the catalogue."""
        name = acts.study_of(event)
        if name is None or not acts.succeeded(event):
            return ()
        study = context.study(name)
        if study is None or not study.decoy:
            return ()
        done = _WORDS.get(event.kind, "opened")
        who = acts.spoken_role(event)
        sentence = f"A decoy record, which is on no list and belongs to no patient, was {done} by {who}."
        evidence = acts.certain("decoy_opened", sentence)
        return (acts.finding(self, [event], [evidence], about=acts.patient_of(event)),)

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """Nothing is deferred."""
        return ()


RULE: Rule = DecoyRecord()
