"""Who may wait, and for how long: what every lock and connection of this service is asked for with.

1. Every wait has a limit. Whoever cannot have in time what they wait for gets Unavailable, and may come again.
2. Somebody waits for the answer to a request, so what serves one runs inside :func:`hurried`: there the limit is a
   total over all that is waited for until the database answers (a lock, a connection, a statement), and begins anew
   with each answer. Jobs and commands have the longer limits of each wait.
3. An event loop answers everybody, so nothing on it waits at all. What runs there runs inside :func:`at_once`: whatever
   would wait raises :class:`WouldWait` instead, before it has done anything, and is done again in a thread.

Example: ``with locked(self._lock, "policy.changing", "The agreements are changing."): …``
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Protocol

from governance.errors import Unavailable

PATIENCE = 15.0  # seconds for a connection, and for the lock that writers queue at
REQUEST_PATIENCE = 4.0  # seconds in all for what serves a request, unless the settings say otherwise
LONG_PATIENCE = 30.0  # seconds for who does what takes PATIENCE itself: takes up terms, writes a group of the log


class WouldWait(BaseException):
    """What was asked for cannot be had at once. No failure, so nothing that handles failures catches it."""


class Lock(Protocol):
    """A lock of ``threading``, of whichever kind."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take it, or say that it could not be had."""
        ...

    def release(self) -> None:
        """Give it back."""
        ...


class _Here(threading.local):
    """What the calling thread may do at this moment."""

    may_wait = True
    limit: float | None = None  # seconds for one answer of the database; None: each wait has its own
    since: float | None = None  # when the wait for an answer began that has not come yet
    until: float | None = None  # when all waiting ends, however often an answer came


_HERE = _Here()


@contextmanager
def at_once() -> Iterator[None]:
    """Let the calling thread wait for nothing in this block: no pool, no write transaction, no lock that is held."""
    before, _HERE.may_wait = _HERE.may_wait, False
    try:
        yield
    finally:
        _HERE.may_wait = before


@contextmanager
def hurried(seconds: float) -> Iterator[None]:
    """Let the calling thread wait so long in all for each answer, whatever it waits for on the way (rule 2)."""
    before, _HERE.limit, _HERE.since = (_HERE.limit, _HERE.since), seconds, None
    try:
        yield
    finally:
        _HERE.limit, _HERE.since = before


@contextmanager
def ending_at(until: float) -> Iterator[None]:
    """Let the calling thread wait for nothing beyond an instant of the monotonic clock, however many waits there are.

    Whoever ends a process has so much time for all of its steps together, and each that finds none left fails at once.
    """
    before, _HERE.until = _HERE.until, until if _HERE.until is None else min(until, _HERE.until)
    try:
        yield
    finally:
        _HERE.until = before


def left(usual: float) -> float:
    """Give the seconds that the calling thread may go on waiting for an answer.

    Args:
        usual: what this wait may take at most, and does take in a thread that is not hurried.
    """
    if _HERE.limit is None and _HERE.until is None:
        return usual
    now = monotonic()
    if _HERE.until is not None:
        usual = min(usual, max(0.0, _HERE.until - now))
    if _HERE.limit is None:
        return usual
    if _HERE.since is None:
        _HERE.since = now
    return max(0.0, min(usual, _HERE.since + _HERE.limit - now))


def part_left(usual: float) -> float:
    """Give the seconds for a wait that another wait must follow, a connection's say: half of what there is in all."""
    return left(usual if _HERE.limit is None else min(usual, _HERE.limit / 2))


def answered() -> None:
    """Note that the answer came: the next wait of the calling thread has its whole time."""
    _HERE.since = None


def may_wait() -> bool:
    """Say whether the calling thread may wait."""
    return _HERE.may_wait


def require_patience() -> None:
    """Go on only in a thread that may wait; raises WouldWait."""
    if not _HERE.may_wait:
        raise WouldWait


@contextmanager
def locked(lock: Lock, reason: str, detail: str, seconds: float | None = None) -> Iterator[None]:
    """Hold a lock for the block.

    Args:
        lock: what is taken.
        reason: of the error when it cannot be had.
        detail: of the same, for the caller.
        seconds: how long to wait for it; :data:`LONG_PATIENCE` when not given, and less in a hurried thread.

    Raises:
        Unavailable: somebody held the lock for all that time.
        WouldWait: the calling thread may not wait, and the lock is held.
    """
    if not lock.acquire(blocking=False):
        require_patience()
        if not lock.acquire(timeout=left(LONG_PATIENCE if seconds is None else seconds)):
            raise Unavailable(reason, detail, retry_after=1)
    try:
        yield
    finally:
        lock.release()
