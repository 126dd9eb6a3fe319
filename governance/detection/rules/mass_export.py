"""W4: far more images taken out than people in that role take out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.baselines import BYTES, DAY, GIGABYTE, HOUR, baseline_of
from governance.detection.facts import Context, Who
from governance.detection.rule import Rule
from governance.detection.state import MICROSECOND, RuleState, Value
from governance.detection.tail import fit, surprise
from governance.detection.waiting import from_value, to_value
from governance.storage import from_microseconds, to_microseconds
from governance.vocabulary import RelationshipKind, Severity

_DAY = timedelta(days=1) // MICROSECOND
_HOUR = timedelta(hours=1) // MICROSECOND
_SHORT = 12  # characters of a study's pseudonym kept to count distinct studies
_REGION = "role:*"


@dataclass(frozen=True, slots=True)
class MassExport:
    """Counts distinct studies exported or printed by one person in an hour and a day of event time, and bytes in a day.

    The baseline is the role's, never the person's own: nobody can teach it slowly. Each finished day is folded into it
    capped, and decays with a half-life of 30 days. Exports under an approved project do not count. A case is reported
    when it begins, at each doubling, and at the end of its day.
    """

    bits: float = 16.0
    id = "mass_export"
    family = "mass_export"
    severity = Severity.HIGH
    window = timedelta(days=1)
    kinds = acts.TAKES

    def observe(self, event: RecordedEvent, context: Context, state: RuleState) -> Iterable[Finding]:
        """Count an export and compare the day so far."""
        subject, study = event.subject, acts.study_of(event)
        if subject is None or study is None or not acts.succeeded(event):
            return ()
        ties = context.ties(
            Who(subject.id, subject.ods), acts.patient_of(event), study, acts.custodian_of(event), event.time
        )
        if any(tie.kind is RelationshipKind.PROJECT for tie in ties):
            return ()
        at = to_microseconds(event.time)
        day = at // _DAY
        key = f"day:{subject.id}|{day}"
        value = state.get(key) or {"role": acts.role_of(event), "hours": {}, "events": [], "told": {}}
        hour = str(at % _DAY // _HOUR)
        told_by = value["hours"].setdefault(hour, {}).setdefault(study[-_SHORT:], {})
        if not told_by or event.bytes:
            value["events"].append(to_value(event))
        told_by[event.source.id] = told_by.get(event.source.id, 0) + max(event.bytes or 0, 0)
        found = []
        if evidence := self._excess(value, hour, state):
            value["events"] = value["events"] or [to_value(event)]
            found.append(self._finding(value, evidence, at))
            value["events"] = []
        state.put(key, value, (day + 1) * _DAY)
        return found

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """A day is over: report the rest of a case, and let the day count among the peers' days."""
        counts, busiest, total = _counts(value), _busiest(value), _bytes(value)
        found: list[Finding] = []
        if value["told"] and value["events"]:
            sentence = f"By the end of the day {counts} studies had been taken out."
            evidence = Evidence("studies_total", counts, None, 0, None, sentence)
            found = [self._finding(value, [evidence], at - 1)]
        for name in (f"role:{value['role']}", _REGION):
            baseline = baseline_of(state, name).aged(at // _DAY)
            state.put(name, baseline.add(counts, busiest, total).to_value(), None)
        return found

    def _excess(self, value: Value, hour: str, state: RuleState) -> list[Evidence]:
        region = baseline_of(state, _REGION)
        role = baseline_of(state, f"role:{value['role']}")
        measures = (
            ("studies_per_hour", len(value["hours"][hour]), HOUR, role.hours, region.hours),
            ("studies_per_day", _counts(value), DAY, role.days, region.days),
        )
        found = []
        for signal, count, limit, own, all_roles in measures:
            if count < limit.floor:
                continue
            expected = fit(own, fit(all_roles, limit.prior).mean)
            bits = surprise(count, expected)
            if count >= limit.factor * expected.mean and bits >= self.bits and acts.tell(value, signal, count, 2):
                sentence = (
                    f"{count} studies were taken out in {limit.words} by {_role(value)}; people in that role take out "
                    f"{expected.mean:.1f} in {limit.words} when they take out any "
                    f"(from {own.n:.0f} days of that role, {all_roles.n:.0f} of all)."
                )
                found.append(Evidence(signal, count, round(expected.mean, 3), round(own.n), round(bits, 3), sentence))
        mean = fit(role.bytes, fit(region.bytes, BYTES.prior).mean).mean
        total = _bytes(value)
        if total >= max(BYTES.floor, BYTES.factor * mean) and acts.tell(value, "bytes_per_day", total, 2):
            sentence = (
                f"{total / GIGABYTE:.1f} GB were taken out in a day by {_role(value)}; "
                f"{mean / GIGABYTE:.1f} GB is usual for the role."
            )
            found.append(Evidence("bytes_per_day", total, round(mean, 3), round(role.bytes.n), None, sentence))
        return found

    def _finding(self, value: Value, evidence: list[Evidence], at: int) -> Finding:
        events = [from_value(item) for item in value["events"]]
        about = (events[0].subject.ods if events[0].subject else None) or events[0].source.ods
        return acts.finding(self, events, evidence, about=about, at=from_microseconds(at))


def _counts(value: Value) -> int:
    return len({study for hour in value["hours"].values() for study in hour})


def _busiest(value: Value) -> int:
    return max(len(hour) for hour in value["hours"].values())


def _bytes(value: Value) -> int:
    """Add up bytes; of two systems that report the same study in an hour, the one that saw more counts."""
    return sum(max(told_by.values()) for hour in value["hours"].values() for told_by in hour.values())


def _role(value: Value) -> str:
    words = value["role"].replace("_", " ")
    return f"somebody acting as {words}" if words != "unknown" else "somebody whose role is not known"


RULE: Rule = MassExport()
