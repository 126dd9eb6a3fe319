"""G1: one of those who watch closes, mutes or unmasks alerts in bulk, or reads through the audit like an archive."""

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
from governance.detection.windows import DAY, HOUR, Slots, add, fullest, moment, short, within
from governance.vocabulary import EventKind, Severity

_DONE = Slots("done", timedelta(days=1) // MICROSECOND)
_WHAT, _ABOUT, _EVENT = 2, 3, 4  # places in a row
_KEPT = 300


@dataclass(frozen=True, slots=True)
class Bulk:
    """How much of one kind of act is bulk: at least ``floor`` different things, and ``factor`` times a usual day."""

    habit: Habit
    floor: int
    factor: float
    span: int
    words: str


_BULK = {
    "alerts_closed": Bulk(Habit("closed", 3.0), 20, 3.0, HOUR, "closed {count} alerts in an hour"),
    "alerts_muted": Bulk(Habit("muted", 0.5), 5, 3.0, DAY, "suppressed alerts in {count} ways in a day"),
    "alerts_unmasked": Bulk(Habit("unmasked", 2.0), 20, 3.0, DAY, "had the names shown of {count} alerts in a day"),
    "patients_read": Bulk(Habit("read", 5.0), 60, 4.0, DAY, "read the audit about {count} patients in a day"),
    "settings_changed": Bulk(Habit("changed", 2.0), 30, 4.0, HOUR, "changed {count} settings in an hour"),
}


@dataclass(frozen=True, slots=True)
class MassOversight:
    """Counts what one person did as a watcher in any hour or day, against what people of the role do in a day."""

    id = "mass_oversight"
    family = "own_case"
    severity = Severity.HIGH
    window = timedelta(days=1)
    kinds = frozenset({EventKind.AUDIT_READ, EventKind.CONFIG})

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Count the act with those around it."""
        event = look.event
        if event.subject is None or not acts.is_person(event) or not acts.succeeded(event):
            return ()
        kind, about = _act(event)
        if kind is None:
            return ()
        staff, at, who = acts.known(event, context), moment(event), event.subject.id
        value = _DONE.at(state, who, at) or {"rows": [], "told": {}, "role": acts.peers_of(event, staff)}
        if any(row[_WHAT] == kind and row[_ABOUT] == about for row in value["rows"]):
            return ()
        if not add(value["rows"], [at, event.index, kind, about, to_value(event)], _KEPT):
            return ()
        _DONE.put(state, who, at, value)
        found = [*self._bulk(event, staff, kind, value, state)]
        _DONE.put(state, who, at, value)
        return found

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """A day is over: it counts among those of the role."""
        if _DONE.of(key) is not None:
            for kind, bulk in _BULK.items():
                count = sum(row[_WHAT] == kind for row in value["rows"])
                if count:
                    bulk.habit.learn(state, value["role"], count, at // DAY - 1)
        return ()

    def _bulk(
        self, event: RecordedEvent, staff: StaffFacts | None, kind: str, value: Value, state: RuleState
    ) -> Iterable[Finding]:
        bulk, at = _BULK[kind], moment(event)
        who = event.subject.id if event.subject else ""
        rows = [row for row in within(_DONE.near(state, who, at), "rows", at, bulk.span) if row[_WHAT] == kind]
        rows = fullest(rows, at, bulk.span, lambda row: row[_ABOUT])
        count, usual = len({row[_ABOUT] for row in rows}), bulk.habit.of(state, acts.peers_of(event, staff))
        if count < max(bulk.floor, bulk.factor * usual.mean) or not acts.tell(value, kind, count, 2):
            return
        sentence = (
            f"{acts.spoken_role(event, staff).capitalize()} {bulk.words.format(count=count)}; {usual.mean:.1f} in a "
            f"day is usual for the role among those who do it at all ({usual.sample} days compared)."
        )
        evidence = Evidence(kind, count, usual.mean, usual.sample, usual.bits(count), sentence)
        events = [from_value(row[_EVENT]) for row in rows]
        about = acts.trust_of(event, staff)
        yield acts.finding(self, events, [evidence], about=about, at=event.time, trusts=(about,))


def _act(event: RecordedEvent) -> tuple[str | None, str]:
    """Say what a watcher did, and about what: alerts and settings by their id, patients by pseudonym."""
    change, alert = event.detail.get("change"), event.detail.get("alert")
    name = alert if isinstance(alert, str) else event.id
    if event.kind is EventKind.AUDIT_READ:
        patient = acts.patient_of(event)
        if change == "unmasked":
            return "alerts_unmasked", name
        return ("patients_read", short(patient)) if patient is not None else (None, "")
    if change == "closed":
        return "alerts_closed", name
    if "suppression" in event.detail:
        return "alerts_muted", str(event.detail["suppression"])
    return (None, "") if alert is not None else ("settings_changed", event.id)


RULE: Rule = MassOversight()
