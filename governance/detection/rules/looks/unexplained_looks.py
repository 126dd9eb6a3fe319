"""S1-S5, W2, W3, W7, X1: a person's day of looks without a reason that is unlike everybody else's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from governance.alerts import Finding, Revision
from governance.detection import acts
from governance.detection.explanation.look import SPECIFIC, Look
from governance.detection.knowledge.facts import Context, StaffFacts
from governance.detection.model import ledger, words
from governance.detection.model.calibration import KEPT, STEP, calibrate
from governance.detection.model.company import in_meetings, with_viewer
from governance.detection.model.ledger import AT, CUSTODIAN, HELD, INDEX, PATIENT, TRAITS
from governance.detection.model.score import Score, score_of
from governance.detection.model.traits import age_of, care_of, ties_of
from governance.detection.model.usual import Usual
from governance.detection.model.volume import CAP, SHARE, SMALL, WINDOW, capped, threshold
from governance.detection.peers.tail import Expectation, Moments, fit, surprise
from governance.detection.reader.state import MICROSECOND, RuleState, Value
from governance.detection.rule import Rule
from governance.storage import to_microseconds
from governance.vocabulary import Severity

DAY = timedelta(days=1) // MICROSECOND
_SLOT = 3  # hours
_ODD = 0.04  # share of a role's looks below which three hours of the day are odd for it
_REACH = 90  # days after which a trust is new again to a person
_WIDTHS = (7, ledger.MONTH)
_PRIOR = {7: 3.0, ledger.MONTH: 10.0}  # looks without a reason of a person before anything is learnt
_CAPPED = 4.0  # times the usual at which a person's own pace teaches no more
_FLOOR = 4.0  # bits below which a day is no candidate


@dataclass(frozen=True, slots=True)
class UnexplainedLooks:
    """Judges each person's day once, ``wait`` after its end, and raises the least likely of a night.

    While there are too few days to compare with, only what the assumptions make very unlikely is raised, and is said to
    come from one who is learning.

    Args:
        wait: event time in which a reason may still come.
        share: of the alerts that may be for nothing.
        cap: alerts of a trust's night.
    """

    wait: timedelta = timedelta(hours=12)
    share: float = SHARE
    cap: int = CAP
    contextual = True
    id = "unexplained_looks"
    family = "unexplained_looks"
    severity = Severity.MEDIUM
    window = timedelta(days=ledger.MONTH)
    kinds = acts.LOOKS

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Learn what is usual, and put a look without a reason into the person's day."""
        event = look.event
        patient = acts.patient_of(event)
        if patient is None or look.explanation is None or not acts.is_look(event) or not acts.is_person(event):
            return ()
        staff = acts.known(event, context)
        who = event.subject.id if event.subject else ""
        role, day = acts.peers_of(event, staff), to_microseconds(event.time) // DAY
        ties = ties_of(who, staff, context.patient(patient), context)
        slot = str(event.time.hour // _SLOT)
        usual = Usual(state)
        ods, custodian = acts.trust_of(event, staff), acts.custodian_of(event)
        usual.documented(role, ods, day, explained=look.explanation.explained)
        pair = self._pair(who, ods, custodian, day, look.explanation.explained, state)
        if look.unexplained:
            study = acts.study_of(event)
            made = context.study(study) if study else None
            date = (made.study_date if made else None) or (event.resource.study_date if event.resource else None)
            hours = "odd" if usual.share(role, "slot", slot) < _ODD else "usual"
            traits = {**ties, "slot": slot, "pair": pair, "age": age_of(event, date), "hours": hours}
            self._keep(look, who, role, ods, staff, traits, state)
        else:
            usual.learn(role, day, {**ties, "slot": slot})
            self._cared(look, who, ods, staff, day, state)
        return ()

    def revised(self, before: Look, after: Look, context: Context, state: RuleState) -> Iterable[Revision | Finding]:
        """Take a look out of the ledger that has a reason now, and out of the alert that rests on it."""
        event = after.event
        patient, who = acts.patient_of(event), event.subject.id if event.subject else ""
        if not before.unexplained:
            return self.observe(after, context, state) if after.unexplained else ()
        if after.explanation is None or not after.explanation.explained or patient is None:
            return ()
        day = to_microseconds(event.time) // DAY
        key = f"day:{who}|{day}"
        value = state.get(key)
        if value is not None and ledger.without_look(value, event.index):
            state.put(key, value, self._end(day))
        staff = acts.known(event, context)
        self._cared(after, who, acts.trust_of(event, staff), staff, day, state)
        if value is not None:
            return ()
        pace = state.get(f"pace:{who}")
        if pace is not None and ledger.without_paced(pace, day, event.index):
            state.put(f"pace:{who}", pace, self._pace_ends(max(int(name) for name in pace["days"])))
        what = after.explanation.kind.value.replace("_", " ")
        sentence = f"A reason came to light that held at the time of the look: {what}."
        told = (state.get(f"told:{who}") or {"days": {}})["days"]
        days = {day, *(int(name) for name, indexes in told.items() if event.index in indexes)}
        return [Revision(f"{self.id}|{who}|{one}", event.index, (event.index,), sentence) for one in sorted(days)]

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """Score a person's day; at the end of the night, choose."""
        kind, _, rest = key.partition(":")
        if kind == "day":
            who, _, day = rest.rpartition("|")
            self._score(who, int(day), value, state)
            return ()
        return self._night(int(rest), value, context, state) if kind == "night" else ()

    def _end(self, day: int) -> int:
        return (day + 1) * DAY + self.wait // MICROSECOND

    def _pace_ends(self, day: int) -> int:
        return (day + ledger.MONTH + 1) * DAY + self.wait // MICROSECOND

    def _keep(
        self,
        look: Look,
        who: str,
        role: str,
        ods: str,
        staff: StaffFacts | None,
        traits: dict[str, str],
        state: RuleState,
    ) -> None:
        event = look.event
        at = to_microseconds(event.time)
        key = f"day:{who}|{at // DAY}"
        department = staff.department if staff else None
        person = {"role": role, "ods": ods, "department": department}
        held = look.explanation is not None and look.explanation.strength > 0
        company = f"with:{acts.patient_of(event)}|{at // DAY}"
        state.put(company, with_viewer(state.get(company), at, who), self._end(at // DAY) + DAY)
        entry = [event.index, at, acts.patient_of(event), acts.custodian_of(event), traits, held]
        state.put(key, ledger.with_look(state.get(key), person, entry), self._end(at // DAY))

    def _cared(self, look: Look, who: str, ods: str, staff: StaffFacts | None, day: int, state: RuleState) -> None:
        if look.explanation is None or look.explanation.strength < SPECIFIC:
            return
        key = f"care:{acts.patient_of(look.event)}"
        department = staff.department if staff else None
        value = ledger.seen(state.get(key), day, who, department, ods)
        state.put(key, value, (day + _REACH) * DAY)

    def _pair(self, who: str, ods: str, custodian: str | None, day: int, explained: bool, state: RuleState) -> str:
        if custodian is None or custodian == ods:
            return "home"
        key = f"reach:{who}"
        value = state.get(key) or {"trusts": {}}
        last = value["trusts"].get(custodian)
        if explained and last != day:
            value["trusts"][custodian] = day
            state.put(key, value, (day + _REACH) * DAY)
        return "usual" if last is not None and day - last <= _REACH else "new"

    def _score(self, who: str, day: int, value: Value, state: RuleState) -> None:
        """Score a finished day, learn from it, and hand it to the night."""
        looks: Sequence[Sequence[Any]] = value["looks"]
        if not looks:
            return
        role, ods, department = value["role"], value["ods"], value["department"]
        usual = Usual(state)
        cares = {}
        for look in looks:
            seen = (state.get(f"care:{look[PATIENT]}") or {"seen": []})["seen"]
            cares[look[INDEX]] = care_of(seen, who, department, ods, look[AT] // DAY)
        viewers = {
            one: (state.get(f"with:{one}|{day}") or {"looks": []})["looks"] for one in {k[PATIENT] for k in looks}
        }
        met = in_meetings(who, looks, viewers)
        # who works from elsewhere than the rota says, or goes through a list with others, is not browsing
        bare = [look for look in looks if not look[HELD] and look[INDEX] not in met]
        patients = {look[PATIENT] for look in bare}
        pace = ledger.paced(state.get(f"pace:{who}"), day, len(patients), (k[INDEX] for k in bare))
        state.put(f"pace:{who}", pace, self._pace_ends(day))
        bits = self._pace(f"{role}|{ods}", role, pace, day, state)
        score = score_of(looks, cares, role, ods, usual, bits)
        for look in {look[PATIENT]: look for look in looks}.values():
            usual.learn(role, day, {**look[TRAITS], "care": cares[look[INDEX]]})
        night = state.get(f"night:{day}") or {"rows": []}
        night["rows"].append(_row(who, value, score, pace, day))
        state.put(f"night:{day}", night, self._end(day) + 1)

    def _pace(self, peers: str, role: str, pace: Value, day: int, state: RuleState) -> float:
        """Give the surprise at a person's looks of a week and a month, and let them teach the peers', capped.

        The peers are those of the role in the trust; the role of the whole region is worth three of their days.
        """
        bits = 0.0
        priors = {width: self._taught(role, width, pace, day, _PRIOR[width], state).mean for width in _WIDTHS}
        for width in _WIDTHS:
            patients, _ = ledger.totals(pace, day, width)
            bits = max(bits, surprise(patients, self._taught(peers, width, pace, day, priors[width], state)))
        return bits

    def _taught(self, name: str, width: int, pace: Value, day: int, prior: float, state: RuleState) -> Expectation:
        """Give what is expected of somebody's looks in some days, then let these teach it."""
        key = f"paces:{name}|{width}"
        value = state.get(key) or {"day": day, "sums": [0.0, 0.0, 0.0]}
        moments = Moments(*value["sums"]).decay(0.5 ** (max(day - value["day"], 0) / 30))
        expected = fit(moments, max(prior, 0.1))
        patients, _ = ledger.totals(pace, day, width)
        learnt = moments.add(min(float(patients), _CAPPED * expected.mean))
        sums = [round(part, 6) for part in (learnt.n, learnt.total, learnt.squares)]
        state.put(key, {"day": max(day, value["day"]), "sums": sums}, None)
        return expected

    def _night(self, day: int, value: Value, context: Context, state: RuleState) -> Iterable[Finding]:
        held = state.get("clean") or {"days": {}, "tested": {}}
        calibration = calibrate(held["days"].values())
        rows = sorted(value["rows"], key=lambda row: (row[0], row[3]))
        chances = [round(calibration.chance(row[1], row[3]), 12) for row in rows]
        picked = self._picked(day, rows, chances, held, calibration.unseen)
        self._learn(day, [row for place, row in enumerate(rows) if place not in picked], held, state)
        made = [
            words.finding(self, rows[place], day, chances[place], len(calibration.scores)) for place in sorted(picked)
        ]
        for one in made:
            told = (state.get(f"told:{one.subject}") or {"days": {}})["days"]
            days = {name: indexes for name, indexes in told.items() if int(name) > day - _REACH} | {
                str(day): list(one.events)
            }
            state.put(f"told:{one.subject}", {"days": days}, (day + _REACH) * DAY)
        return made

    def _picked(
        self, day: int, rows: Sequence[Sequence[Any]], chances: Sequence[float], held: Value, unseen: int
    ) -> set[int]:
        tested = {key: row for key, row in held["tested"].items() if int(key) > day - WINDOW}
        count, small = tested.get(str(day), (0, []))
        tested[str(day)] = [count + len(rows), sorted([*small, *(each for each in chances if each <= SMALL)])]
        held["tested"] = tested
        together = [each for _, some in tested.values() for each in some]
        limit = threshold(together, sum(row[0] for row in tested.values()) + unseen, self.share)
        candidates: dict[str, list[tuple[float, int]]] = {}
        for place, row in enumerate(rows):
            if chances[place] <= limit and row[3] >= _FLOOR:
                candidates.setdefault(row[2], []).append((chances[place], place))
        return {place for some in candidates.values() for place in capped(some, self.cap)}

    def _learn(self, day: int, rows: Sequence[Sequence[Any]], held: Value, state: RuleState) -> None:
        days = {key: counts for key, counts in held["days"].items() if int(key) > day - KEPT}
        counts: dict[str, dict[str, int]] = days.setdefault(str(day), {})
        for row in rows:
            bins = counts.setdefault(row[1], {})
            step = str(round(row[3] / STEP))
            bins[step] = bins.get(step, 0) + 1
        state.put("clean", {"days": days, "tested": held["tested"]}, None)


def _row(who: str, value: Value, score: Score, pace: Value, day: int) -> list[Any]:
    """Give a person's day as the night keeps it."""
    role, ods, looks, total = value["role"], value["ods"], value["looks"], value["total"]
    if score.total < _FLOOR:
        return [who, role, ods, score.total, None]
    month, indexes = ledger.totals(pace, day, ledger.MONTH)
    parts = [[part.trait, part.kind, part.bits] for part in score.parts]
    serial = any(part.trait == "pace" for part in score.parts)
    shown = sorted({*score.indexes, *(indexes if serial else ())})[-ledger.KEPT :]
    custodians = sorted({look[CUSTODIAN] for look in looks if look[CUSTODIAN]})
    return [who, role, ods, score.total, [score.patient, shown, parts, total, month, custodians]]


RULE: Rule = UnexplainedLooks()
