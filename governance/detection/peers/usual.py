"""What is usual among peers: decayed, capped means of a count by role, which one person cannot teach much.

1. What people of a role do is learnt from closed spans (a day, a week) of each of them, never from the person's own
past. 2. A span counts capped at ``CAP`` times what is usual so far: one enormous day does not make the next one look
   usual, and a slow rise moves the role by a fraction of what it would take (E2). A role of which little has been seen
   learns faster, or the first weeks would be nothing but alarms.
3. A role that nobody has seen starts from the median over the roles, not from the mean, which its heaviest make.
4. What is learnt halves in ``HALF_LIFE`` days of event time.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from governance.detection.peers.tail import Expectation, Moments, fit, surprise
from governance.detection.reader.state import RuleState

HALF_LIFE = 30.0  # days
CAP = 2.0
_YOUNG, _YOUNG_CAP = 20.0, 6.0  # spans until which a role is young, and what its spans are capped at
ENOUGH = 5.0  # spans after which a role counts in the median
_MOST_ROLES = 100


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual for a role: the fitted count, and on how many spans of the role it rests."""

    expected: Expectation
    sample: int

    @property
    def mean(self) -> float:
        """Give the mean, rounded, so that nothing hangs on the last bit."""
        return round(self.expected.mean, 3)

    def bits(self, count: int) -> float:
        """Give how surprising so many or more are, in bits."""
        return round(surprise(count, self.expected), 3)


@dataclass(frozen=True, slots=True)
class Habit:
    """One count that peers are compared by.

    Args:
        name: of the count, unlike any other's in the same detector.
        prior: the mean before anybody was seen.
        among: whether what is compared are roles of one kind, so that an unseen one starts from the others' median.
    """

    name: str
    prior: float
    among: bool = True

    def of(self, state: RuleState, role: str) -> Usual:
        """Give what is usual for a role."""
        moments, _ = self._moments(state, role)
        return Usual(fit(moments, self._start(state)), round(moments.n))

    def learn(self, state: RuleState, role: str, count: float, day: int) -> None:
        """Let a closed span of one person count among their role's; ``day`` is its last, since 1970."""
        moments, last = self._moments(state, role)
        aged = moments.decay(0.5 ** (max(day - last, 0) / HALF_LIFE)) if last else moments
        most = CAP if aged.n >= _YOUNG else _YOUNG_CAP
        capped = min(count, most * fit(aged, self._start(state)).mean + 1)
        new = aged.add(capped)
        state.put(f"usual:{self.name}:{role}", {"m": [new.n, new.total, new.squares], "day": max(day, last)}, None)
        if not self.among:
            return
        means = state.get(f"usual:{self.name}") or {"roles": {}}
        if role in means["roles"] or len(means["roles"]) < _MOST_ROLES:
            means["roles"][role] = [round(new.n, 3), round(new.total / new.n, 6)]
            state.put(f"usual:{self.name}", means, None)

    def _moments(self, state: RuleState, role: str) -> tuple[Moments, int]:
        value = state.get(f"usual:{self.name}:{role}")
        return (Moments(), 0) if value is None else (Moments(*value["m"]), value["day"])

    def _start(self, state: RuleState) -> float:
        """Give the median over the roles that are known well enough; the prior before there are three."""
        means = (state.get(f"usual:{self.name}") if self.among else None) or {"roles": {}}
        known = [mean for n, mean in means["roles"].values() if n >= ENOUGH]
        return max(median(known), 0.01) if len(known) >= 3 else self.prior
