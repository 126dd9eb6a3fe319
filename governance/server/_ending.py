"""The end of a server process: in order within :data:`LIMIT`, or at once when it cannot go on.

1. From the signal on, streams and long polls are answered, what syslog senders sent is read, no job begins.
2. Requests in flight have until :data:`FOR_REQUESTS`. Then what runs beside them is stopped, whether or not a client
   still keeps one of them open. Nothing of it waits beyond :data:`FOR_STEPS`, whether or not the database answers: a
   lease that is not given back runs out by itself.
3. Whatever hangs, the process is gone at :data:`LIMIT`; what it acknowledged is in the log.
4. A process that lost a thread it cannot be without shows it for :data:`LAST_WORD`, then ends with :data:`LOST_THREAD`.
"""

import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

from governance.errors import Unavailable
from governance.jobs import Runtime
from governance.storage import ending_at
from governance.telemetry import get_logger

LIMIT = 4.7  # seconds from the signal to the end
FOR_REQUESTS = 3.2  # seconds from the signal until requests in flight are no longer waited for
FOR_STEPS = 4.3  # seconds from the signal until no step waits for anything any more
LAST_WORD = 2.0  # seconds in which probes and callers hear that a thread is lost
LOST_THREAD = 70  # exit code (sysexits.h EX_SOFTWARE)
LATE = 75  # exit code (EX_TEMPFAIL)
Exit = Callable[[int], object]
_log = get_logger(__name__)


class Ending:
    """Ends a process once.

    Args:
        runtime: what runs beside the requests.
        leave: ends the process at once with an exit code.
    """

    def __init__(self, runtime: Runtime, leave: Exit = os._exit) -> None:
        self._runtime = runtime
        self._leave = leave
        self._begun = threading.Lock()
        self._requests_over = threading.Event()
        self._over = threading.Event()

    def begin(self) -> None:
        """Hear that the process is asked to stop; comes back at once."""
        if self._begun.acquire(blocking=False):
            for run in (self._stop, self._watch):
                threading.Thread(target=run, name="ending", daemon=True).start()

    def finish(self) -> None:
        """Hear that no request is in flight any more; comes back when everything is stopped."""
        self._requests_over.set()
        if self._begun.acquire(blocking=False):  # stopped by nobody's signal
            self._stop()
        self._over.wait()

    def _stop(self) -> None:
        began = time.monotonic()
        try:
            with ending_at(began + FOR_STEPS), ExitStack() as last_first:  # a step that fails keeps out no later one
                last_first.callback(self._runtime.stop)
                last_first.callback(lambda: self._requests_over.wait(max(0.0, began + FOR_REQUESTS - time.monotonic())))
                last_first.callback(self._begin_stop, began + FOR_REQUESTS)
        except Unavailable as error:
            _log.error("not stopped in order", reason=error.reason, detail=error.detail)
        except Exception as error:  # noqa: BLE001 - the process ends in any case; what it had acknowledged is kept
            _log.exception("not stopped in order", error_type=type(error).__name__)
        finally:
            self._over.set()

    def _begin_stop(self, until: float) -> None:
        with ending_at(until):
            self._runtime.begin_stop()

    def _watch(self) -> None:
        """Leave when the limit is over, whatever does not end: a part, a request, a thread that answers one."""
        time.sleep(LIMIT)
        over = self._over.is_set()
        if not over:
            _log.critical("not stopped in time")
        elif not self._requests_over.is_set():
            _log.warning("requests cut off", reason="a client kept them open")
        self._leave(0 if over else LATE)


def end_without(thread: str, error: BaseException) -> None:
    """End the process, which lost a thread that it cannot be without."""
    _log.critical("thread lost: the process ends", thread=thread, error_type=type(error).__name__, exc_info=error)
    time.sleep(LAST_WORD)
    os._exit(LOST_THREAD)
