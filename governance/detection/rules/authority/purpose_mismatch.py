"""X3: what somebody says they look for does not fit: research outside any project, a project under the name of care."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.explanation.look import ExplanationKind, Look
from governance.detection.knowledge.facts import Context, StaffFacts, Who
from governance.detection.peers.tail import share_surprise
from governance.detection.peers.usual import Habit
from governance.detection.reader.state import MICROSECOND, RuleState, Value
from governance.detection.reader.waiting import from_value, to_value
from governance.detection.rule import Rule
from governance.detection.windows import DAY, Row, Slots, add, fullest, moment, short, within
from governance.vocabulary import Purpose, RelationshipKind, Severity

SECONDARY = frozenset({Purpose.HRESCH, Purpose.TRAIN})
CARE = frozenset({Purpose.TREAT, Purpose.ETREAT, Purpose.CAREMGT})
_WEEK = timedelta(days=7)
_LOOKS = Slots("looks", _WEEK // MICROSECOND)
_KIND, _PATIENT, _EVENT = 2, 3, 4  # places in a row
_OUTSIDE, _INSIDE, _UNDER_CARE = "outside", "inside", "care"
_KEPT = 300
_EACH_DAY = Habit("under-care", 1.0)
_PRIOR = (2.0, 78.0)  # looks outside and inside of projects, before anything was seen


@dataclass(frozen=True, slots=True)
class PurposeMismatch:
    """Counts a person's patients whose purpose does not fit.

    Those opened for research or teaching that are in no approved project of theirs, in a week, against how often that
    is so in their trust; and those opened for care whose only reason is a project made for another purpose, in a day,
    against their role. Where a trust feeds no projects, nothing can be said, and nothing is.

    Args:
        least: patients outside of a project.
        bits: how surprising they must be.
        pulled: patients of a project opened under the name of care.
        factor: how many times the role's usual that must be.
    """

    least: int = 3
    bits: float = 8.0
    pulled: int = 10
    factor: float = 4.0
    id = "purpose_mismatch"
    family = "purpose"
    severity = Severity.MEDIUM
    window = _WEEK
    kinds = acts.LOOKS

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Put the look among the person's of a week, by what it is."""
        event = look.event
        patient = acts.patient_of(event)
        if event.subject is None or patient is None or not acts.is_person(event) or not acts.is_look(event):
            return ()
        kind = _kind(look, context)
        if kind is None:
            return ()
        staff, at = acts.known(event, context), moment(event)
        trust = acts.trust_of(event, staff)
        value = _LOOKS.at(state, event.subject.id, at)
        value = value or {"rows": [], "told": {}, "role": acts.peers_of(event, staff)}
        if any(row[_KIND] == kind and row[_PATIENT] == short(patient) for row in value["rows"]):
            return ()
        if not add(value["rows"], [at, event.index, kind, short(patient), to_value(event)], _KEPT):
            return ()
        _LOOKS.put(state, event.subject.id, at, value)
        rows = within(_LOOKS.near(state, event.subject.id, at), "rows", at, _LOOKS.width)
        if kind == _OUTSIDE:
            found = [*self._outside(event, staff, rows, value, state)]
        else:
            found = [*self._under_care(event, staff, rows, value, state)] if kind == _UNDER_CARE else []
        _LOOKS.put(state, event.subject.id, at, value)
        if kind != _UNDER_CARE:
            _learn(state, trust, outside=kind == _OUTSIDE)
        return found

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """A week is over: its days count among those of the role."""
        if _LOOKS.of(key) is not None:
            days: dict[int, set[str]] = {}
            for row in value["rows"]:
                if row[_KIND] == _UNDER_CARE:
                    days.setdefault(row[0] // DAY, set()).add(row[_PATIENT])
            for day, patients in sorted(days.items()):
                _EACH_DAY.learn(state, value["role"], len(patients), day)
        return ()

    def _outside(
        self, event: RecordedEvent, staff: StaffFacts | None, rows: list[Row], value: Value, state: RuleState
    ) -> Iterable[Finding]:
        week = fullest([row for row in rows if row[_KIND] != _UNDER_CARE], moment(event), _LOOKS.width, _row_patient)
        outside = [row for row in week if row[_KIND] == _OUTSIDE]
        trust, count = acts.trust_of(event, staff), len({row[_PATIENT] for row in outside})
        of, share = len({row[_PATIENT] for row in week}), _share(state, trust)
        bits = round(share_surprise(count, of, share), 3)
        if count < self.least or bits < self.bits or not acts.tell(value, _OUTSIDE, count, 2):
            return
        what = "teaching" if event.purpose is Purpose.TRAIN else "research"
        sentence = (
            f"{acts.spoken_role(event, staff).capitalize()} opened the images of {of} patients for {what} in a week; "
            f"{count} of them are in no approved project of theirs. In that trust {share:.0%} of such looks are "
            "outside."
        )
        evidence = Evidence("outside_project", count, round(share * of, 3), of, bits, sentence)
        yield acts.finding(self, _events(outside), [evidence], about=trust, at=event.time, trusts=(trust,))

    def _under_care(
        self, event: RecordedEvent, staff: StaffFacts | None, rows: list[Row], value: Value, state: RuleState
    ) -> Iterable[Finding]:
        day = fullest([row for row in rows if row[_KIND] == _UNDER_CARE], moment(event), DAY, _row_patient)
        count, usual = len({row[_PATIENT] for row in day}), _EACH_DAY.of(state, acts.peers_of(event, staff))
        enough = count >= max(self.pulled, self.factor * usual.mean)
        if not enough or not acts.tell(value, _UNDER_CARE, count, 2):
            return
        trust = acts.trust_of(event, staff)
        sentence = (
            f"{acts.spoken_role(event, staff).capitalize()} opened the images of {count} patients in a day for their "
            f"care, as it says; the only reason on record is a project for another purpose. {usual.mean:.1f} is usual "
            "for the role."
        )
        bits = usual.bits(count)
        evidence = Evidence("project_under_care", count, usual.mean, usual.sample, bits, sentence)
        yield acts.finding(self, _events(day), [evidence], about=trust, at=event.time, trusts=(trust,))


def _kind(look: Look, context: Context) -> str | None:
    """Say what a look counts as; None when its purpose and its reason fit, or nobody can say."""
    event, explanation = look.event, look.explanation
    if explanation is None or explanation.kind is ExplanationKind.DEGRADED or event.subject is None:
        return None
    if event.purpose in SECONDARY:
        return _INSIDE if _projects(event, context, event.purpose) else _OUTSIDE
    if event.purpose in CARE and (look.unexplained or explanation.kind is ExplanationKind.PROJECT):
        return _UNDER_CARE if _projects(event, context, None) else None
    return None


def _projects(event: RecordedEvent, context: Context, purpose: Purpose | None) -> bool:
    """Say whether a project covers the look: one for the purpose or for any; without a purpose, a secondary one."""
    who = Who(event.subject.id, event.subject.ods) if event.subject else Who("", None)
    ties = context.ties(who, acts.patient_of(event), acts.study_of(event), acts.custodian_of(event), event.time)
    if purpose is None and any(tie.specific and tie.kind is not RelationshipKind.PROJECT for tie in ties):
        return False  # care of their own explains it
    wanted = {purpose.value, None} if purpose is not None else {one.value for one in SECONDARY}
    return any(tie.kind is RelationshipKind.PROJECT and tie.purpose in wanted for tie in ties)


def _row_patient(row: Row) -> str:
    return str(row[_PATIENT])


def _events(rows: list[Row]) -> list[RecordedEvent]:
    return [from_value(row[_EVENT]) for row in rows]


def _share(state: RuleState, trust: str) -> float:
    outside, of = (state.get(f"share:{trust}") or {"seen": [0.0, 0.0]})["seen"]
    share: float = round((outside + _PRIOR[0]) / (of + sum(_PRIOR)), 4)
    return share


def _learn(state: RuleState, trust: str, *, outside: bool) -> None:
    seen, of = (state.get(f"share:{trust}") or {"seen": [0.0, 0.0]})["seen"]
    fade = 0.998  # the last 500 looks or so count
    state.put(f"share:{trust}", {"seen": [seen * fade + outside, of * fade + 1]}, None)


RULE: Rule = PurposeMismatch()
