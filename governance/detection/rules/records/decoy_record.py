"""H3: a planted record that nobody has a reason to open is opened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from governance.alerts import Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context, StudyFacts, Who
from governance.detection.reader.state import RuleState, Value
from governance.detection.rule import Rule
from governance.vocabulary import AlertKind, EventKind, RelationshipKind, Severity

_WORDS = {EventKind.EXPORT: "taken out of the archive", EventKind.PRINT: "printed"}


@dataclass(frozen=True, slots=True)
class DecoyRecord:
    """Fires at once. Decoys never enter a worklist; finding one in a search is no hit, opening it is.

    Nothing switches it off. An approved project of whoever opened it, such as a migration, that held at the time and
    covers the trust makes it a notice.
    """

    id = "decoy_record"
    family = "decoy"
    severity = Severity.CRITICAL
    window = timedelta(0)
    kinds = acts.LOOKS

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Look the study up in the catalogue."""
        event = look.event
        name = acts.study_of(event)
        if name is None or not acts.is_look(event):
            return ()
        study = context.study(name)
        if study is None or not study.decoy:
            return ()
        staff = acts.known(event, context)
        done, who = _WORDS.get(event.kind, "opened"), acts.spoken_role(event, staff)
        if _approved(event, study, context):
            sentence = f"A decoy record was {done} by {who} in the course of an approved project that covers the trust."
            evidence = acts.certain("decoy_in_project", sentence)
            about, trusts = acts.patient_of(event), study.custodians
            told = acts.finding(
                self,
                [event],
                [evidence],
                about=about,
                severity=Severity.LOW,
                kind=AlertKind.NOTICE,
                trusts=trusts,
            )
            return (told,)
        sentence = f"A decoy record, which is on no list and belongs to no patient, was {done} by {who}."
        evidence = acts.certain("decoy_opened", sentence)
        return (acts.finding(self, [event], [evidence], about=acts.patient_of(event), trusts=study.custodians),)

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """Nothing is deferred."""
        return ()


def _approved(event: RecordedEvent, study: StudyFacts, context: Context) -> bool:
    """Say whether a project of whoever acted covers one of the trusts that answer for the decoy."""
    subject = event.subject
    if subject is None:
        return False
    who = Who(subject.id, subject.ods)
    places = study.custodians or (acts.custodian_of(event),)
    ties = (
        tie
        for place in places
        for tie in context.ties(who, acts.patient_of(event), acts.study_of(event), place, event.time)
    )
    return any(tie.kind is RelationshipKind.PROJECT for tie in ties)


RULE: Rule = DecoyRecord()
