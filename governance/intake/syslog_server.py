"""The syslog listener: takes audit messages over TCP (RFC 6587 framing; TLS ends at the proxy in front).

1. Syslog knows no acknowledgement, so what was read from a connection is recorded or kept before more is read from it:
   whatever keeps it from being taken stops the reading, and TCP makes the sender wait.
2. Connections, those of one address, message sizes and waiting bytes are bounded. When no place is left, the connection
   that has been silent longest makes room; one that holds a half message, or has just sent something, does not.
3. A connection ends that is silent for long, and one whose message does not come to its end.
4. Closing accepts and reads what already arrived, then hangs up. Whatever of a sender's bytes was acknowledged to it by
   then is recorded, kept or named.
5. Whatever this end closes with bytes unread or a frame half read is told by name (:class:`Cut`): all of a stop at
   once, others soon and not one by one. What cannot be told is told again later.
6. A connection that breaks off leaves what it had begun to send, and that is taken like a whole message.
7. The thread that accepts outlives what the system refuses (no file descriptor, no thread).
"""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from governance.clock import Clock, SystemClock
from governance.intake._syslog_connection import Connection, Cut, SyslogLimits, Take, Why, take_no_more
from governance.telemetry import get_logger
from governance.threads import VitalThreads, harmless

__all__ = ["Cut", "SyslogLimits", "SyslogServer", "Take", "Why"]

_log = get_logger(__name__)
_HANG_UP = 0.7  # seconds that closing takes beside draining
_LOOK = 0.2  # seconds between two looks whether to stop or to tell, and after accepting failed
_TELL = 10.0  # seconds between two tellings
_CUTS = 1_000  # connections that wait to be told; more are only counted


class Count(Protocol):
    """Counts one connection that ended."""

    def __call__(self, *, why: str, cut: bool) -> None:
        """Count it by why it ended, and whether something of it was cut off."""


def _count_nothing(*, why: str, cut: bool) -> None:
    """Keep no count."""


def _tell_nobody(cuts: Sequence[Cut]) -> None:
    """Keep it to oneself."""


class SyslogServer:
    """Listens, cuts each connection into frames and hands them over.

    Args:
        address: host and port; port 0 takes a free one.
        take: records frames of a peer durably and gives the index of the last event recorded, if any; raises
            Unavailable when it cannot now.
        limits: its bounds.
        clock: says when a connection was closed.
        threads: those that the process cannot be without; the one that accepts is one of them.
        counted: counts each connection that ended.
        told: hears of connections that were cut off; they stay untold when it raises.
    """

    def __init__(
        self,
        address: tuple[str, int],
        take: Take,
        limits: SyslogLimits | None = None,
        *,
        clock: Clock | None = None,
        threads: VitalThreads | None = None,
        counted: Count = _count_nothing,
        told: Callable[[Sequence[Cut]], object] = _tell_nobody,
    ) -> None:
        self._address = address
        self._take = take
        self._limits = limits or SyslogLimits()
        self._clock = clock or SystemClock()
        self._vital = threads or VitalThreads()
        self._counted = counted
        self._told = told
        self._stopping = threading.Event()
        self._listener: socket.socket | None = None
        self._accepting: threading.Thread | None = None
        self._changed = threading.Lock()  # over the two below
        self._connections: dict[Connection, threading.Thread] = {}
        self._cuts: list[Cut] = []
        self._told_at = 0.0

    @property
    def port(self) -> int:
        """Give the port it listens on; raises RuntimeError before :meth:`start`."""
        if self._listener is None:
            raise RuntimeError("the syslog listener is not open")
        return int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Open the listener; raises OSError when the address cannot be had."""
        self._listener = socket.create_server(self._address, backlog=self._limits.connections)
        self._listener.settimeout(_LOOK)
        self._accepting = self._vital.start("syslog-accept", self._accept)

    def close(self) -> None:
        """Accept and read what already arrived, hang up, tell what was cut off, and come back when it is done.

        All of it takes little longer than :attr:`SyslogLimits.drain`; a connection that is not done by then is left.
        """
        until = time.monotonic() + self._limits.drain
        self._stopping.set()
        if self._accepting is not None:
            self._accepting.join(self._limits.drain)
        if self._listener is not None:
            self._listener.close()
        open_ones = self._open_ones()
        for connection in open_ones:
            connection.hang_up(Why.STOPPING, until)
        for thread in filter(threading.Thread.is_alive, open_ones.values()):
            thread.join(max(0.0, until + _HANG_UP - time.monotonic()))
        for connection in self._open_ones():
            self._end(connection, Why.STOPPING, connection.abandon(Why.STOPPING))
        self._tell()

    def _open_ones(self) -> dict[Connection, threading.Thread]:
        with self._changed:
            return dict(self._connections)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _accept(self) -> None:
        assert self._listener is not None  # noqa: S101  start() opened it before this thread
        while True:
            if stopping := self._stopping.is_set():
                take_no_more(self._listener)
                self._listener.settimeout(0.0)  # what waits to be accepted has arrived
            else:
                self._tell_soon()
            try:
                link, address = self._listener.accept()
            except (TimeoutError, BlockingIOError):
                if stopping:
                    return
            except OSError as error:  # no file descriptor, no memory, a connection that is gone already
                if self._stopping.is_set():
                    return
                _log.error("syslog connection not accepted", error_type=type(error).__name__, errno=error.errno)
                self._stopping.wait(_LOOK)
            else:
                self._begin(Connection(link, str(address[0]), self._take, self._limits, self._clock), link)

    def _begin(self, connection: Connection, link: socket.socket) -> None:
        """Serve a connection in a thread of its own; hang up when there is no place for it, or no thread."""
        thread = threading.Thread(target=self._serve, args=(connection,), name="syslog-connection", daemon=True)
        with self._changed:
            refused = None if self._admits(connection.peer) else "too many connections"
            self._connections[connection] = thread
        if refused is None:
            try:
                thread.start()
            except RuntimeError:
                refused = "no thread"
        if refused is not None:
            _log.warning("syslog connection refused", reason=refused, peer=connection.peer)
            self._end(connection, Why.REFUSED, connection.refuse())

    def _admits(self, peer: str) -> bool:
        """Say whether there is a place for one more of an address, taking a silent one's if need be."""
        open_ones = [each for each in self._connections if each.ending is None]
        own = [each for each in open_ones if each.peer == peer]
        if len(own) < self._limits.each and len(open_ones) < self._limits.connections:
            return True
        silent = self._longest_silent(own if len(own) >= self._limits.each else open_ones)
        if silent is None:
            return False
        silent.hang_up(Why.DISPLACED, time.monotonic() + self._limits.drain)
        return True

    def _longest_silent(self, among: Sequence[Connection]) -> Connection | None:
        """Find who makes room: first who never sent anything, then who has been silent longest."""
        now, limits = time.monotonic(), self._limits
        silent = [
            each
            for each in among
            if not each.holds and now - each.heard_at >= (limits.quiet if each.has_sent else limits.unused)
        ]
        return min(silent, key=lambda each: (each.has_sent, each.heard_at), default=None)

    def _serve(self, connection: Connection) -> None:
        why, cut = Why.FAILED, None
        try:
            why, cut = connection.serve()
        except BaseException:  # noqa: BLE001 - one connection must not take the listener down
            _log.exception("syslog connection failed", peer=connection.peer)
            cut = connection.cut(why, None, 0)
        finally:
            self._end(connection, why, cut)

    def _end(self, connection: Connection, why: Why, cut: Cut | None) -> None:
        """Count a connection that ended, once, and keep what is to be told of it."""
        with self._changed:
            if self._connections.pop(connection, None) is None:
                return
            if cut is not None and len(self._cuts) < _CUTS:
                self._cuts.append(cut)
        self._counted(why=why.value, cut=cut is not None)
        if cut is not None:
            _log.error(
                "syslog connection cut off",
                source=cut.source,
                why=why.value,
                frames=cut.frames,
                last_frame=cut.last_frame,
                unread=cut.unread,
                half=cut.half,
                lost=cut.lost,
            )

    def _tell_soon(self) -> None:
        """Tell what was cut off, if there is anything, in a thread of its own: telling may have to wait for the log."""
        now = time.monotonic()
        if self._cuts and now - self._told_at >= _TELL:
            self._told_at = now
            threading.Thread(target=self._tell, name="syslog-tell", daemon=True).start()

    @harmless("observer")
    def _tell(self) -> None:
        with self._changed:
            cuts, self._cuts = self._cuts, []
        if not cuts:
            return
        try:
            self._told(cuts)
        except BaseException:
            with self._changed:
                self._cuts = cuts + self._cuts
            raise
