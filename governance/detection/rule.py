"""What a detector is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Protocol

from governance.alerts import Finding
from governance.audit.event import RecordedEvent
from governance.detection.facts import Context
from governance.detection.state import RuleState, Value
from governance.vocabulary import EventKind, Severity


class Rule(Protocol):
    """A detector: pure, driven by event time, fed one event at a time in the order of the log.

    ``family`` names the kind of incident its findings belong to, ``window`` is the event time it looks back or waits at
    most.
    It is called only for events of its ``kinds``. Its findings may depend on the event, the facts and its own memory,
    and on nothing else: no clock, no randomness, no order of a set.
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

    def observe(self, event: RecordedEvent, context: Context, state: RuleState) -> Iterable[Finding]:
        """Take one event; give what it shows."""
        ...

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """Take back a remembered value whose due time ``at`` (microseconds) the watermark has reached."""
        ...
