"""Who may wait, and for how long: what every lock and connection of this service is asked for with.

1. Every wait has a limit. Whoever cannot have in time what they wait for gets Unavailable, and may come again.
2. An event loop answers everybody, so nothing on it waits at all. What runs there runs inside :func:`at_once`: whatever
   would wait raises :class:`WouldWait` instead, before it has done anything, and is done again in a thread.

Example: ``with locked(self._lock, "policy.changing", "The agreements are changing."): …``
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from governance.errors import Unavailable

PATIENCE = 15.0  # seconds for a connection, and for the lock that writers queue at
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


_HERE = _Here()


@contextmanager
def at_once() -> Iterator[None]:
    """Let the calling thread wait for nothing in this block: no pool, no write transaction, no lock that is held."""
    before, _HERE.may_wait = _HERE.may_wait, False
    try:
        yield
    finally:
        _HERE.may_wait = before


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
        seconds: how long to wait for it; :data:`LONG_PATIENCE` when not given.

    Raises:
        Unavailable: somebody held the lock for all that time.
        WouldWait: the calling thread may not wait, and the lock is held.
    """
    if _HERE.may_wait:
        if not lock.acquire(timeout=LONG_PATIENCE if seconds is None else seconds):
            raise Unavailable(reason, detail, retry_after=1)
    elif not lock.acquire(blocking=False):
        raise WouldWait
    try:
        yield
    finally:
        lock.release()
