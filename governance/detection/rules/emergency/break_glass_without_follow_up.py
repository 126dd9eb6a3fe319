"""W6: glass was broken for a patient, and no care followed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context, Who
from governance.detection.peers.tail import share_surprise
from governance.detection.reader.state import MICROSECOND, RuleState, Value
from governance.detection.reader.waiting import from_value, to_value
from governance.detection.rule import Rule
from governance.detection.windows import DAY, Row, Slots, add, short, within
from governance.storage import from_microseconds
from governance.vocabulary import AlertKind, EventKind, Severity

_CASES = Slots("person", 14 * DAY)
_KEPT = 50  # uses of one case, and cases of one person in a slot
_PATIENT, _FOLLOWED, _EVENT = 2, 3, 4  # places in a row of a person's cases
_PRIOR = (2.0, 38.0)  # uses without and with care after them, before anything was seen


@dataclass(frozen=True, slots=True)
class BreakGlassWithoutFollowUp:
    """Waits ``window`` of event time for a care event or a relationship of that person and patient.

    One use that nothing followed is a notice: care is often recorded late or under a colleague's name. It is an alert
    when a person has several such patients in a fortnight, more than their role and their trust explain. More looking
    is no follow-up, and neither is a rota or a pool, which names no patient.

    Args:
        bits: how surprising the number must be.
    """

    window: timedelta = timedelta(hours=72)
    bits: float = 7.0
    id = "break_glass_without_follow_up"
    family = "break_glass"
    severity = Severity.MEDIUM
    kinds = acts.LOOKS | {EventKind.BREAK_GLASS, EventKind.DECISION, EventKind.IMPORT}

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Open a case, add to it, or settle it by images or a report that the person filed for the patient."""
        event = look.event
        patient = acts.patient_of(event)
        if event.subject is None or patient is None or not acts.succeeded(event):
            return ()
        key = f"case:{event.subject.id}|{patient}"
        case = state.get(key)
        if event.kind is EventKind.IMPORT:
            if case is not None:
                case["settled"] = True
                state.put(key, case, case["until"])
            return ()
        if not acts.broke_glass(event):
            return ()
        item = to_value(event)
        if case is None:
            until = item["time"] + self.window // MICROSECOND
            case = {"since": item["time"], "until": until, "settled": False, "events": []}
        case["since"] = min(case["since"], item["time"])
        case["events"] = [*case["events"], item][:_KEPT]
        state.put(key, case, case["until"])
        return ()

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """Ask whether anything followed, and whether it is the first time."""
        if not key.startswith("case:"):
            return ()
        events = sorted((from_value(item) for item in value["events"]), key=lambda event: event.index)
        first = events[0]
        patient = acts.patient_of(first)
        if first.subject is None or patient is None:
            return ()
        followed = value["settled"] or self._followed(value, first, context)
        staff = acts.known(first, context)
        role, trust = acts.peers_of(first, staff), acts.trust_of(first, staff)
        share = max(_share(state, f"role:{role}"), _share(state, f"trust:{trust}"))
        for name in (f"role:{role}", f"trust:{trust}"):
            _learn(state, name, followed=followed)
        rows = _remember(state, first, followed=followed)
        if followed:
            return ()
        count = len({event.authority.decision_id or str(event.index) for event in events})
        hours = int(self.window / timedelta(hours=1))
        sentence = (
            f"The emergency override was used {acts.times(count)} by {acts.spoken(role)}, and within {hours} hours no "
            "order, list, referral, report or episode tied them to the patient."
        )
        evidence = acts.certain("no_follow_up", sentence, observed=0, expected=1)
        when = from_microseconds(at)
        notice = acts.finding(self, events, [evidence], about=patient, at=when, kind=AlertKind.NOTICE)
        return [notice, *self._pattern(rows, role, trust, share, at)]

    def _followed(self, case: Value, first: RecordedEvent, context: Context) -> bool:
        since = from_microseconds(case["since"])
        who = Who(first.subject.id, first.subject.ods) if first.subject else Who("", None)
        patient, until = acts.patient_of(first) or "", since + self.window
        return bool(context.follow_up(who, patient, acts.study_of(first), since, until))

    def _pattern(self, rows: list[Row], role: str, trust: str, share: float, at: int) -> Iterable[Finding]:
        """Say whether so many of a person's uses without care are more than their peers explain."""
        patients = {row[_PATIENT] for row in rows}
        bare = {row[_PATIENT] for row in rows if not row[_FOLLOWED]}
        bits = round(share_surprise(len(bare), len(patients), share), 3)
        if len(bare) < 2 or bits < self.bits:
            return
        events = [from_value(row[_EVENT]) for row in rows if not row[_FOLLOWED]]
        sentence = (
            f"Of {len(patients)} patients for whom {acts.spoken(role)} used the emergency override in a fortnight, "
            f"nothing tied them to {len(bare)} within three days; among their peers that is so for {share:.0%} of uses."
        )
        expected = round(share * len(patients), 3)
        evidence = Evidence("repeatedly_no_follow_up", len(bare), expected, len(patients), bits, sentence)
        when = from_microseconds(at)
        yield acts.finding(self, events, [evidence], about=trust, severity=Severity.HIGH, at=when)


def _remember(state: RuleState, first: RecordedEvent, *, followed: bool) -> list[Row]:
    """Put a closed case among those of its person; gives those within a fortnight of it."""
    item = to_value(first)
    who, at = (first.subject.id if first.subject else ""), item["time"]
    value = _CASES.at(state, who, at) or {"rows": []}
    add(value["rows"], [at, first.index, short(acts.patient_of(first) or ""), followed, item], _KEPT)
    _CASES.put(state, who, at, value)
    return within(_CASES.near(state, who, at), "rows", at, _CASES.width)


def _share(state: RuleState, name: str) -> float:
    """Give the share of uses that no care followed, shrunk towards what was assumed before anything was seen."""
    without, of = (state.get(f"share:{name}") or {"seen": [0.0, 0.0]})["seen"]
    share: float = round((without + _PRIOR[0]) / (of + sum(_PRIOR)), 4)
    return share


def _learn(state: RuleState, name: str, *, followed: bool) -> None:
    without, of = (state.get(f"share:{name}") or {"seen": [0.0, 0.0]})["seen"]
    fade = 0.995  # the last 200 uses or so count
    state.put(f"share:{name}", {"seen": [without * fade + (not followed), of * fade + 1]}, None)


RULE: Rule = BreakGlassWithoutFollowUp()
