"""W1: many people without a reason look at one patient within days, as after an incident in the news."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from sys import intern
from typing import NamedTuple

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.facts import Context, Who
from governance.detection.rule import Rule
from governance.detection.state import MICROSECOND, RuleState, Value
from governance.storage import from_microseconds, to_microseconds
from governance.vocabulary import Severity, SubjectType

_SLOT = timedelta(hours=1) // MICROSECOND  # one look of a person an hour is remembered
_WHO, _AT, _ENTRY, _WHY = 0, 1, 2, 9  # places in a remembered look


class Look(NamedTuple):
    """One look at a patient; remembered as a plain list, for there are hundreds of thousands of them."""

    who: str
    at: int
    entry: int
    study: str | None
    custodian: str | None
    trusts: list[str]
    agreement: str | None
    decision: str | None
    token: str | None
    why: str | None
    ods: str | None = None


@dataclass(frozen=True, slots=True)
class PatientBurst:
    """One incident of N people: fires at the ``threshold``-th unexplained viewer, and reports each one after.

    A look is explained by a relationship of the viewer or their team that held at the time, or by the custodian's rota
    or pool. The reason found is kept with the look; a look without one is asked about again, since evidence comes late.
    """

    threshold: int = 6
    window: timedelta = timedelta(hours=72)
    id = "patient_burst"
    family = "patient_burst"
    severity = Severity.CRITICAL
    kinds = acts.LOOKS

    def observe(self, event: RecordedEvent, context: Context, state: RuleState) -> Iterable[Finding]:
        """Remember the look; when enough people looked, ask for reasons."""
        patient, subject = acts.patient_of(event), event.subject
        if patient is None or subject is None or subject.type is not SubjectType.PRACTITIONER:
            return ()
        if not acts.succeeded(event):
            return ()
        at = to_microseconds(event.time)
        width = self.window // MICROSECOND
        value = state.get(patient) or {"looks": []}
        looks = [row for row in value["looks"] if row[_AT] + width >= state.now - width]
        if any(row[_WHO] == subject.id and row[_AT] // _SLOT == at // _SLOT for row in looks):
            return ()
        looks.append(list(_look(event, at)))
        looks.sort(key=lambda row: (row[_AT], row[_ENTRY]))
        value["looks"] = looks
        state.put(patient, value, looks[-1][_AT] + width)
        near = [row for row in looks if abs(row[_AT] - at) <= width]
        if len({row[_WHO] for row in near}) < self.threshold:
            return ()
        for row in near:
            row[_WHY] = row[_WHY] or _reason(Look(*row), patient, context)
        return self._findings(event, patient, at, [Look(*row) for row in near])

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """Looks are forgotten once no window can hold them."""
        return ()

    def _findings(self, event: RecordedEvent, patient: str, at: int, near: list[Look]) -> Iterable[Finding]:
        """Find the fullest window that holds the new look, and report it when it is full enough."""
        bare = [look for look in near if look.why is None]
        if not any(look.entry == event.index for look in bare):
            return ()
        width = self.window // MICROSECOND
        windows = [
            [look for look in bare if start.at <= look.at <= start.at + width]
            for start in bare
            if start.at <= at <= start.at + width
        ]
        fullest = max(windows, key=lambda looks: len({look.who for look in looks}))
        people = {look.who for look in fullest}
        if len(people) < self.threshold:
            return ()
        reasoned = len({look.who for look in near if look.why is not None} - people)
        return (self._finding(event, patient, fullest, reasoned),)

    def _finding(self, event: RecordedEvent, patient: str, looks: list[Look], reasoned: int) -> Finding:
        people = acts.distinct(look.who for look in looks)
        hours = int(self.window / timedelta(hours=1))
        sentence = (
            f"{len(people)} people with no recorded reason looked at one patient's images within {hours} hours; "
            f"{reasoned} with a reason did. An alert is raised from the {self.threshold}th on."
        )
        return Finding(
            rule_id=self.id,
            family=self.family,
            severity=self.severity,
            subject=None,
            about=patient,
            occurred_at=event.time,
            evidence=(Evidence("unexplained_viewers", len(people), self.threshold - 1, reasoned, None, sentence),),
            events=tuple(sorted(look.entry for look in looks)),
            patient=patient,
            subjects=people,
            trusts=acts.distinct(ods for look in looks for ods in look.trusts),
            agreement_ids=acts.distinct(look.agreement for look in looks if look.agreement),
            decision_ids=acts.distinct(look.decision for look in looks if look.decision),
            token_jtis=acts.distinct(look.token for look in looks if look.token),
        )


def _look(event: RecordedEvent, at: int) -> Look:
    """Keep what a finding needs; names that many looks share are kept once."""
    authority, custodian = event.authority, acts.custodian_of(event)
    return Look(
        who=intern(event.subject.id) if event.subject else "",
        at=at,
        entry=event.index,
        study=acts.study_of(event),
        custodian=intern(custodian) if custodian else None,
        trusts=[intern(ods) for ods in acts.trusts_of(event)],
        agreement=intern(authority.agreement_id) if authority.agreement_id else None,
        decision=authority.decision_id,
        token=authority.token_jti,
        why=None,
        ods=intern(event.subject.ods) if event.subject and event.subject.ods else None,
    )


def _reason(look: Look, patient: str, context: Context) -> str | None:
    ties = context.ties(Who(look.who, look.ods), patient, look.study, look.custodian, from_microseconds(look.at))
    return ties[0].kind.value if ties else None


RULE: Rule = PatientBurst()
