"""The core of detection: events and facts in, findings out. Pure: no database, no clock.

1. Events come in the order of the log, one at a time, whatever the batch they were read in.
2. For each event: the watermark moves, what became due is settled, then every rule of the event's kind looks at it.
3. What this service does for itself does not move the watermark: a change of settings, a sign-in or a look at the log,
   made today while an archive sends last week, says nothing of how far the archives have got. Its decisions do.
4. An alert of our own is no event to detect on: nothing can feed on itself.
5. A rule that fails on an event becomes a finding of its own, never silently: the other rules go on. Only faults of
   calculation are caught; a fault of the database stops the batch, which is then done again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection.acts import trusts_of
from governance.detection.facts import Context
from governance.detection.rule import Rule
from governance.detection.state import RuleMemory
from governance.storage import from_microseconds
from governance.vocabulary import SYSTEM, EventKind, Severity

FAULT_FAMILY = "detector_fault"
_LINKS = frozenset({EventKind.DECISION, EventKind.TOKEN})
_FAULTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class LearningContext(Context, Protocol):
    """Facts that also learn from the log as it passes."""

    def note(self, event: RecordedEvent) -> None:
        """Take note of a decision or a token, so that later events find it."""
        ...


class Scorer:
    """Runs the rules over events.

    Args:
        rules: the detectors; raises ValueError when two have one id.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = {rule.id: rule for rule in rules}
        if len(self.rules) != len(rules):
            raise ValueError("two detectors have the same id")
        self._by_kind: dict[EventKind, list[Rule]] = defaultdict(list)
        for rule in sorted(rules, key=lambda rule: rule.id):
            for kind in rule.kinds:
                self._by_kind[kind].append(rule)

    def score(self, events: Iterable[RecordedEvent], context: LearningContext, memory: RuleMemory) -> list[Finding]:
        """Give what the events show, in the order in which it became known; the memory is changed in place."""
        found: list[Finding] = []
        states = {rule_id: memory.of(rule_id) for rule_id in self.rules}
        for event in events:
            if event.kind is EventKind.SECURITY_ALERT:
                continue
            if _tells_the_time(event):
                memory.see(event)
            for rule_id, key, value, at in memory.take_due():
                if rule_id in self.rules:
                    rule = self.rules[rule_id]
                    found += _guarded(rule, event, partial(rule.due, key, value, at, context, states[rule_id]))
            if event.kind in _LINKS:
                context.note(event)
            for rule in self._by_kind.get(event.kind, ()):
                found += _guarded(rule, event, partial(rule.observe, event, context, states[rule.id]))
        return found


def _tells_the_time(event: RecordedEvent) -> bool:
    """Say whether an event shows how far the network's own time has got (rule 3)."""
    return event.source.id != SYSTEM or event.kind is EventKind.DECISION


def _guarded(rule: Rule, event: RecordedEvent, run: Callable[[], Iterable[Finding]]) -> Sequence[Finding]:
    """Run a rule on an event; its failure becomes a finding."""
    try:
        return tuple(run())
    except _FAULTS as error:
        return (_fault(rule, event, error),)


def _fault(rule: Rule, event: RecordedEvent, error: Exception) -> Finding:
    sentence = (
        f"The detector {rule.id} failed on an event ({type(error).__name__}) and may have missed something: "
        "tell the operator, and look at the event by hand."
    )
    return Finding(
        rule_id=rule.id,
        family=FAULT_FAMILY,
        severity=Severity.HIGH,
        subject=None,
        about=rule.id,
        occurred_at=from_microseconds(int(event.time.timestamp()) * 1_000_000),
        evidence=(Evidence("detector_fault", type(error).__name__, None, 0, None, sentence),),
        events=(event.index,),
        trusts=trusts_of(event),
    )
