"""What a detector is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Protocol, TypeAlias, runtime_checkable

from governance.alerts import Finding, Revision
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context
from governance.detection.reader.state import RuleState, Value
from governance.vocabulary import EventKind, Severity

Found: TypeAlias = Finding | Revision


class Rule(Protocol):
    """A detector: pure, driven by event time, fed one event at a time in the order of the log.

    ``family`` names the kind of incident its findings belong to, ``window`` is the event time it looks back or waits at
    most.
    A rule may also have ``revised(before, after, context, state)``, called when the explanation of a look has changed:
    it gives what of its findings is taken back, or what is found now.
    It is called only for events of its ``kinds``. Its findings may depend on the event, the facts and its own memory,
    and on nothing else: no clock, no randomness, no order of a set.

    A rule may have more, each of which is looked for by its name:

    - ``contextual = True``: it judges looks by their explanations. While the feed that would explain a look is silent,
      it does not see it; it sees it once the feed has come again, as if in time.
    - ``revised(before, after, context, state)``: the explanation of an earlier look changed, or the decision or token
      that it names became known. Gives findings and revisions.
    - ``grows(look, part, context, state)``: an access goes on with an earlier look; ``part`` is its event, whose counts
      and bytes belong to the look. Gives findings and revisions.
    """

    @property
    def id(self) -> str:
        """Its name, for ever."""
        ...

    @property
    def family(self) -> str:
        """The kind of incident its findings belong to."""
        ...

    @property
    def severity(self) -> Severity:
        """The severity of its findings unless a finding says otherwise."""
        ...

    @property
    def window(self) -> timedelta:
        """The event time it may need to conclude."""
        ...

    @property
    def kinds(self) -> frozenset[EventKind]:
        """The kinds of event it looks at."""
        ...

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Found]:
        """Take one event with its explanation; give what it shows."""
        ...

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Found]:
        """Take back a remembered value whose due time ``at`` (microseconds) the watermark has reached."""
        ...


@runtime_checkable
class RevisedRule(Rule, Protocol):
    """A detector whose findings rest on looks without a reason, so that a reason that comes late takes them back."""

    def revised(self, before: Look, after: Look, context: Context, state: RuleState) -> Iterable[Revision | Finding]:
        """Take a look whose explanation changed; give what is taken back, or found only now.

        The index of a revision is that of the look: whoever calls puts that of what taught it.
        """
        ...
