"""R1: one origin is refused again and again, or in many names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context
from governance.detection.reader.state import MICROSECOND, RuleState, Value
from governance.detection.reader.waiting import from_value, to_value
from governance.detection.rule import Rule
from governance.storage import to_microseconds
from governance.vocabulary import SYSTEM, EventKind, Severity

_REFUSED = "refuse"
_MINUTE = timedelta(minutes=1) // MICROSECOND
_KEPT = 50  # events and names kept of one origin; the alert shows no more


@dataclass(frozen=True, slots=True)
class RefusalRun:
    """Counts what this service refused an origin in a quarter of an hour: an address, or who proved themselves.

    A run of refusals is one or two events, the closing one with its count. The origin is reported when it is refused
    ``refusals`` times or in ``names`` names, and again at each tenfold.
    """

    refusals: int = 30
    names: int = 5
    system: str = SYSTEM
    id = "refusal_run"
    family = "refusal_run"
    severity = Severity.MEDIUM
    window = timedelta(minutes=15)
    kinds = frozenset({EventKind.LOGIN, EventKind.NODE_AUTH, EventKind.TOKEN})

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Count a refusal with those of the same origin."""
        event = look.event
        origin = _origin(event)
        if origin is None or event.source.id != self.system or event.detail.get("act") != _REFUSED:
            return ()
        minute = to_microseconds(event.time) // _MINUTE
        since = minute - self.window // timedelta(minutes=1)
        value = _recent(state.get(origin), since)
        minutes, names = value["minutes"], value["names"]
        minutes[str(minute)] = minutes.get(str(minute), 0) + _weight(event)
        if (name := _name(event)) is not None and (name in names or len(names) < _KEPT):
            names[name] = minute
        value["events"] = [*value["events"], to_value(event)][-_KEPT:]
        evidence = self._excess(value)
        state.put(origin, value, (minute + 1) * _MINUTE + self.window // MICROSECOND)
        return (self._finding(origin, [from_value(each) for each in value["events"]], evidence),) if evidence else ()

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """Nothing is deferred: an origin that was quiet for a while is forgotten."""
        return ()

    def _excess(self, value: Value) -> list[Evidence]:
        found = []
        count, names = sum(value["minutes"].values()), len(value["names"])
        if count >= self.refusals and acts.tell(value, "refusals", count, 10):
            sentence = (
                f"{count} requests of one origin were refused within 15 minutes; fewer than {self.refusals} is usual."
            )
            found.append(acts.certain("refusals", sentence, observed=count, expected=self.refusals))
        if names >= self.names and acts.tell(value, "refused_names", names, 10):
            sentence = f"One origin was refused in {names} names within 15 minutes, as by somebody trying which exist."
            found.append(acts.certain("refused_names", sentence, observed=names, expected=self.names))
        return found

    def _finding(self, origin: str, events: Sequence[RecordedEvent], evidence: Sequence[Evidence]) -> Finding:
        many = any(each.signal == "refused_names" for each in evidence)
        severity = Severity.HIGH if many else self.severity
        found = acts.finding(self, events, evidence, about=events[0].source.ods, severity=severity, at=events[-1].time)
        return replace(found, subject=origin, subjects=(origin,))


def _origin(event: RecordedEvent) -> str | None:
    """Give whose refusals are counted together: an address as its pseudonym, or who proved themselves."""
    address = event.detail.get("address")
    if isinstance(address, str):
        return f"address:{address}"
    return event.subject.id if event.subject else None


def _name(event: RecordedEvent) -> str | None:
    """Give in which name it was refused: the client it said it was, or who was proven."""
    claimed = event.detail.get("claimed")
    return claimed if isinstance(claimed, str) else event.subject.id if event.subject else None


def _weight(event: RecordedEvent) -> int:
    """Give how many refusals an event adds: the closing one of a run all but the first, which has its own event."""
    count = event.detail.get("count")
    return max(count - 1, 0) if isinstance(count, int) else 1


def _recent(value: Value | None, since: int) -> Value:
    """Give what an origin did lately; what was reported is forgotten with the last of it."""
    if value is None:
        return {"minutes": {}, "names": {}, "events": [], "told": {}}
    minutes = {minute: count for minute, count in value["minutes"].items() if int(minute) > since}
    names = {name: minute for name, minute in value["names"].items() if minute > since}
    return {"minutes": minutes, "names": names, "events": value["events"], "told": value["told"] if minutes else {}}


RULE: Rule = RefusalRun()
