"""Threads that serve: what may never end one, and which of them the process cannot be without.

1. What only watches (a log line, a metric, an observer) is called through :func:`harmless`: whatever it raises is
   counted and goes no further. Libraries written in Rust panic with what is no ``Exception``; that too.
2. A thread without which the process answers but does no work is started by :class:`VitalThreads`. When one ends in an
   error, that is said, readiness shows it, and the process ends, for a supervisor to start it anew.

Example: ``threads.start("audit-writer", self._run)``.
"""

import threading
from asyncio import CancelledError
from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

P = ParamSpec("P")
Death = Callable[[str, BaseException], object]
_ENDS = (KeyboardInterrupt, SystemExit, GeneratorExit, CancelledError)
_dropped: Counter[str] = Counter()
_untold: Counter[str] = Counter()
_tell: Callable[[str, int], object] | None = None  # who counts for every process of the server


def is_fault(error: BaseException) -> bool:
    """Say whether an error is a fault, a panic included, and not the order to end what runs."""
    return not isinstance(error, _ENDS)


def harmless(kind: str) -> Callable[[Callable[P, object]], Callable[P, None]]:
    """Make a function whose faults are counted under a kind (log, metric, observer) and reach nobody."""

    def made(act: Callable[P, object]) -> Callable[P, None]:
        @wraps(act)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                act(*args, **kwargs)
            except BaseException as error:
                if not is_fault(error):
                    raise
                _drop(kind)

        return guarded

    return made


def on_drop(tell: Callable[[str, int], object]) -> None:
    """Have whoever counts for every process of the server told how many of a kind came to nothing."""
    global _tell
    _tell = tell
    _untold.clear()


def tell_drops() -> None:
    """Tell what could not be told so far; what cannot be told now either waits."""
    for kind, count in list(_untold.items()):
        try:
            if _tell is not None and count:
                _tell(kind, count)
                _untold[kind] -= count
        except BaseException as error:
            if not is_fault(error):
                raise


def _drop(kind: str) -> None:
    _dropped[kind] += 1
    _untold[kind] += 1
    tell_drops()


def dropped() -> dict[str, int]:
    """Give how many log lines, metrics and observations of this process came to nothing, by kind."""
    return dict(_dropped)


class VitalThreads:
    """The threads that a process must have; safe to use from any of them."""

    def __init__(self) -> None:
        self._dead: list[str] = []
        self._on_death: Death | None = None

    @property
    def dead(self) -> tuple[str, ...]:
        """Give the names of those that ended in an error."""
        return tuple(self._dead)

    def on_death(self, act: Death) -> None:
        """Have something done, in the dying thread, when one ends in an error; a process that serves ends itself."""
        self._on_death = act

    def start(self, name: str, run: Callable[[], object]) -> threading.Thread:
        """Start a thread that ends in order when ``run`` returns. Raises RuntimeError when none can be started."""
        thread = threading.Thread(target=self._live, args=(name, run), name=name, daemon=True)
        thread.start()
        return thread

    def _live(self, name: str, run: Callable[[], object]) -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001 - however it died, it is dead
            self._dead.append(name)
            if self._on_death is not None:
                self._on_death(name, error)
