"""AI3: a service's token is used from a host that is not the service's, at a person's pace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context
from governance.detection.reader.state import MICROSECOND, RuleState, Value
from governance.detection.reader.waiting import from_value, to_value
from governance.detection.rule import Rule
from governance.detection.windows import DAY, MINUTE, keep, moment
from governance.vocabulary import EventKind, Severity, SubjectType

_HOSTS = 40  # of one service that are remembered, those used last
_KEPT = 10  # events of a new host


@dataclass(frozen=True, slots=True)
class ServiceTokenElsewhere:
    """Fires when a host that was never the service's reads a little beside the hosts that were, which go on as before.

    A deployment moves a service: the old hosts stop, or the new one takes its share. A service whose hosts come and go
    (each start a new name) cannot be judged by them, and is not.

    Args:
        learning: how long a service must have been seen.
        least: acts of the new host, from the first to which ``pace`` must have gone by.
        share: of the service's acts since, below which the new host does not take over.
        churn: new hosts in thirty days from which on hosts say nothing.
    """

    learning: timedelta = timedelta(days=14)
    least: int = 5
    pace: timedelta = timedelta(minutes=5)
    share: float = 0.25
    churn: int = 3
    id = "service_token_elsewhere"
    family = "ai_scope"
    severity = Severity.HIGH
    window = timedelta(0)
    kinds = acts.LOOKS | {EventKind.QUERY}

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Count an act of a service by its host."""
        event, subject = look.event, look.event.subject
        if subject is None or subject.type is SubjectType.PRACTITIONER or subject.device is None:
            return ()
        if not acts.succeeded(event) or acts.goes_on(event):
            return ()
        at = moment(event)
        value = state.get(f"service:{subject.id}") or {"since": at, "count": 0, "hosts": {}, "new": [], "told": {}}
        value["since"], value["count"] = min(value["since"], at), value["count"] + 1
        hosts = value["hosts"]
        if subject.device not in hosts:
            self._meet(subject.device, at, value)
        host = hosts[subject.device]
        host["first"], host["last"], host["count"] = min(host["first"], at), max(host["last"], at), host["count"] + 1
        if host["others"] is not None:
            keep(host, "events", to_value(event), _KEPT)
        found = [*self._judge(event, subject.device, host, value)]
        state.put(f"service:{subject.id}", value, None)
        return found

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """Nothing is deferred."""
        return ()

    def _meet(self, name: str, at: int, value: Value) -> None:
        """Take a host in; one met once the service is known is new, and counts from what others had done by then."""
        hosts = value["hosts"]
        grown = at - value["since"] >= self.learning // MICROSECOND
        value["new"] = [time for time in value["new"] if at - time <= 30 * DAY]
        judged = grown and len(value["new"]) < self.churn
        if grown:
            value["new"] = [*value["new"], at][-self.churn - 1 :]
        hosts[name] = {
            "first": at,
            "last": at,
            "count": 0,
            "others": value["count"] - 1 if judged else None,  # what others had done by then; None: not judged
            "events": [],
        }
        if len(hosts) > _HOSTS:
            del hosts[min(hosts, key=lambda one: (hosts[one]["last"], one))]

    def _judge(self, event: RecordedEvent, name: str, host: Value, value: Value) -> Iterable[Finding]:
        first, last, count = host["first"], host["last"], host["count"]
        if host["others"] is None or count < self.least or last - first < self.pace // MICROSECOND:
            return
        others = value["count"] - host["others"] - count
        if others < 1 or count > self.share * (others + count) or not acts.tell(value, f"host:{name}", count, 10):
            return
        hours = max((last - first) // (60 * MINUTE), 1)
        sentence = (
            f"The service's token was used {count} times in {hours} hours from a host that was never the service's, "
            f"while its own hosts went on with {others} uses."
        )
        events = [from_value(item) for item in host["events"]]
        evidence = Evidence("new_host", count, 0, others, None, sentence)
        about = event.subject.id if event.subject else None
        yield acts.finding(self, events, [evidence], about=about, at=event.time)


RULE: Rule = ServiceTokenElsewhere()
