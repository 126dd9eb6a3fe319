"""W6: emergencies or claimed relationships that do not fit who uses them: too many, copied reasons, out of role."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context, StaffFacts
from governance.detection.peers.usual import Habit
from governance.detection.reader.state import MICROSECOND, RuleState, Value
from governance.detection.reader.waiting import from_value, to_value
from governance.detection.rule import Rule
from governance.detection.windows import DAY, Row, Slots, add, fullest, moment, short, within
from governance.vocabulary import EventKind, Role, Severity

_WEEK = timedelta(days=7)
_USES = Slots("uses", _WEEK // MICROSECOND)
_WORDS = Slots("words", _WEEK // MICROSECOND)
_WHAT, _PATIENT, _REASON, _EVENT = 2, 3, 4, 5  # places in a row
_KEPT = 100
_HABITS = {"glass": Habit("glass", 2.0), "claim": Habit("claim", 2.0)}
_SPOKEN = {"glass": "used the emergency override", "claim": "claimed a relationship"}
_NOT_AT_THE_BEDSIDE = frozenset(
    {Role.IG_OFFICER, Role.MDT_COORDINATOR, Role.PACS_ADMIN, Role.RESEARCHER, Role.SOC_ANALYST}
)


@dataclass(frozen=True, slots=True)
class BreakGlassPattern:
    """One alert a person and pattern, raised again at each doubling; each use by itself is a notice elsewhere.

    Repeats are counted in distinct patients within seven days, against people of the role who used it at all. Copied
    reasons are told by their keyed digest, where records carry one, and not when others use the same words.

    Args:
        least: patients in a week below which nobody is compared.
        factor: how many times the usual it must be.
        bits: how surprising it must be.
        copies: patients in a week with the same reason.
    """

    least: int = 6
    factor: float = 3.0
    bits: float = 12.0
    copies: int = 3
    id = "break_glass_pattern"
    family = "break_glass"
    severity = Severity.HIGH
    window = _WEEK
    kinds = acts.LOOKS | {EventKind.BREAK_GLASS, EventKind.DECISION}

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Put the use among the person's of a week and see whether they still fit."""
        event = look.event
        what = _what(event)
        patient = acts.patient_of(event) or acts.study_of(event)
        if what is None or event.subject is None or patient is None or not acts.is_person(event):
            return ()
        who, at, staff = event.subject.id, moment(event), acts.known(event, context)
        value = _USES.at(state, who, at) or {"rows": [], "told": {}, "role": acts.peers_of(event, staff)}
        reason = acts.reason_of(event)
        add(value["rows"], [at, event.index, what, short(patient), reason, to_value(event)], _KEPT)
        _USES.put(state, who, at, value)
        rows = [row for row in within(_USES.near(state, who, at), "rows", at, _USES.width) if row[_WHAT] == what]
        found = [
            *self._repeated(event, staff, rows, value, state),
            *self._copied(event, rows, value, state),
            *self._out_of_role(event, staff, rows, value),
        ]
        if found:
            _USES.put(state, who, at, value)
        return found

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """A week is over: it counts among those of the role."""
        if _USES.of(key) is not None:
            for what, habit in _HABITS.items():
                patients = {row[_PATIENT] for row in value["rows"] if row[_WHAT] == what}
                if patients:
                    habit.learn(state, value["role"], len(patients), at // DAY)
        return ()

    def _repeated(
        self, event: RecordedEvent, staff: StaffFacts | None, rows: list[Row], value: Value, state: RuleState
    ) -> Iterable[Finding]:
        week = fullest(rows, moment(event), _USES.width, lambda row: row[_PATIENT])
        count = len({row[_PATIENT] for row in week})
        if count < self.least:
            return
        what = week[0][_WHAT]
        usual = _HABITS[what].of(state, acts.peers_of(event, staff))
        bits = usual.bits(count)
        if count < self.factor * usual.mean or bits < self.bits or not acts.tell(value, what, count, 2):
            return
        sentence = (
            f"{acts.spoken_role(event, staff).capitalize()} {_SPOKEN[what]} for {count} patients within seven days; "
            f"people of that role who do it at all do so for {usual.mean:.1f} in a week ({usual.sample} such weeks "
            "compared)."
        )
        evidence = Evidence("repeated_use", count, usual.mean, usual.sample, bits, sentence)
        yield self._finding(week, evidence, acts.trust_of(event, staff))

    def _copied(self, event: RecordedEvent, rows: list[Row], value: Value, state: RuleState) -> Iterable[Finding]:
        reason, at = acts.reason_of(event), moment(event)
        if reason is None or event.subject is None:
            return
        words = _WORDS.at(state, reason, at) or {"who": []}
        if event.subject.id not in words["who"] and len(words["who"]) < self.copies + 1:
            words["who"] = sorted([*words["who"], event.subject.id])
            _WORDS.put(state, reason, at, words)
        same = fullest([row for row in rows if row[_REASON] == reason], at, _USES.width, lambda row: row[_PATIENT])
        count = len({row[_PATIENT] for row in same})
        others = {who for near in _WORDS.near(state, reason, at) for who in near["who"]} - {event.subject.id}
        if count < self.copies or len(others) >= self.copies or not acts.tell(value, f"reason:{reason}", count, 2):
            return
        sentence = (
            f"One and the same reason was given for {count} patients within seven days, word for word; "
            f"{len(others) or 'no'} other people gave it."
        )
        yield self._finding(same, acts.certain("copied_reason", sentence, observed=count, expected=1), None)

    def _out_of_role(
        self, event: RecordedEvent, staff: StaffFacts | None, rows: list[Row], value: Value
    ) -> Iterable[Finding]:
        """Hold a role that the register gives, and that treats nobody, against the emergency it opened."""
        if staff is None or staff.role not in _NOT_AT_THE_BEDSIDE or rows[0][_WHAT] != "glass":
            return
        if not acts.tell(value, "out_of_role", len({row[_PATIENT] for row in rows}), 2):
            return
        sentence = f"The emergency override was used by {acts.spoken(staff.role)}, a role that treats no patients."
        yield self._finding(rows, acts.certain("out_of_role", sentence), staff.ods)

    def _finding(self, rows: list[Row], evidence: Evidence, trust: str | None) -> Finding:
        events = [from_value(row[_EVENT]) for row in rows]
        about = trust or (events[0].subject.ods if events[0].subject else None)
        return acts.finding(self, events, [evidence], about=about, at=events[-1].time)


def _what(event: RecordedEvent) -> str | None:
    """Say whether an event is a use of an emergency or of a claimed relationship; None when it is neither."""
    if not acts.succeeded(event) or acts.goes_on(event):
        return None
    return "glass" if acts.broke_glass(event) else "claim" if acts.claimed(event) else None


RULE: Rule = BreakGlassPattern()
