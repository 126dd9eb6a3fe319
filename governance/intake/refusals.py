"""What the quarantine had no room for, by name: nobody's message is lost without a word in the log.

1. A refusal is recorded before its sender is told that its message was taken or refused: the first of a source at once,
   then what was refused since, no more often than once in :data:`EVERY`. Every one is in the log of the process and in
   the metrics at once.
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
_log = get_logger(__name__)


@dataclass(slots=True)
class _Refused:
    """What was refused of one source, one way, and is not recorded yet."""

    since: datetime
    recorded_at: datetime | None = None
    count: int = 0
    digests: list[str] = field(default_factory=list)


class Refusals:
    """Tells what was refused; safe to use from many threads.

    Args:
        recorder: records it.
        clock: says when.
    """

    def __init__(self, recorder: Recorder, clock: Clock) -> None:
        self._recorder = recorder
        self._clock = clock
        self._sources: dict[tuple[str, str], _Refused] = {}
        self._changed = threading.Lock()

    def tell(self, messages: Sequence[Unread]) -> None:
        """Name messages of one source, or of several, that were refused.

        Raises:
            Unavailable: the log cannot take their names now.
        """
        now = self._clock.now()
        for source in {(each.carrier, each.peer) for each in messages}:
            own = [each for each in messages if (each.carrier, each.peer) == source]
            _log.error("audit messages refused", carrier=source[0], sender=source[1], count=len(own))
            if self._due(source, own, now):
                self._record(source, now)

    def tell_rest(self) -> None:
        """Record what was refused and is not recorded yet; raises Unavailable as :meth:`tell` does."""
        now = self._clock.now()
        for source in list(self._sources):
            self._record(source, now)

    def _due(self, source: tuple[str, str], own: Sequence[Unread], now: datetime) -> bool:
        with self._changed:
            held = self._sources.setdefault(source, _Refused(now))
            if not held.count:
                held.since = now
            held.count += len(own)
            left = NAMED - len(held.digests)
            held.digests += [hashlib.sha256(each.raw).hexdigest() for each in own[:left]]
            return held.recorded_at is None or now - held.recorded_at >= EVERY

    def _record(self, source: tuple[str, str], now: datetime) -> None:
        with self._changed:
            held = self._sources[source]
            count, digests, since = held.count, list(held.digests), held.since
            held.count, held.digests, held.recorded_at = 0, [], now
        if not count:
            return
        detail: dict[str, JsonValue] = {
            "act": "quarantine_full",
            "carrier": source[0],
            "source": source[1],
            "messages": count,
            "since": instant(since),
            "sha256": digests,
        }
        try:
            self._recorder.record(EventKind.RECORDING, Outcome.SERIOUS, time=now, detail=detail)
        except BaseException:
            with self._changed:  # still owed
                held.count, held.digests, held.recorded_at = held.count + count, digests + held.digests, None
            raise
