"""The syslog listener: takes audit messages over TCP (RFC 6587 framing; TLS ends at the proxy in front).

1. Syslog knows no acknowledgement, so what was read from a connection is recorded or kept before more is read from it:
   whatever keeps it from being taken stops the reading, and TCP makes the sender wait.
2. Connections, message sizes and waiting bytes are bounded.
3. Closing takes in what already arrived, then hangs up. Messages that cannot be taken even then are counted in the log.
4. A connection that breaks off leaves what it had begun to send, and that is taken like a whole message.
"""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from governance.errors import Unavailable
from governance.formats import Frame, Framer
from governance.telemetry import get_logger

Take = Callable[[Sequence[Frame], str], None]
_log = get_logger(__name__)
_RECEIVE = 65_536  # bytes read at once
_HANG_UP = 1.0  # seconds that closing takes beside draining


@dataclass(frozen=True, slots=True)
class SyslogLimits:
    """Bounds of the listener.

    ``message`` in bytes; ``idle`` seconds of silence after which an unfinished message is taken as it is;
    ``drain`` seconds that closing spends on what senders already sent and on a log that cannot be written.
    """

    connections: int = 64
    message: int = 1024 * 1024
    idle: float = 10.0
    drain: float = 5.0


class SyslogServer:
    """Listens, cuts each connection into frames and hands them over.

    Args:
        address: host and port; port 0 takes a free one.
        take: records frames of a peer durably, raises Unavailable when it cannot now.
        limits: its bounds.
    """

    def __init__(self, address: tuple[str, int], take: Take, limits: SyslogLimits | None = None) -> None:
        self._address = address
        self._take = take
        self._limits = limits or SyslogLimits()
        self._stopping = threading.Event()
        self._listener: socket.socket | None = None
        self._accepting: threading.Thread | None = None
        self._threads: set[threading.Thread] = set()
        self._slots = threading.BoundedSemaphore(self._limits.connections)

    @property
    def port(self) -> int:
        """Give the port it listens on; raises RuntimeError before :meth:`start`."""
        if self._listener is None:
            raise RuntimeError("the syslog listener is not open")
        return int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Open the listener; raises OSError when the address cannot be had."""
        self._listener = socket.create_server(self._address, backlog=self._limits.connections)
        self._listener.settimeout(0.2)
        self._accepting = threading.Thread(target=self._accept, name="syslog-accept", daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Take no new connection, take in what already arrived, hang up, and come back when it is done.

        All of it takes little longer than :attr:`SyslogLimits.drain`; a connection that is not done by then is left.
        """
        self._stopping.set()
        until = time.monotonic() + self._limits.drain + _HANG_UP
        if self._accepting is not None:
            self._accepting.join(_left(until))
        if self._listener is not None:
            self._listener.close()
        for thread in list(self._threads):
            thread.join(_left(until))
        if left := sum(thread.is_alive() for thread in list(self._threads)):
            _log.error("syslog connections left", count=left)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _accept(self) -> None:
        assert self._listener is not None  # noqa: S101  start() opened it before this thread
        while not self._stopping.is_set():
            try:
                connection, peer = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            if not self._slots.acquire(blocking=False):
                _log.warning("syslog connection refused", reason="too many connections")
                connection.close()
                continue
            self._begin(connection, str(peer[0]))

    def _begin(self, connection: socket.socket, peer: str) -> None:
        """Serve a connection, which has a slot, in a thread of its own; hang up when none can be started."""
        thread = threading.Thread(target=self._serve, args=(connection, peer), name="syslog-connection", daemon=True)
        self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:
            self._threads.discard(thread)
            self._slots.release()
            connection.close()
            _log.exception("syslog connection refused", reason="no thread", peer=peer)

    def _serve(self, connection: socket.socket, peer: str) -> None:
        try:
            with connection:
                self._read(connection, peer)
        except Exception:  # noqa: BLE001 - one connection must not take the listener down
            _log.exception("syslog connection failed", peer=peer)
        finally:
            self._slots.release()
            self._threads.discard(threading.current_thread())

    def _read(self, connection: socket.socket, peer: str) -> None:
        framer = Framer(self._limits.message)
        step = 0.1
        connection.settimeout(step)
        silent = drained = 0.0
        while drained < self._limits.drain:
            drained += step if self._stopping.is_set() else 0.0
            try:
                data = connection.recv(_RECEIVE)
            except TimeoutError:
                if self._stopping.is_set():
                    break
                silent += step
                if framer.waiting and silent >= self._limits.idle:
                    self._deliver(list(framer.flush()), peer)
                continue
            except OSError:
                _log.info("syslog connection broke", peer=peer)
                break
            silent = 0.0
            if not data:
                break
            self._deliver(list(framer.feed(data)), peer)
        self._deliver(list(framer.flush()), peer)

    def _deliver(self, frames: list[Frame], peer: str) -> None:
        """Hand frames over, waiting as long as they cannot be taken; when closing, only as long as draining."""
        waited = 0.0
        while frames:
            try:
                self._take(frames, peer)
            except Unavailable as error:
                pause, reason = min(float(error.retry_after), 1.0), error.reason
            except Exception as error:  # noqa: BLE001 - what was received is held until it is taken, whatever is wrong
                if not waited:
                    _log.exception("syslog messages held back", peer=peer, count=len(frames))
                pause, reason = 1.0, type(error).__name__
            else:
                return
            if waited >= self._limits.drain and self._stopping.is_set():
                _log.error("syslog messages not recorded", peer=peer, count=len(frames), reason=reason)
                return
            waited += pause
            self._pause(pause)

    def _pause(self, seconds: float) -> None:
        """Wait; while closing too, for a log may come back within the time that draining has."""
        if self._stopping.wait(seconds):
            time.sleep(seconds)


def _left(until: float) -> float:
    """Give the seconds that are left."""
    return max(0.0, until - time.monotonic())
