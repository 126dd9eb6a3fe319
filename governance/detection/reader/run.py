"""One step over some events, an event at a time, in the order that ``scoring.py`` gives (its rule 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection.acts import LOOKS, trusts_of
from governance.detection.explanation.explaining import Explainer
from governance.detection.explanation.look import Explanation, ExplanationKind, Look
from governance.detection.knowledge.facts import Context
from governance.detection.reader.past import continuing
from governance.detection.reader.past.late import Late, Pair
from governance.detection.reader.past.port import Past
from governance.detection.reader.silence import READER, Silences, feed_of
from governance.detection.reader.state import RuleMemory
from governance.detection.rule import Found, Rule
from governance.storage import from_microseconds, to_microseconds
from governance.vocabulary import SYSTEM, EventKind, Severity

FAULT_FAMILY = "detector_fault"
FINDING = 5  # units of work that a finding is
DEGRADED = Explanation(ExplanationKind.DEGRADED)
_FAULTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_POSITION = "position"
_REVISITED = 100  # rows of a register between two looks at the budget
_RELEASED = 100  # held looks explained anew at a time


@dataclass(slots=True)
class Step:
    """What a step did.

    Args:
        done: how many of its events are dealt with whole.
        found: what they showed, in the order in which it became known.
        looks: what they are with their explanations; an access that goes on with another has none. One that waited for
            such and is a look after all is among them.
        changed: earlier looks that were explained anew, each with the index that taught it.
        spent: units of work beside the events.
    """

    done: int = 0
    found: list[Found] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    changed: list[tuple[Look, int]] = field(default_factory=list)
    spent: int = 0


class Rules(Protocol):
    """The rules that a step runs, and what explains looks."""

    @property
    def explainer(self) -> Explainer:
        """Give what explains looks."""
        ...

    @property
    def rules(self) -> Mapping[str, Rule]:
        """Give the rules by id."""
        ...

    @property
    def by_kind(self) -> Mapping[EventKind, Sequence[Rule]]:
        """Give the rules that look at a kind of event, by id."""
        ...


class Run:
    """One step.

    Args:
        scorer: the rules.
        context: the facts.
        memory: what rules remember; it is changed in place.
        past: the past.
        budget: units of work after which the step ends.
    """

    def __init__(self, scorer: Rules, context: Context, memory: RuleMemory, past: Past, budget: int) -> None:
        self._scorer = scorer
        self._context = context
        self._memory = memory
        self._past = past
        self._budget = budget
        self._silences = Silences()
        self._late = Late(scorer.explainer)
        self._states = {rule_id: memory.of(rule_id) for rule_id in scorer.rules}
        self._own = memory.of(READER)
        self.step = Step()

    def judge(self, look: Look) -> bool:
        """Deal with one event; False when the budget was spent on the way."""
        event = look.event
        if event.kind is EventKind.SECURITY_ALERT:
            self.step.looks.append(look)
            return True
        at = self._begun(event)
        if not (self._settle(event) and self._release(event, at) and self._revisit(event, at)):
            self._own.put(_POSITION, at, None)
            return False
        self._memory.judge_by(at["stream"])
        if event.kind is EventKind.DECISION:
            self._revise(event, self._late.answered(look, self.step.looks, self._context, self._past, self._memory))
            self._memory.judge_by(at["stream"])
        self._look(look, at["stream"])
        if at["paused"]:
            self._own.drop(_POSITION)
        return True

    def _known(self, event: RecordedEvent) -> Context:
        """Give the facts as they were known right after an event: with what it taught itself."""
        return self._context.at(event.index + 1)

    def _begun(self, event: RecordedEvent) -> dict[str, Any]:
        """Let an event move the clocks, once; gives how far it is dealt with."""
        at = self._own.get(_POSITION)
        if at is not None and at["index"] == event.index:
            return at | {"paused": True}
        minute = False
        if _tells_the_time(event):
            self._memory.see(event)
            minute = self._memory.clocks.minute
        else:
            self._memory.judge_by(None)
        stream = self._memory.stream
        self._silences.hear(event, self._memory)
        if minute:
            self._found(self._silences.look(event, self._memory))
        return {"index": event.index, "stream": stream, "minute": minute, "row": 0, "paused": False}

    def _settle(self, event: RecordedEvent) -> bool:
        """Settle what became due; False when the budget was spent."""
        while (item := self._memory.next_due()) is not None:
            rule_id, key, value, due = item
            self.step.spent += 1
            if rule_id in self._scorer.rules:
                rule = self._scorer.rules[rule_id]
                self._guarded(
                    rule, event, partial(rule.due, key, value, due, self._known(event), self._states[rule_id])
                )
            elif rule_id == READER and key.startswith(continuing.WAITING):
                self._alone(value["waiting"], event)
            if self._out():
                return False
        return True

    def _alone(self, indexes: Sequence[int], event: RecordedEvent) -> None:
        """Take accesses whose predecessor never came as looks of their own."""
        for look in self._late.again(self._past.events(indexes), event.index - 1, self._context, self._past):
            self._memory.judge_by(None, to_microseconds(look.event.time))
            self.step.looks.append(look)
            self._observe(look, event)

    def _release(self, event: RecordedEvent, at: dict[str, Any]) -> bool:
        """Explain anew what was held for feeds that came again; False when the budget was spent."""
        while at["minute"] and (feed := self._silences.releasing(self._memory)) is not None:
            held = self._silences.held(feed, self._memory)
            entries = held.oldest(_RELEASED)
            events = self._past.events([int(entry.name) for entry in entries])
            for look in self._late.again(events, event.index - 1, self._context, self._past):
                self._judge_held(look, event)
            for entry in entries:
                held.remove(entry.name)
            if not len(held):
                self._silences.released(feed, self._memory)
            self.step.spent += len(entries)
            if self._out():
                return False
        return True

    def _judge_held(self, look: Look, event: RecordedEvent) -> None:
        """Judge a look as if it had been explained in time."""
        self._memory.judge_by(None, to_microseconds(look.event.time))
        self.step.changed.append((look, event.index))
        before = Look(look.event, DEGRADED)
        for rule in self._scorer.by_kind.get(look.event.kind, ()):
            state = self._states[rule.id]
            if _contextual(rule):
                self._guarded(rule, event, partial(rule.observe, look, self._known(event), state))
            elif (revised := getattr(rule, "revised", None)) is not None:
                self._guarded(rule, event, partial(revised, before, look, self._known(event), state))

    def _revisit(self, event: RecordedEvent, at: dict[str, Any]) -> bool:
        """Revise what a register's rows teach of earlier looks; False when the budget was spent."""
        if feed_of(event) is None:
            return True
        rows = self._past.known(event.index)
        while at["row"] < len(rows):
            some = rows[at["row"] : at["row"] + _REVISITED]
            pairs, seen = self._late.taught(
                some, event, self.step.looks, self._context, self._past, self._memory.clocks.front or 0
            )
            self.step.spent += seen
            self._revise(event, pairs)
            at["row"] += _REVISITED
            if self._out():
                return False
        return True

    def _revise(self, event: RecordedEvent, pairs: Sequence[Pair]) -> None:
        """Tell rules of looks whose explanation changed, or whose authority became known."""
        held = [name for name, clock in self._memory.clocks.feeds() if "oldest" in clock.state] if pairs else []
        for before, after in pairs:
            if any(self._silences.held(feed, self._memory).get(f"{after.event.index:016}") for feed in held):
                continue  # it is judged when it is released
            self._memory.judge_by(None, to_microseconds(after.event.time))
            if before.explanation != after.explanation:
                self.step.changed.append((after, event.index))
            for rule in self._scorer.by_kind.get(after.event.kind, ()):
                if (revised := getattr(rule, "revised", None)) is not None:
                    state = self._states[rule.id]
                    self._guarded(rule, event, partial(revised, before, after, self._known(event), state))

    def _look(self, look: Look, stream: str | None) -> None:
        """Let the rules look at an event, and hold it where a silent feed might explain it."""
        event = look.event
        if event.kind not in LOOKS:
            self.step.looks.append(look)
            self._observe(look, event)
            return
        if event.continues is not None and self._goes_on(event):
            self.step.looks.append(replace(look, explanation=None))
            return
        feed = self._silences.silent_feed(trusts_of(event), self._memory) if look.unexplained else None
        if feed is not None:
            look = replace(look, explanation=DEGRADED)
            self._silences.hold(event, feed, self._memory)
        self.step.looks.append(look)
        self._late.await_decision(event, self._context, self._memory)
        self._memory.judge_by(stream)
        self._observe(look, event)
        for part in self._past.events(continuing.awaited(event, self._memory)):
            self._grow(look, part)

    def _goes_on(self, event: RecordedEvent) -> bool:
        """Add an access to the look that it goes on with, or let it wait; False when it is a look of its own."""
        root = continuing.root_of(event, self._past, event.index)
        if root is None:
            return False
        if isinstance(root, str):
            return continuing.wait(event, root, self._memory)
        for look in self._late.again([root], event.index - 1, self._context, self._past):
            self._grow(look, event)
        return True

    def _grow(self, look: Look, part: RecordedEvent) -> None:
        for rule in self._scorer.by_kind.get(look.event.kind, ()):
            if (grows := getattr(rule, "grows", None)) is not None:
                self._guarded(rule, part, partial(grows, look, part, self._known(part), self._states[rule.id]))

    def _observe(self, look: Look, event: RecordedEvent) -> None:
        """Let every rule of its kind look at an event; a degraded look is for those that need no explanation."""
        degraded = look.explanation is not None and look.explanation.kind is ExplanationKind.DEGRADED
        known = self._known(event)
        for rule in self._scorer.by_kind.get(look.event.kind, ()):
            if not (degraded and _contextual(rule)):
                self._guarded(rule, event, partial(rule.observe, look, known, self._states[rule.id]))

    def _guarded(self, rule: Rule, event: RecordedEvent, run: Callable[[], Iterable[Found]]) -> None:
        """Run a rule on an event; its failure becomes a finding."""
        try:
            found: Sequence[Found] = tuple(run())
            if not found:
                return
        except _FAULTS as error:
            found = (_fault(rule, event, error),)
        self._found(
            replace(each, found_at=event.index) if isinstance(each, Finding) else replace(each, index=event.index)
            for each in found
        )

    def _found(self, found: Iterable[Found]) -> None:
        before = len(self.step.found)
        self.step.found += found
        self.step.spent += FINDING * (len(self.step.found) - before)

    def _out(self) -> bool:
        return self.step.spent >= self._budget


def _contextual(rule: Rule) -> bool:
    return bool(getattr(rule, "contextual", False))


def _tells_the_time(event: RecordedEvent) -> bool:
    """Say whether an event shows how far the network's own time has got (rule 3)."""
    return event.source.id != SYSTEM or event.kind is EventKind.DECISION


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
