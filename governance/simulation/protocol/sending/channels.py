"""How what happened travels: each source has its delay, its clock, and times at which nothing of it comes through."""

import math
from dataclasses import dataclass, field
from random import Random

from governance.simulation.protocol.times import DAY, HOUR, SECOND

_LONGEST = 5 * DAY  # what is late comes within this


@dataclass(slots=True)
class Channel:
    """A source's way to the service.

    Args:
        median: the usual delay, in seconds.
        sigma: how much it varies (lognormal).
        skew: what its clock is ahead, in milliseconds.
        late: share of what it sends that comes hours or days later.
        cuts: from, until: what it would send in between comes at the end, all at once.
        dead: from, until: what it would send in between never comes.
        slips: from, until, milliseconds: its clock is wrong by so much in between.
    """

    median: float
    sigma: float = 0.7
    skew: int = 0
    late: float = 0.0
    cuts: list[tuple[int, int]] = field(default_factory=list)
    dead: list[tuple[int, int]] = field(default_factory=list)
    slips: list[tuple[int, int, int]] = field(default_factory=list)

    def stamped(self, at: int) -> int:
        """Give the time that the source's clock shows at an instant."""
        slip = next((off for first, until, off in self.slips if first <= at < until), 0)
        return at + self.skew + slip

    def sent(self, at: int, rng: Random) -> int | None:
        """Draw when something that happened is sent, None when it never is; it draws as often either way."""
        delay = int(self.median * math.exp(rng.gauss(0.0, self.sigma)) * SECOND)
        chance = rng.random()
        if chance < self.late:
            delay += 6 * HOUR + int(chance / self.late * 66 * HOUR)
        leaves = at + min(delay, _LONGEST)
        if any(first <= leaves < until for first, until in self.dead):
            return None
        for first, until in self.cuts:
            if first <= leaves < until:
                return until + leaves % (20 * 60 * SECOND)
        return leaves
