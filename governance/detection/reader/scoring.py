"""The core of detection: events and facts in, findings out. Pure: no clock, and no database but by its ports.

1. Events come in the order of the log, one at a time, whatever the batch they were read in.
2. For each event, in this order: the clocks move; who fell silent is told; what became due is settled; what a silent
   feed held is explained anew once it has come again; what a register's rows teach of earlier looks is revised; then
   every rule of the event's kind looks at it. A step may end between any two of these and go on in the next: what is
   found does not depend on where it ends.
3. What this service does for itself does not move the clocks: a change of settings, a sign-in or a look at the log,
   made today while an archive sends last week, says nothing of how far the archives have got. Its decisions do.
4. An alert of our own is no event to detect on: nothing can feed on itself.
5. A rule that fails on an event becomes a finding of its own, never silently: the other rules go on. Only faults of
   calculation are caught; a fault of the database stops the batch, which is then done again.
6. A look that nothing explains while the feed that would explain it is silent is *degraded*. Rules that judge by
   explanations (``contextual``) see it when it has been explained anew, as if in time; all others at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from governance.audit.event import RecordedEvent
from governance.detection.explanation.explaining import Explainer, PlainExplainer
from governance.detection.knowledge.facts import Context
from governance.detection.reader.past.port import NoPast, Past
from governance.detection.reader.run import FAULT_FAMILY, Run, Step
from governance.detection.reader.state import SKEW, RuleMemory
from governance.detection.rule import Found, Rule
from governance.storage import to_microseconds
from governance.vocabulary import EventKind

__all__ = ["FAULT_FAMILY", "Scorer", "Step"]

BUDGET = 500  # units of work in a step beside its events: values settled, looks explained anew, findings
_PAGE = 500  # events between two settlings of a memory that is kept in this process


class Scorer:
    """Runs the rules over events.

    Args:
        rules: the detectors; raises ValueError when two have one id.
        explainer: gives each look its explanation, a batch at a time, before any rule sees it; without one,
            looks have none.
    """

    def __init__(self, rules: Sequence[Rule], explainer: Explainer | None = None) -> None:
        self.explainer: Explainer = explainer or PlainExplainer()
        self.rules = {rule.id: rule for rule in rules}
        if len(self.rules) != len(rules):
            raise ValueError("two detectors have the same id")
        self.by_kind: dict[EventKind, list[Rule]] = defaultdict(list)
        for rule in sorted(rules, key=lambda rule: rule.id):
            for kind in rule.kinds:
                self.by_kind[kind].append(rule)

    def score(
        self,
        events: Sequence[RecordedEvent],
        context: Context,
        memory: RuleMemory,
        past: Past | None = None,
    ) -> list[Found]:
        """Give what the events show, all of it, in the order in which it became known; memory is changed in place."""
        found: list[Found] = []
        start = 0
        while start < len(events):
            step = self.step(events[start : start + _PAGE], context, memory, past or NoPast())
            memory.settle()
            found += step.found
            start += step.done
        return found

    def step(
        self,
        events: Sequence[RecordedEvent],
        context: Context,
        memory: RuleMemory,
        past: Past,
        budget: int = BUDGET,
    ) -> Step:
        """Deal with events until they are done or the budget is spent; what is left is for the next step."""
        if events:
            most = max(to_microseconds(min(event.time, event.recorded_at + SKEW)) for event in events)
            memory.load(max(most, memory.clocks.front or most))
        run = Run(self, context, memory, past, budget)
        for look in self.explainer.explain(events, context):
            if not run.judge(look):
                break
            run.step.done += 1
            if run.step.spent >= budget:
                break
        return run.step
