"""AI2: an AI service reads the same studies again and again, or gathers all it can find of patients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context
from governance.detection.peers.usual import Habit
from governance.detection.reader.state import RuleState, Value
from governance.detection.reader.waiting import from_value, to_value
from governance.detection.rule import Rule
from governance.detection.rules.services._reads import MOST, READS, before, note, service_of, within_day
from governance.detection.windows import DAY, MINUTE, keep, moment, short
from governance.vocabulary import Severity

_PATIENTS = Habit("gathered", 1.0, among=False)
_EVENTS = 200
_STUDIES = 30  # of one patient in a slot that are told apart


@dataclass(frozen=True, slots=True)
class AiRereads:
    """Counts, in any day, reads of a study beyond its ``allowed``, and patients of whom the service read many studies.

    A failover or a retry reads everything once or twice again; that is allowed for. Two systems that tell of one read
    in the same minute tell of one.

    Args:
        allowed: reads of one study in a day.
        least, share: reads beyond that, and which part of all its reads they must be.
        studies: of one patient, from which on they are gathered.
        patients: of whom so many were read.
        factor: how many times the service's usual day that must be.
    """

    allowed: int = 3
    least: int = 30
    share: float = 0.2
    studies: int = 12
    patients: int = 5
    factor: float = 4.0
    id = "ai_rereads"
    family = "ai_scope"
    severity = Severity.MEDIUM
    window = timedelta(days=1)
    kinds = acts.LOOKS

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Count a read with those of the day before it."""
        event = look.event
        service, name, at = service_of(event), acts.study_of(event), moment(event)
        if service is None or name is None:
            return ()
        value = READS.at(state, service, at) or {
            "reads": {}, "times": [], "extra": [], "patients": {}, "gathered": [], "events": [], "told": {}
        }  # fmt: skip
        earlier = before(state, service, at)
        times = sorted(time for one in (*earlier, value) for time in one["reads"].get(short(name), ()))
        if any(time // MINUTE == at // MINUTE for time in times):
            return ()
        if short(name) in value["reads"] or len(value["reads"]) < MOST:
            value["reads"][short(name)] = sorted([*value["reads"].get(short(name), ()), at])[-self.allowed - 1 :]
        note(value, "times", at)
        found: list[Finding] = []
        if sum(at - DAY < time <= at for time in times) >= self.allowed:
            note(value, "extra", at)
            found += self._again(event, service, earlier, value)
        found += self._gathered(event, service, earlier, value, state)
        READS.put(state, service, at, value)
        return found

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """A day is over: it counts among the service's days."""
        service = READS.of(key)
        if service is not None:
            _PATIENTS.learn(state, service, len(value["gathered"]), at // DAY - 1)
        return ()

    def _again(self, event: RecordedEvent, service: str, earlier: list[Value], value: Value) -> Iterable[Finding]:
        at, slots = moment(event), [*earlier, value]
        extra, reads = within_day(slots, "extra", at), within_day(slots, "times", at)
        keep(value, "events", to_value(event), _EVENTS)
        if extra < max(self.least, self.share * reads) or not acts.tell(value, "rereads", extra, 2):
            return
        sentence = (
            f"Of {reads} reads of the AI service in a day {extra} were of studies it had read {self.allowed} times or "
            "more that day; a retry or a failover reads once or twice again."
        )
        events = [from_value(item) for item in value["events"]]
        value["events"] = []
        evidence = Evidence("rereads", extra, self.least - 1, reads, None, sentence)
        yield acts.finding(self, events, [evidence], about=service, at=event.time)

    def _gathered(
        self, event: RecordedEvent, service: str, earlier: list[Value], value: Value, state: RuleState
    ) -> Iterable[Finding]:
        patient, name, at = acts.patient_of(event), acts.study_of(event), moment(event)
        if patient is None or name is None:
            return
        if short(patient) not in value["patients"] and len(value["patients"]) >= MOST:
            return
        studies = value["patients"].setdefault(short(patient), [])
        if short(name) in studies or not keep(value["patients"], short(patient), short(name), _STUDIES):
            return
        if len(studies) != self.studies:
            return
        note(value, "gathered", at)
        count, usual = within_day([*earlier, value], "gathered", at), _PATIENTS.of(state, service)
        enough = count >= max(self.patients, self.factor * usual.mean)
        if not enough or not acts.tell(value, "gathered", count, 2):
            return
        sentence = (
            f"The AI service read {self.studies} or more studies each of {count} patients in a day; {usual.mean:.1f} "
            f"such patients in a day are usual for it ({usual.sample} days compared)."
        )
        evidence = Evidence("hoarding", count, usual.mean, usual.sample, usual.bits(count), sentence)
        yield acts.finding(self, [event], [evidence], about=service)


RULE: Rule = AiRereads()
