"""W4: far more images taken out than people in that role take out, or a pile of them to where nobody sends any."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context
from governance.detection.peers.usual import Habit, Usual
from governance.detection.reader.state import MICROSECOND, RuleState, Value
from governance.detection.reader.waiting import from_value, to_value
from governance.detection.rule import Rule
from governance.detection.rules.volume._projects import covered
from governance.detection.windows import DAY, HOUR, Row, Slots, add, fullest, keep, moment, short, within
from governance.storage import from_microseconds
from governance.vocabulary import Severity

GIGABYTE = 1_000_000_000
_TAKEN = Slots("taken", timedelta(days=1) // MICROSECOND)
_WHAT, _BYTES, _WHERE, _SOURCE = 2, 3, 4, 5  # places in a row
_ROWS = 400  # exports of one person in a day that are kept one by one
_EVENTS = 200  # of which this many can be shown
_MONTHS = 90  # days after which a destination is new again
_KNOWN = 200  # destinations of one trust that are remembered


@dataclass(frozen=True, slots=True)
class Limit:
    """When a measure is too much: at least ``floor``, and ``factor`` times what is usual for the role."""

    signal: str
    habit: Habit
    floor: int
    factor: float
    span: int
    words: str


HOURLY = Limit("studies_per_hour", Habit("hours", 2.0), 12, 4.0, HOUR, "an hour")
DAILY = Limit("studies_per_day", Habit("days", 3.0), 20, 4.0, DAY, "a day")
ELSEWHERE = Limit("new_destination", Habit("days", 3.0), 10, 3.0, DAY, "a day")
BYTES = Limit("bytes_per_day", Habit("bytes", 0.5), 20, 10.0, DAY, "a day")


@dataclass(frozen=True, slots=True)
class MassExport:
    """Counts distinct studies exported or printed by one person or service, in any hour and any day of event time.

    What has no study counts as one for each patient and minute. The baseline is the role's, never the person's own. An
    approved project takes out what is inside its bounds (``_projects.py``). A case is reported when it begins, at each
    doubling, and at the end of its day.

    Args:
        bits: how surprising a number of studies must be.
    """

    bits: float = 16.0
    id = "mass_export"
    family = "mass_export"
    severity = Severity.HIGH
    window = timedelta(days=1)
    kinds = acts.TAKES

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Count an export and compare the hour and the day around it."""
        event = look.event
        if event.subject is None or event.kind not in acts.TAKES or not acts.succeeded(event):
            return ()
        staff = acts.known(event, context)
        who, at, trust = event.subject.id, moment(event), acts.trust_of(event, staff)
        what = _unit(event, at)
        if covered(event, what, context, state):
            return ()
        value = _TAKEN.at(state, who, at) or {"rows": [], "more": 0, "events": [], "told": {}, "trust": trust}
        value["role"] = acts.peers_of(event, staff)
        where = event.destination or None
        row = [at, event.index, what, max(event.bytes or 0, 0), where, event.source.id]
        full = not add(value["rows"], row, _ROWS)
        value["more"] += full
        keep(value, "events", to_value(event), _EVENTS)
        _TAKEN.put(state, who, at, value)
        if full and value["more"] & (value["more"] - 1):
            return ()  # hundreds are known of already: only each doubling of what is beyond them is news
        rows = within(_TAKEN.near(state, who, at), "rows", at, DAY)
        evidence = [*self._excess(rows, at, value, state), *self._elsewhere(rows, at, where, value, trust, state)]
        if not evidence:
            return ()
        found = self._finding(value, evidence, at)
        _TAKEN.put(state, who, at, value)
        return (found,)

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """A day is over: report the rest of a case, and let the day count among the peers' days."""
        if _TAKEN.of(key) is None:
            return ()
        rows, day = value["rows"], at // DAY - 1
        count = _distinct(rows) + value["more"]
        DAILY.habit.learn(state, value["role"], count, day)
        HOURLY.habit.learn(state, value["role"], _busiest(rows), day)
        BYTES.habit.learn(state, value["role"], _bytes(rows) / GIGABYTE, day)
        for where in sorted({row[_WHERE] for row in rows if row[_WHERE] is not None}):
            _meet(state, value["trust"], where, rows[-1][0])
        told = value["told"].get(DAILY.signal, value["told"].get(HOURLY.signal, 0))
        if not value["told"] or not value["events"] or count <= told:
            return ()
        sentence = f"By the end of the day {count} studies had been taken out."
        return (self._finding(value, [Evidence("studies_total", count, None, 0, None, sentence)], rows[-1][0]),)

    def _excess(self, rows: list[Row], at: int, value: Value, state: RuleState) -> Iterable[Evidence]:
        role = value["role"]
        for limit in (HOURLY, DAILY):
            count = _distinct(fullest(rows, at, limit.span, _study)) + (value["more"] if limit is DAILY else 0)
            usual = limit.habit.of(state, role)
            if self._unusual(count, usual, limit) and acts.tell(value, limit.signal, count, 2):
                sentence = (
                    f"{count} studies were taken out in {limit.words} by {_spoken(role)}; people in that role take out "
                    f"{usual.mean:.1f} in {limit.words} when they take out any ({usual.sample} days compared)."
                )
                yield Evidence(limit.signal, count, usual.mean, usual.sample, usual.bits(count), sentence)
        total = _bytes(fullest(rows, at, DAY, _bytes_of))
        usual, size = BYTES.habit.of(state, role), total / GIGABYTE
        if size >= max(BYTES.floor, BYTES.factor * usual.mean) and acts.tell(value, BYTES.signal, total, 2):
            sentence = (
                f"{size:.1f} GB were taken out in a day by {_spoken(role)}; {usual.mean:.1f} GB is usual for the role."
            )
            yield Evidence(BYTES.signal, total, round(usual.mean * GIGABYTE), usual.sample, None, sentence)

    def _elsewhere(
        self, rows: list[Row], at: int, where: str | None, value: Value, trust: str, state: RuleState
    ) -> Iterable[Evidence]:
        """Hold a pile of studies against where the trust's people send images at all."""
        count = _distinct(fullest([row for row in rows if row[_WHERE] == where], at, DAY, _study))
        if where is None or count < ELSEWHERE.floor or not _is_new(state, trust, where, at):
            return
        usual = ELSEWHERE.habit.of(state, value["role"])
        if count < ELSEWHERE.factor * usual.mean or not acts.tell(value, f"to:{where}", count, 2):
            return
        sentence = (
            f"{count} studies went within a day to a destination to which nobody of that trust sent any in {_MONTHS} "
            f"days; {usual.mean:.1f} in a day is usual for {_spoken(value['role'])} ({usual.sample} days compared)."
        )
        yield Evidence(ELSEWHERE.signal, count, usual.mean, usual.sample, usual.bits(count), sentence)

    def _unusual(self, count: int, usual: Usual, limit: Limit) -> bool:
        return count >= max(limit.floor, limit.factor * usual.mean) and usual.bits(count) >= self.bits

    def _finding(self, value: Value, evidence: list[Evidence], at: int) -> Finding:
        events = [from_value(item) for item in value["events"]]
        value["events"] = []
        return acts.finding(self, events, evidence, about=value["trust"], at=from_microseconds(at))


def _unit(event: RecordedEvent, at: int) -> str:
    """Give what an export counts as: a study, or a patient's images of a minute."""
    study, patient = acts.study_of(event), acts.patient_of(event)
    return short(study) if study else f"{short(patient or '')}@{at // (60 * 1_000_000)}"


_study: Callable[[Row], str] = lambda row: row[_WHAT]  # noqa: E731 - places in a row
_bytes_of: Callable[[Row], int] = lambda row: row[1] if row[_BYTES] else -1  # noqa: E731


def _distinct(rows: list[Row]) -> int:
    return len({row[_WHAT] for row in rows})


def _busiest(rows: list[Row]) -> int:
    """Give the most distinct studies of any hour that begins with an export."""
    return max((_distinct(fullest(rows, row[0], HOUR, _study)) for row in rows[:: max(len(rows) // 20, 1)]), default=0)


def _bytes(rows: list[Row]) -> int:
    """Add up bytes; of two systems that report the same study in a day, the one that saw more counts."""
    told: dict[tuple[str, str], int] = {}
    for row in rows:
        told[row[_WHAT], row[_SOURCE]] = told.get((row[_WHAT], row[_SOURCE]), 0) + row[_BYTES]
    most: dict[str, int] = {}
    for (what, _), total in told.items():
        most[what] = max(most.get(what, 0), total)
    return sum(most.values())


def _meet(state: RuleState, trust: str, where: str, at: int) -> None:
    """Remember when a destination was last sent to."""
    value = state.get(f"sent:{trust}") or {"to": {}, "since": at}
    value["to"][where] = max(at, value["to"].get(where, 0))
    if len(value["to"]) > _KNOWN:
        oldest = min(value["to"], key=lambda name: (value["to"][name], name))
        del value["to"][oldest]
    state.put(f"sent:{trust}", value, None)


def _is_new(state: RuleState, trust: str, where: str, at: int) -> bool:
    """Say whether a trust whose destinations have been seen for two weeks has not sent there for months."""
    value = state.get(f"sent:{trust}")
    if value is None or at - value["since"] < 14 * DAY:
        return False
    last = value["to"].get(where)
    return last is None or at - last > _MONTHS * DAY


def _spoken(role: str) -> str:
    return (
        f"somebody acting as {role.replace('_', ' ')}" if role != acts.UNKNOWN else "somebody whose role is not known"
    )


RULE: Rule = MassExport()
