"""W1: many people without a reason look at one patient within days, as after an incident in the news."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.facts import Context
from governance.detection.state import MICROSECOND, RuleState, Value
from governance.storage import from_microseconds, to_microseconds
from governance.vocabulary import Severity, SubjectType

_SLOT = timedelta(hours=1) // MICROSECOND  # one look of a person an hour is remembered


@dataclass(frozen=True, slots=True)
class PatientBurst:
    """One incident of N people: fires at the ``threshold``-th unexplained viewer, and tells of each one after.

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
        looks = [look for look in value["looks"] if look["at"] + width >= state.now - width]
        if any(look["who"] == subject.id and look["at"] // _SLOT == at // _SLOT for look in looks):
            return ()
        looks.append(_look(event, at))
        value = {"looks": sorted(looks, key=lambda look: (look["at"], look["index"]))}
        state.put(patient, value, max(look["at"] for look in looks) + width)
        near = [look for look in value["looks"] if abs(look["at"] - at) <= width]
        if len({look["who"] for look in near}) < self.threshold:
            return ()
        for look in near:
            look["why"] = look["why"] or _reason(look, patient, context)
        return self._told(event, patient, at, near)

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """Looks are forgotten once no window can hold them."""
        return ()

    def _told(self, event: RecordedEvent, patient: str, at: int, near: list[Value]) -> Iterable[Finding]:
        """Find the fullest window that holds the new look, and tell of it when it is full enough."""
        bare = [look for look in near if look["why"] is None]
        if not any(look["index"] == event.index for look in bare):
            return ()
        width = self.window // MICROSECOND
        windows = [
            [look for look in bare if start["at"] <= look["at"] <= start["at"] + width]
            for start in bare
            if start["at"] <= at <= start["at"] + width
        ]
        fullest = max(windows, key=lambda looks: len({look["who"] for look in looks}))
        people = {look["who"] for look in fullest}
        if len(people) < self.threshold:
            return ()
        reasoned = len({look["who"] for look in near if look["why"] is not None} - people)
        return (self._finding(event, patient, fullest, reasoned),)

    def _finding(self, event: RecordedEvent, patient: str, looks: list[Value], reasoned: int) -> Finding:
        people = acts.distinct(look["who"] for look in looks)
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
            events=tuple(sorted(look["index"] for look in looks)),
            patient=patient,
            subjects=people,
            trusts=acts.distinct(ods for look in looks for ods in look["trusts"]),
            agreement_ids=acts.distinct(look["agreement"] for look in looks if look["agreement"]),
            decision_ids=acts.distinct(look["decision"] for look in looks if look["decision"]),
            token_jtis=acts.distinct(look["token"] for look in looks if look["token"]),
        )


def _look(event: RecordedEvent, at: int) -> Value:
    return {
        "who": event.subject.id if event.subject else "",
        "at": at,
        "index": event.index,
        "study": acts.study_of(event),
        "custodian": acts.custodian_of(event),
        "trusts": list(acts.trusts_of(event)),
        "agreement": event.authority.agreement_id,
        "decision": event.authority.decision_id,
        "token": event.authority.token_jti,
        "why": None,
    }


def _reason(look: Value, patient: str, context: Context) -> str | None:
    ties = context.ties(look["who"], patient, look["study"], look["custodian"], from_microseconds(look["at"]))
    return ties[0].kind.value if ties else None
