"""The life of a server process, as an ASGI server tells of it (ASGI lifespan protocol 2.0).

1. Asked to stop, the process answers at once whoever waits for news. The server says that it ends only once every
   request is answered, and a long poll lasts a minute, a stream of alerts five.
2. At the end nobody asks any more: then what runs beside the requests is stopped, in the order that loses nothing.
"""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import FrameType

from governance.api.authzen.loop import EventLoopEndpoint, Receive, Scope_, Send
from governance.jobs import Runtime
from governance.telemetry import get_logger

_log = get_logger(__name__)
_TO_STOP = (signal.SIGTERM, signal.SIGINT)


class Lifespan:
    """An ASGI application (version 3.0): another one, and what begins and ends with it.

    Args:
        application: answers the requests.
        runtime: what runs beside them, already running.
    """

    def __init__(self, application: EventLoopEndpoint, runtime: Runtime) -> None:
        self._application = application
        self._runtime = runtime

    def __call__(self, scope: Scope_, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request, or follow the life of the process."""
        if scope["type"] == "lifespan":
            return self._live(receive, send)
        return self._application(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()  # lifespan.startup
        self._hear_of_the_end()
        await send({"type": "lifespan.startup.complete"})
        await receive()  # lifespan.shutdown
        self._application.close()
        try:
            await asyncio.to_thread(self._runtime.stop)
        except Exception as error:  # noqa: BLE001 - the process ends in any case; what it had acknowledged is kept
            _log.exception("not stopped in order", error_type=type(error).__name__)
        await send({"type": "lifespan.shutdown.complete"})

    def _hear_of_the_end(self) -> None:
        """Hear the signals that end the process, beside the server that handles them."""
        with suppress(ValueError):  # a server that does not run in the main thread: it is stopped in some other way
            for number in _TO_STOP:
                _also(number, self._runtime.answer_waits)


def _also(number: signal.Signals, act: Callable[[], None]) -> None:
    """Do something more at a signal, in a thread, for a handler may hold up nothing and take no lock."""
    before = signal.getsignal(number)

    def handle(received: int, frame: FrameType | None) -> None:
        threading.Thread(target=act, name="answer-waits", daemon=True).start()
        if callable(before):
            before(received, frame)

    signal.signal(number, handle)
    signal.siginterrupt(number, False)
