"""W1: many people without a reason look at one patient within days, as after an incident in the news."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from sys import intern

from governance.alerts import Evidence, Finding, Revision
from governance.detection import acts
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context, StaffFacts
from governance.detection.peers.usual import Habit, Usual
from governance.detection.reader.state import MICROSECOND, RuleState, Value
from governance.detection.rule import Rule
from governance.detection.rules.volume import _meetings
from governance.detection.windows import AT, DAY, INDEX, Row, Slots, add, fullest, moment, short, within
from governance.storage import from_microseconds
from governance.vocabulary import Role, Severity

_WINDOW = timedelta(hours=72)
_LOOKS = Slots("patient", _WINDOW // MICROSECOND)
_WHO, _TRUSTS, _AGREEMENT, _DECISION, _TOKEN, _TOLD, _COORDINATES = 2, 3, 4, 5, 6, 7, 8  # places in a row
_LOOKS_EACH = 3  # looks of one person in a slot that are kept
_MOST_BARE = 1_200  # looks without a reason in a slot that are kept
_MOST_FINE = 256  # people with a reason that are counted; more are as good as so many
_COUNTED = 6  # people without a reason up to which a patient teaches what is usual
_BANDS = (0, 1, 2, 4, 8, 16, 32, 64, 128)  # of people with a reason: patients are compared with those alike


@dataclass(frozen=True, slots=True)
class PatientBurst:
    """One growing incident of N people: fires before the sixth without a reason, then names each one that joins.

    Five are enough unless the patient's care brings so many: a patient whom fifty rightful people see has some whose
    reason nobody recorded. How many that is, is learnt from patients whom as many rightful people saw. Four are enough
    where even four are out of the question. For a watched patient five always are, and a rota or pool of a whole trust
    is no reason. The people of a meeting whose list nobody sent count as one. Nobody with a reason is named. A finding
    holds the people it names first, so that one whose reason comes late leaves it alone.

    Args:
        early, least: people that are enough at ``early_bits``, and at ``bits``.
        early_bits, bits: how surprising that many must be.
    """

    early: int = 4
    least: int = 5
    early_bits: float = 16.0
    bits: float = 10.0
    contextual = True
    id = "patient_burst"
    family = "patient_burst"
    severity = Severity.CRITICAL
    window = _WINDOW
    kinds = acts.LOOKS

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Remember the look; when enough people without a reason looked, report those who are not yet."""
        event = look.event
        patient = acts.patient_of(event)
        explanation = look.explanation
        if patient is None or event.subject is None or explanation is None:
            return ()
        if not acts.is_person(event) or not acts.is_look(event):
            return ()
        at, who = moment(event), intern(event.subject.id)
        value = _LOOKS.at(state, patient, at) or {"bare": [], "fine": {}}
        facts = context.patient(patient)
        flags = acts.WATCHED & (facts.flags if facts else frozenset())
        if not acts.bare(look, flags):
            name = short(who)
            if explanation.explained and name not in value["fine"] and len(value["fine"]) < _MOST_FINE:
                value["fine"][name] = 1
                _LOOKS.put(state, patient, at, value)
            return ()
        if facts is not None and who in facts.staff:
            return ()  # their own record is another finding
        _meetings.note(state, who, patient, at, event.index)
        if sum(row[_WHO] == who for row in value["bare"]) >= _LOOKS_EACH or not add(
            value["bare"], _row(look, at, who, acts.known(event, context)), _MOST_BARE
        ):
            return ()
        _LOOKS.put(state, patient, at, value)
        return self._judge(patient, at, bool(flags), state)

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """Looks are forgotten once no window can hold them; how many had no reason is learnt."""
        if _LOOKS.of(key) is not None:
            count = min(len({row[_WHO] for row in value["bare"]}), _COUNTED)
            reasoned = len(value["fine"])
            _habit(reasoned).learn(state, "everybody", _beyond(count, reasoned), at // DAY)
        return ()

    def revised(self, before: Look, after: Look, context: Context, state: RuleState) -> Iterable[Revision | Finding]:
        """Let one whose reason came late leave; when too few are left, all leave."""
        event = after.event
        patient, at = acts.patient_of(event) or "", moment(event)
        facts = context.patient(patient)
        flags = acts.WATCHED & (facts.flags if facts else frozenset())
        value = _LOOKS.at(state, patient, at)
        if acts.bare(after, flags):
            return () if acts.bare(before, flags) else self.observe(after, context, state)
        gone = [row for row in value["bare"] if row[INDEX] == event.index] if value else []
        if value is None or not gone:
            return ()
        value["bare"] = [row for row in value["bare"] if row[INDEX] != event.index]
        if after.explanation is not None and after.explanation.explained:
            value["fine"][short(gone[0][_WHO])] = 1
        _LOOKS.put(state, patient, at, value)
        return self._left(patient, at, gone[0], state)

    def _judge(self, patient: str, at: int, watched: bool, state: RuleState) -> Iterable[Finding]:
        near = _LOOKS.near(state, patient, at)
        rows = within(near, "bare", at, _LOOKS.width)
        told = {row[_WHO] for row in rows if row[_TOLD]}
        if told:
            fresh = [row for row in rows if row[_WHO] not in told]
            people = told | {row[_WHO] for row in fresh}
        else:
            fresh = fullest(rows, at, _LOOKS.width, lambda row: row[_WHO])
            people = {row[_WHO] for row in fresh}
        if not fresh or len(people) < self.early:
            return ()
        reasoned = {name for value in near for name in value["fine"]} - {short(who) for who in people}
        usual = _habit(len(reasoned)).of(state, "everybody")
        if not told and not self._too_many(len(people), len(reasoned), usual, watched):
            return ()
        if not told and not watched:
            viewers = [(row[_WHO], row[AT]) for row in fresh]
            leaders = {row[_WHO] for row in fresh if row[_COORDINATES]}
            several = len(_meetings.alone(state, patient, viewers, leaders))
            if several < self.early or not self._too_many(several, len(reasoned), usual, watched):
                return ()
        found = self._finding(patient, fresh, people, len(reasoned), usual)
        for row in fresh:
            row[_TOLD] = found.key
        for row in fresh:  # the slots they lie in have changed
            slot = _LOOKS.at(state, patient, row[AT])
            if slot is not None:
                _LOOKS.put(state, patient, row[AT], slot)
        return (found,)

    def _too_many(self, count: int, reasoned: int, usual: Usual, watched: bool) -> bool:
        bits = usual.bits(_beyond(count, reasoned))
        if count >= self.least:
            return watched or bits >= self.bits
        return bits >= self.early_bits

    def _finding(self, patient: str, rows: list[Row], people: set[str], reasoned: int, usual: Usual) -> Finding:
        hours = int(self.window / timedelta(hours=1))
        care = "nobody" if reasoned == 0 else "one person" if reasoned == 1 else f"{reasoned} people"
        mean = round(usual.mean + len(people) - _beyond(len(people), reasoned), 3)
        sentence = (
            f"{len(people)} people with no recorded reason looked at one patient's images within {hours} hours; {care} "
            f"with a reason did. For patients seen by as many, {mean:.1f} without one is usual ({usual.sample} "
            "compared)."
        )
        bits = usual.bits(_beyond(len(people), reasoned))
        evidence = Evidence("unexplained_viewers", len(people), mean, usual.sample, bits, sentence)
        return Finding(
            rule_id=self.id,
            family=self.family,
            severity=self.severity,
            subject=None,
            about=patient,
            occurred_at=from_microseconds(rows[-1][AT]),
            evidence=(evidence,),
            events=tuple(sorted(row[INDEX] for row in rows)),
            patient=patient,
            subjects=acts.distinct(row[_WHO] for row in rows),
            trusts=acts.distinct(ods for row in rows for ods in row[_TRUSTS]),
            agreement_ids=acts.distinct(row[_AGREEMENT] for row in rows if row[_AGREEMENT]),
            decision_ids=acts.distinct(row[_DECISION] for row in rows if row[_DECISION]),
            token_jtis=acts.distinct(row[_TOKEN] for row in rows if row[_TOKEN]),
        )

    def _left(self, patient: str, at: int, gone: Row, state: RuleState) -> Iterable[Revision]:
        """Say what is taken back when a look leaves: that look, or everything when fewer than enough are left."""
        near = _LOOKS.near(state, patient, at)
        rows = within(near, "bare", at, _LOOKS.width)
        told = [row for row in rows if row[_TOLD]]
        back = [gone] if gone[_TOLD] else []
        sentence = "A reason came to light for one of the viewers."
        if len({row[_WHO] for row in told}) < self.early:
            back += told
            sentence = "With the reasons that came to light, too few people without one are left."
        keys = acts.distinct(row[_TOLD] for row in back)
        made = [
            Revision(key, gone[INDEX], tuple(sorted(row[INDEX] for row in back if row[_TOLD] == key)), sentence)
            for key in keys
        ]
        for row in back:
            row[_TOLD] = None
            if (slot := _LOOKS.at(state, patient, row[AT])) is not None:
                _LOOKS.put(state, patient, row[AT], slot)
        return made


def _row(look: Look, at: int, who: str, staff: StaffFacts | None) -> Row:
    """Keep what a finding needs; names that many looks share are kept once."""
    event, authority = look.event, look.event.authority
    trusts = [intern(ods) for ods in acts.trusts_of(event)]
    agreement = intern(authority.agreement_id) if authority.agreement_id else None
    coordinates = acts.role_of(event, staff) == Role.MDT_COORDINATOR.value
    return [at, event.index, who, trusts, agreement, authority.decision_id, authority.token_jti, None, coordinates]


def _beyond(count: int, reasoned: int) -> int:
    """Give what is counted: a patient whom nobody with a reason saw is here only because of one without."""
    return count if reasoned else max(count - 1, 0)


def _habit(reasoned: int) -> Habit:
    """Give the count of people without a reason among patients whom about as many with one saw."""
    band = max(index for index, least in enumerate(_BANDS) if reasoned >= least)
    return Habit(f"band-{band}", 0.05 + 0.06 * _BANDS[band], among=False)


RULE: Rule = PatientBurst()
