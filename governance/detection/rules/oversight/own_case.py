"""G1: somebody reads the audit about themselves, their home, or whom they looked at without a reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context, StaffFacts
from governance.detection.reader.state import RuleState, Value
from governance.detection.reader.waiting import from_value, to_value
from governance.detection.rule import Rule
from governance.detection.windows import DAY, Slots, add, moment, short, within
from governance.vocabulary import EventKind, Role, Severity

_WEEKS = timedelta(days=30)
_SEEN = Slots("seen", 30 * DAY)
_WATCH = frozenset({Role.IG_OFFICER, Role.SOC_ANALYST})
_WHAT, _PATIENT, _EVENT = 2, 3, 4  # places in a row
_LOOKED, _READ = "looked", "read"
_KEPT = 300
_HOME = 8  # patients on record in a household at the most


@dataclass(frozen=True, slots=True)
class OwnCase:
    """Fires at once when the audit is read about the reader's own record or that of their household.

    It fires, too, where one person looked at a patient without a reason and read the audit about the same patient
    within thirty days.

    Looks are remembered of those alone whose role is to read the audit, and of those who have read it.
    """

    id = "own_case"
    family = "own_case"
    severity = Severity.HIGH
    window = _WEEKS
    kinds = acts.LOOKS | {EventKind.AUDIT_READ}

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Compare the reader with whom the reading is about, or remember a look."""
        event = look.event
        patient = acts.patient_of(event)
        if event.subject is None or not acts.is_person(event) or not acts.succeeded(event):
            return ()
        reads = event.kind is EventKind.AUDIT_READ
        who, at = event.subject.id, moment(event)
        if reads and state.get(f"reader:{who}") is None:
            state.put(f"reader:{who}", {"since": at}, at + 400 * DAY)
        if patient is None or not (reads or look.unexplained):
            return ()
        staff = acts.known(event, context)
        evidence = [*_about_own(event, staff, patient, context)] if reads else []
        events = [event]
        if not evidence and (reads or _watches(who, staff, state)):
            events = self._both(event, patient, _READ if reads else _LOOKED, state)
            evidence = [_own_look(acts.spoken_role(event, staff))] if len(events) > 1 else []
        if not evidence:
            return ()
        trusts = (staff.ods,) if staff else ()
        return (acts.finding(self, events, evidence, about=patient, at=event.time, trusts=trusts),)

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """What nobody can meet any more is forgotten."""
        return ()

    def _both(self, event: RecordedEvent, patient: str, what: str, state: RuleState) -> list[RecordedEvent]:
        """Remember an act about a patient; gives it with those of the other kind about the same one, the first time."""
        who, at = (event.subject.id if event.subject else ""), moment(event)
        value = _SEEN.at(state, who, at) or {"rows": []}
        near = within(_SEEN.near(state, who, at), "rows", at, _SEEN.width)
        same = [row for row in near if row[_PATIENT] == short(patient)]
        others = [row for row in same if row[_WHAT] != what]
        if any(row[_WHAT] == what for row in same):
            return [event]  # it was told the first time
        add(value["rows"], [at, event.index, what, short(patient), to_value(event)], _KEPT)
        _SEEN.put(state, who, at, value)
        return [event, *(from_value(row[_EVENT]) for row in others)]


def _watches(who: str, staff: StaffFacts | None, state: RuleState) -> bool:
    return (staff is not None and staff.role in _WATCH) or state.get(f"reader:{who}") is not None


def _about_own(event: RecordedEvent, staff: StaffFacts | None, patient: str, context: Context) -> Iterable[Evidence]:
    """Say whether the audit was read about the reader themselves, or about somebody of their household."""
    known, who = context.patient(patient), acts.spoken_role(event, staff)
    own = staff is not None and staff.patient == patient
    if own or (known is not None and event.subject is not None and event.subject.id in known.staff):
        sentence = f"The audit was read about the reader's own record, by {who}."
        yield acts.certain("own_record_read", sentence)
        return
    home = staff.household if staff is not None else None
    if home is not None and known is not None and home in known.households and context.residents(home) <= _HOME:
        sentence = f"The audit was read about somebody of the reader's own household, by {who}."
        yield acts.certain("own_household_read", sentence)


def _own_look(who: str) -> Evidence:
    sentence = (
        f"One person, {who}, looked at a patient's images with no recorded reason and read the audit about the same "
        "patient."
    )
    return acts.certain("own_look_read", sentence)


RULE: Rule = OwnCase()
