"""Sessions: at which screen somebody sits, from when to when."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from governance.simulation.protocol.folk.people import RADIOLOGY, Staff
from governance.simulation.protocol.times import HOUR, MINUTE

REMOTE = "remote"
_LONG = 10 * HOUR
_SEEN = 0.6  # share of sign-ins that are told; others pass through from elsewhere


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in: its id, the device and the site."""

    id: str
    device: str
    site: str
    begin: int
    until: int


class Sessions:
    """Gives everybody's session at a time, signing them in where they have none.

    Args:
        sign: reports a sign-in or sign-out.
    """

    def __init__(self, sign: Callable[[Staff, str, Session, int, Random], Any]) -> None:
        self._sign = sign
        self._open: dict[str, list[Session]] = defaultdict(list)
        self.remote = 0.0  # share of reporting that is done from home
        self.shift: Callable[[Staff], tuple[int, int] | None] = lambda _who: None  # from when to when somebody works

    def of(self, who: Staff, at: int, rng: Random) -> Session:
        """Give the session somebody has at a time."""
        for session in self._open[who.id]:
            if session.begin <= at < session.until:
                return session
        begin, until = at - rng.randrange(MINUTE, 40 * MINUTE), at + _LONG
        works = self.shift(who)
        if works is not None and works[0] + 20 * MINUTE < at < works[1]:
            begin, until = works[0] + rng.randrange(20 * MINUTE), works[1]
        before = [session.until for session in self._open[who.id] if session.until <= at]
        later = [session.begin for session in self._open[who.id] if session.begin > at]
        home = who.department == RADIOLOGY and rng.random() < self.remote
        made = self.begin(who, max([begin, *before]), rng, REMOTE if home else who.site, min([until, *later]))
        self._open[who.id].append(made)
        return made

    def begin(self, who: Staff, begin: int, rng: Random, site: str, until: int) -> Session:
        """Sign somebody in at a site; sessions that are forgotten about end by themselves."""
        place = f"vdi-{rng.randrange(400)}" if site == REMOTE else f"ws-{site}-{who.department[:4]}-{rng.randrange(12)}"
        session = Session(f"{rng.getrandbits(48):012x}", place, site, begin, until)
        if rng.random() < _SEEN:
            self._sign(who, "login", session, begin, rng)
        if rng.random() < _SEEN / 2:
            self._sign(who, "logout", session, until, rng)
        return session

    def forget(self, before: int) -> None:
        """Forget what was over before an instant."""
        for who in list(self._open):
            left = [session for session in self._open[who] if session.until >= before]
            if left:
                self._open[who] = left
            else:
                del self._open[who]
