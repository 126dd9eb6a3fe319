"""What the quarantine had no room for, by name: nobody's message is lost without a word in the log.

1. It is recorded before its sender is told that its message was taken or refused: the first of a source at once, then
   what came since, no more often than once in :data:`EVERY`. Every one is in the log of the process and in the metrics
   at once.
2. An event names the source, how many, since when, and the SHA-256 of the first of them, so that a sender's own copy
   can be matched.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from governance.audit import Recorder
from governance.audit.encoding import instant
from governance.audit.event import JsonValue
from governance.clock import Clock
from governance.intake.quarantine import Unread
from governance.telemetry import get_logger
from governance.vocabulary import EventKind, Outcome

EVERY = timedelta(minutes=1)
NAMED = 20  # messages that one event names; it counts the rest
_Source = tuple[str, str]  # the way in and the sender
_log = get_logger(__name__)


@dataclass(slots=True)
class _Owed:
    """What had no room, of one source, and is not recorded yet."""

    since: datetime
    recorded_at: datetime | None = None
    count: int = 0
    digests: list[str] = field(default_factory=list)

    def is_due(self, now: datetime) -> bool:
        return self.recorded_at is None or now - self.recorded_at >= EVERY


class Overflow:
    """Tells what had no room; safe to use from many threads.

    Args:
        recorder: records it.
        clock: says when.
    """

    def __init__(self, recorder: Recorder, clock: Clock) -> None:
        self._recorder = recorder
        self._clock = clock
        self._sources: dict[_Source, _Owed] = {}
        self._changed = threading.Lock()

    def tell(self, messages: Sequence[Unread]) -> None:
        """Name messages that had no room.

        Raises:
            Unavailable: the log cannot take their names now.
        """
        now = self._clock.now()
        for source in {(each.carrier, each.peer) for each in messages}:
            own = [each for each in messages if (each.carrier, each.peer) == source]
            _log.error("audit messages refused", carrier=source[0], sender=source[1], count=len(own))
            if self._add(source, own, now):
                self._record(source, now)

    def flush(self, *, everything: bool = False) -> None:
        """Record what is owed and due, all that is owed with ``everything``, and forget sources that owe nothing.

        Raises:
            Unavailable: the log cannot take it now; it is owed still.
        """
        now = self._clock.now()
        for source in self._due(now, everything=everything):
            self._record(source, now)

    def _add(self, source: _Source, own: Sequence[Unread], now: datetime) -> bool:
        """Add messages to what is owed of their source, and say whether it is due."""
        with self._changed:
            owed = self._sources.setdefault(source, _Owed(now))
            if not owed.count:
                owed.since = now
            owed.count += len(own)
            left = NAMED - len(owed.digests)
            owed.digests += [hashlib.sha256(each.raw).hexdigest() for each in own[:left]]
            return owed.is_due(now)

    def _due(self, now: datetime, *, everything: bool) -> list[_Source]:
        with self._changed:
            due = [source for source, owed in self._sources.items() if everything or owed.is_due(now)]
            for source in due:
                if not self._sources[source].count:
                    del self._sources[source]
            return [source for source in due if source in self._sources]

    def _record(self, source: _Source, now: datetime) -> None:
        with self._changed:
            owed = self._sources.get(source)
            if owed is None or not owed.count:  # another thread was faster
                return
            count, digests, since = owed.count, list(owed.digests), owed.since
            owed.count, owed.digests, owed.recorded_at = 0, [], now
        detail: dict[str, JsonValue] = {
            "act": "quarantine_full",
            "carrier": source[0],
            "source": source[1],
            "messages": count,
            "since": instant(since),
            "sha256": [*digests],
        }
        try:
            self._recorder.record(EventKind.RECORDING, Outcome.SERIOUS, time=now, detail=detail)
        except BaseException:
            with self._changed:
                self._owe_again(source, count, digests, since)
            raise

    def _owe_again(self, source: _Source, count: int, digests: list[str], since: datetime) -> None:
        owed = self._sources.setdefault(source, _Owed(since))
        owed.since, owed.recorded_at = since, None
        owed.count, owed.digests = owed.count + count, (digests + owed.digests)[:NAMED]
