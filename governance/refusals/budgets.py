"""Budgets of a minute: how often somebody may ask, or fail, before they are told to wait.

A budget is spent evenly and may be saved up for a minute: whoever was quiet may spend a minute's worth at once, then as
much as comes in (the generic cell rate algorithm, ITU-T I.371 annex A). One number is kept of each spender.
"""

import math
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar

from governance.errors import TooManyRequests

MOST = 20_000  # spenders remembered; the deepest in debt are forgotten last
_MINUTE = 60.0  # seconds
Spender = TypeVar("Spender", bound=Hashable)


class Budget:
    """What each spender may spend.

    Args:
        name: of the budget, the reason code of its refusal.
        a_minute: how much of it there is a minute; one at least.
        seconds: a clock that only runs forward.
        most: spenders that are remembered.
    """

    def __init__(
        self, name: str, a_minute: float, seconds: Callable[[], float] = time.monotonic, most: int = MOST
    ) -> None:
        self.name = name
        self._each = _MINUTE / max(a_minute, 1.0)
        self._seconds = seconds
        self._most = most
        self._paid_until: dict[Hashable, float] = {}
        self._lock = threading.Lock()

    @property
    def spenders(self) -> int:
        """Give how many spenders are remembered."""
        return len(self._paid_until)

    def check(self, spender: Hashable) -> None:
        """Go on while there is something left for a spender, without spending it; raises TooManyRequests."""
        now = self._seconds()
        with self._lock:
            wait = self._wait(spender, now)
        if wait > 0:
            raise _too_many(self.name, wait)

    def spend(self, spender: Hashable) -> None:
        """Spend one, unless nothing is left.

        Raises:
            TooManyRequests: nothing is left; waiting is not made longer by asking.
        """
        now = self._seconds()
        with self._lock:
            wait = self._wait(spender, now)
            if wait <= 0:
                self._pay(spender, now)
        if wait > 0:
            raise _too_many(self.name, wait)

    def _wait(self, spender: Hashable, now: float) -> float:
        return self._paid_until.get(spender, now) + self._each - _MINUTE - now

    def _pay(self, spender: Hashable, now: float) -> None:
        paid = self._paid_until
        if spender not in paid and len(paid) >= self._most:
            self._make_room(now)
        paid[spender] = max(paid.get(spender, now), now) + self._each

    def _make_room(self, now: float) -> None:
        """Forget who owes nothing; when all owe something, the half that owes least."""
        for spender in [one for one, until in self._paid_until.items() if until <= now]:
            del self._paid_until[spender]
        if len(self._paid_until) >= self._most:
            for spender in sorted(self._paid_until, key=self._paid_until.__getitem__)[: (self._most + 1) // 2]:
                del self._paid_until[spender]


@dataclass(frozen=True, slots=True)
class Budgets:
    """Every budget of a process: its share, by the number of workers of its server.

    ``failures`` is spent by a client that is named, at an address, when it does not prove itself; ``address`` by
    everything that fails from one address. ``client`` and ``person`` are spent by who did prove themselves. ``page`` is
    spent by a person signed in, ``visit`` by an address that asks for pages without being signed in. ``secret`` is
    spent by an address for each secret that is looked at, ``secrets`` by all addresses together.
    """

    failures: Budget
    address: Budget
    secret: Budget
    secrets: Budget
    client: Budget
    person: Budget
    page: Budget
    visit: Budget


def _too_many(name: str, wait: float) -> TooManyRequests:
    detail = "Too many requests in a short time. Wait for as many seconds as Retry-After says."
    return TooManyRequests(name, detail, retry_after=max(1, math.ceil(wait)))
