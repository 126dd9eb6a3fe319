"""Keeps callers from a database that does not answer, and finds out when it does again.

1. Whoever finds the database silent says so. From then on a thread of its own asks it, again and again, and ends when
   it answers; meanwhile nobody else waits the whole of their time for what is not to be had.
2. Until the first of those questions is answered, callers wait for it, a second at most: one statement that took too
   long is no outage, and costs the others nothing.
3. A server that refuses, having too many connections say, answers. Only silence keeps callers away.

Example: ``breaker.admit()`` before a connection is taken, ``breaker.suspect()`` when it stayed silent.
"""

import threading
from collections.abc import Callable

from governance.errors import Unavailable
from governance.storage import outage, patience

_VERDICT = 1.0  # seconds that a caller waits for the first answer
_PAUSE = 0.25  # seconds between two questions


class Breaker:
    """Lets callers through while the database answers.

    Args:
        probe: asks the database once, on a connection of its own, and raises when it does not answer in time.
    """

    def __init__(self, probe: Callable[[], None]) -> None:
        self._probe = probe
        self._changed = threading.Condition()
        self._suspected = False
        self._silent = False  # a probe found it so
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def admit(self) -> None:
        """Go on if the database answers, as far as is known. Raises Unavailable.

        A thread that may not wait goes on only when nothing is suspected; raises WouldWait otherwise.
        """
        if not self._suspected:
            return
        patience.require_patience()
        with self._changed:
            self._ask()
            if not self._silent:
                self._changed.wait_for(lambda: self._silent or not self._suspected, patience.left(_VERDICT))
            if self._suspected:
                raise Unavailable(outage.LOST, "The database does not answer.", 1)

    def suspect(self) -> None:
        """Hear that the database was silent to somebody, or that its connection was lost."""
        with self._changed:
            self._suspected = True
            self._ask()

    def close(self) -> None:
        """Ask no more; whoever suspects again begins again."""
        self._closed.set()
        with self._changed:
            thread, self._thread = self._thread, None
            self._suspected = self._silent = False
            self._changed.notify_all()
        if thread is not None:
            thread.join(patience.left(_VERDICT))
        self._closed = threading.Event()

    def _ask(self) -> None:
        """See that a thread asks; one that died is replaced by whoever comes next."""
        if self._thread is None or not self._thread.is_alive():
            closed = self._closed
            self._thread = threading.Thread(target=self._watch, args=(closed,), name="database-probe", daemon=True)
            self._thread.start()

    def _watch(self, closed: threading.Event) -> None:
        while not closed.is_set():
            answers = self._answers()
            with self._changed:
                if closed.is_set():
                    return
                self._suspected, self._silent = not answers, not answers
                self._changed.notify_all()
                if answers:
                    self._thread = None
                    return
            closed.wait(_PAUSE)

    def _answers(self) -> bool:
        try:
            with patience.hurried(_VERDICT):
                self._probe()
        except Exception as error:  # noqa: BLE001 - whatever it is, it says whether somebody is there
            cause = getattr(error, "orig", None) or error
            return not (outage.unanswered(cause) or isinstance(error, Unavailable))
        return True
