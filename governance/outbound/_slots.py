"""How many calls a host has under way: a bounded number, so that one slow host cannot hold every thread."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from governance.outbound.budget import Deadline
from governance.outbound.failure import CallOutcome, OutboundFailed


class Slots:
    """Slots for calls, counted by host and port; a host without calls is not kept."""

    def __init__(self) -> None:
        self._under_way: Counter[str] = Counter()
        self._changed = Condition()

    @contextmanager
    def hold(self, host: str, at_once: int, deadline: Deadline) -> Iterator[None]:
        """Take a slot for one call, and wait for it while there is time. Raises OutboundFailed: BUSY."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._under_way[host] < at_once, deadline.left):
                raise OutboundFailed(CallOutcome.BUSY)
            self._under_way[host] += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way[host] -= 1
                if not self._under_way[host]:
                    del self._under_way[host]
                self._changed.notify_all()
