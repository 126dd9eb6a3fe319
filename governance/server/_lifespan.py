"""The life of a server process, as an ASGI server tells of it (ASGI lifespan protocol 2.0).

1. What works beside the requests, and listens for syslog, starts only once the signals that end the process are heard:
   one that ended before would take with it what it had been sent.
2. Asked to stop, the process begins to end at once (:mod:`governance.server._ending`). The server says that it ends
   only once every request is answered, and a long poll lasts a minute, a stream of alerts five.
3. At the end nobody asks any more: then the rest of what runs beside the requests is stopped.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import FrameType

from governance.jobs import Runtime
from governance.server._bodies import BodyGate
from governance.server._ending import Ending, Exit
from governance.telemetry import get_logger
from governance.web.asgi import Receive, Scope_, Send

_log = get_logger(__name__)
_TO_STOP = (signal.SIGTERM, signal.SIGINT)


class Lifespan:
    """An ASGI application (version 3.0): another one, and what begins and ends with it.

    Args:
        application: answers the requests.
        runtime: what runs beside them; the writer of its log runs already.
        leave: ends the process at once with an exit code.
        begin: starts what works beside the requests (rule 1).
    """

    def __init__(
        self,
        application: BodyGate,
        runtime: Runtime,
        leave: Exit = os._exit,
        begin: Callable[[], object] = lambda: None,
    ) -> None:
        self._application = application
        self._begin = begin
        self._ending = Ending(runtime, leave)

    def __call__(self, scope: Scope_, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request, or follow the life of the process."""
        if scope["type"] == "lifespan":
            return self._live(receive, send)
        return self._application(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()  # lifespan.startup
        self._hear_of_the_end()
        try:
            await asyncio.to_thread(self._begin)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is said, and the process ends
            _log.critical("not started", error_type=type(error).__name__, exc_info=error)
            await send({"type": "lifespan.startup.failed", "message": "not started"})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()  # lifespan.shutdown
        self._application.close()
        await asyncio.to_thread(self._ending.finish)
        await send({"type": "lifespan.shutdown.complete"})

    def _hear_of_the_end(self) -> None:
        """Hear the signals that end the process, beside the server that handles them."""
        loop = asyncio.get_running_loop()

        def begin() -> None:
            self._ending.begin()
            with suppress(RuntimeError):  # the loop has ended already
                loop.call_soon_threadsafe(self._application.stop_waiting)

        with suppress(ValueError):  # a server that does not run in the main thread: it is stopped in some other way
            for number in _TO_STOP:
                _also(number, begin)


def _also(number: signal.Signals, act: Callable[[], None]) -> None:
    """Do something more at a signal, in a thread, for a handler may hold up nothing and take no lock."""
    before = signal.getsignal(number)

    def handle(received: int, frame: FrameType | None) -> None:
        threading.Thread(target=act, name="ending", daemon=True).start()
        if callable(before):
            before(received, frame)

    signal.signal(number, handle)
    signal.siginterrupt(number, False)
