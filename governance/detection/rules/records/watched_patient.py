"""H7: somebody without a reason looks at a patient whose record is watched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from governance.alerts import Finding, Revision
from governance.detection import acts
from governance.detection.explanation.look import ExplanationKind, Look
from governance.detection.knowledge.facts import Context, StudyFacts
from governance.detection.reader.state import MICROSECOND, RuleState, Value
from governance.detection.rule import Rule
from governance.detection.windows import INDEX, Slots, add, moment, within
from governance.vocabulary import Role, Severity

_FRESH = timedelta(days=7)  # how long a new study is on somebody's working list
_TODAY = timedelta(days=1)  # images of a night are of the day before
_IMAGING = {Role.RADIOGRAPHER.value}
_WINDOW = timedelta(hours=72)
_VIEWERS = Slots("patient", _WINDOW // MICROSECOND)


@dataclass(frozen=True, slots=True)
class WatchedPatient:
    """Fires at the first look of each person; after the fourth in 72 hours the burst names those who come.

    A rota or pool of a whole trust is no reason here, but for the pool's reading of a study of the last days, and for a
    radiographer on shift with images of the day.

    Args:
        alone: how many viewers of one patient are reported one by one.
    """

    alone: int = 4
    contextual = True
    id = "watched_patient"
    family = "unexplained_looks"  # one incident with what the day shows of the two
    severity = Severity.HIGH
    window = _WINDOW
    kinds = acts.LOOKS

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Ask whether the patient is watched, and whether the look has a reason that counts."""
        event = look.event
        patient = acts.patient_of(event)
        if patient is None or look.explanation is None or not acts.is_look(event) or not acts.is_person(event):
            return ()
        facts = context.patient(patient)
        flags = acts.WATCHED & (facts.flags if facts else frozenset())
        if facts is None or not acts.bare(look, flags) or not flags or _works_with_new(look, context):
            return ()
        who, at = (event.subject.id if event.subject else ""), moment(event)
        if who in facts.staff:
            return ()  # their own record is another finding
        rows = within(_VIEWERS.near(state, patient, at), "rows", at, _VIEWERS.width)
        seen = acts.distinct(row[2] for row in rows)
        if who in seen or len(seen) >= self.alone:
            return ()
        value = _VIEWERS.at(state, patient, at) or {"rows": []}
        add(value["rows"], [at, event.index, who], self.alone)
        _VIEWERS.put(state, patient, at, value)
        staff = acts.known(event, context)
        why = "a public person's" if "vip" in flags else "an incident's"
        weak = "" if look.unexplained else "; a rota or pool of the whole trust is no reason for a watched record"
        who = acts.spoken_role(event, staff)
        sentence = f"The record is watched as {why}, and {who} looked at it with no recorded reason{weak}."
        evidence = acts.certain("watched_record", sentence, observed=len(seen) + 1, expected=0)
        return (acts.finding(self, [event], [evidence], about=patient, trusts=(staff.ods,) if staff else ()),)

    def revised(self, before: Look, after: Look, context: Context, state: RuleState) -> Iterable[Revision | Finding]:
        """Take back what a late reason explains; find what lost its reason, or of which nobody could say."""
        facts = acts.patient_facts(after.event, context)
        flags, patient = (facts.flags if facts else frozenset()), acts.patient_of(after.event) or ""
        if acts.bare(after, flags):
            return () if acts.bare(before, flags) else self.observe(after, context, state)
        back = acts.taken_back(self, after, patient)
        if back is None or not acts.bare(before, flags):
            return ()
        at = moment(after.event)
        if (value := _VIEWERS.at(state, patient, at)) is not None:
            value["rows"] = [row for row in value["rows"] if row[INDEX] != after.event.index]
            _VIEWERS.put(state, patient, at, value)
        return (back,)

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """Viewers are forgotten once no window can hold them."""
        return ()


def _works_with_new(look: Look, context: Context) -> bool:
    """Say whether a working list explains a look: a pool's at a study of the last days, a radiographer's at today's."""
    kind = look.explanation.kind if look.explanation is not None else None
    if kind is ExplanationKind.ROTA and acts.role_of(look.event, acts.known(look.event, context)) in _IMAGING:
        fresh = _TODAY
    elif kind is ExplanationKind.POOL:
        fresh = _FRESH
    else:
        return False
    name = acts.study_of(look.event)
    study: StudyFacts | None = context.study(name) if name else None
    resource = look.event.resource
    made = (study.study_date if study else None) or (resource.study_date if resource else None)
    return made is not None and look.event.time.date() - made <= fresh


RULE: Rule = WatchedPatient()
