"""One connection of a syslog sender: read, cut into frames, handed over, until it ends; and what is said of its end.

When this end ends it, the kernel is first told to drop what comes from then on, unacknowledged (:func:`take_no_more`).
Only then are the bytes counted that arrived and were not read, so what is named is what was left. The connection is
reset, not closed: a sender's next write fails at once, where after a close it would go nowhere.
"""

import ctypes
import fcntl
import hashlib
import socket
import struct
import termios
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from governance.clock import Clock
from governance.errors import Unavailable
from governance.formats import Frame, Framer
from governance.telemetry import get_logger
from governance.threads import is_fault

Take = Callable[[Sequence[Frame], str], int | None]
_log = get_logger(__name__)
_RECEIVE = 65_536  # bytes read at once
_CLOSE_WAIT = 8  # the state of a TCP connection whose other end has said all it had to say (tcp(7), TCP_INFO)
_DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)  # a filter of one instruction: return 0, of each packet keep nothing
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER (socket(7), Documentation/networking/filter.rst)
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: wait for nothing, send a reset
_SOON = 0.02  # seconds: the shortest wait
_FAILED = 1.0  # seconds between two attempts to hand over what could not be taken


class Why(StrEnum):
    """Why a connection ended."""

    DISPLACED = "displaced"
    DONE = "done"
    FAILED = "failed"
    IDLE = "idle"
    REFUSED = "refused"
    SLOW = "slow"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class SyslogLimits:
    """Bounds of the listener.

    ``connections`` at once, ``each`` of one address; ``message`` in bytes; ``idle`` seconds of silence after which an
    unfinished message is taken as it is; ``slow`` seconds that a message may take from its first byte to its last;
    ``silence`` seconds after which a connection is hung up; ``quiet`` and ``unused`` seconds of silence after which one
    that has sent something, or nothing yet, makes room for a newcomer; ``drain`` seconds that closing spends on what
    senders already sent and on a log that cannot be written.
    """

    connections: int = 64
    each: int = 32
    message: int = 1024 * 1024
    idle: float = 10.0
    slow: float = 30.0
    silence: float = 600.0
    quiet: float = 10.0
    unused: float = 0.5
    drain: float = 2.2


@dataclass(frozen=True, slots=True)
class Cut:
    """A connection that this end closed with bytes unread or a frame half read.

    Args:
        source: the address of the sender.
        at: when it was closed.
        why: it was closed.
        unread: bytes that had arrived, as far as they were acknowledged to the sender, and were not read; None when
            nobody could look.
        half: bytes of the frame that had not come to its end; they are kept like a whole message.
        lost: frames that were read and could not be recorded, the half one among them.
        frames: frames of this connection that are recorded or kept.
        last_frame: the SHA-256 of the last of those, in hexadecimal.
        last_index: the index in the log of the last event of those, if one was recorded.
    """

    source: str
    at: datetime
    why: Why
    unread: int | None
    half: int
    lost: int
    frames: int
    last_frame: str | None
    last_index: int | None


@dataclass(frozen=True, slots=True)
class _Kept:
    """How many frames of a connection are recorded or kept, the last of them, and where the log has the last event."""

    frames: int = 0
    last: Frame | None = None
    last_index: int | None = None


class Connection:
    """One connection; :meth:`serve` reads it in a thread of its own.

    Args:
        link: its socket.
        peer: the address of the sender.
        take: records frames of a peer durably, raises Unavailable when it cannot now.
        limits: its bounds.
        clock: says when it was closed.
    """

    def __init__(self, link: socket.socket, peer: str, take: Take, limits: SyslogLimits, clock: Clock) -> None:
        self.peer = peer
        self.heard_at = time.monotonic()
        self.has_sent = False
        self.ending: Why | None = None
        self.holds = False  # bytes or frames that are not yet recorded
        self._link = link
        self._take = take
        self._limits = limits
        self._clock = clock
        self._framer = Framer(limits.message)
        self._until = float("inf")
        self._frame_began: float | None = None
        self._heard_late = False
        self._lost = 0
        self._kept = _Kept()

    def hang_up(self, why: Why, until: float) -> None:
        """Have it end, for the listener's reasons, once what arrived is read.

        Args:
            why: it ends.
            until: when reading and handing over end, on the monotonic clock.
        """
        self._until, self.ending = until, why
        with suppress(OSError):
            self._link.shutdown(socket.SHUT_RD)  # wakes the reader, who still gets what has arrived

    def refuse(self) -> Cut | None:
        """Hang up at once, without having read anything; gives what is to be said if that cut something off."""
        with self._link:
            unread = _left_behind(self._link)
            return self.cut(Why.REFUSED, unread, 0) if unread else None

    def abandon(self, why: Why) -> Cut:
        """Say what is left of one that does not end; whoever still reads it is left to end with the process."""
        return self.cut(why, _left_behind(self._link), 0)

    def serve(self) -> tuple[Why, Cut | None]:
        """Read until the end; gives why it ended, and what is to be said if that cut something off."""
        with self._link:
            why = self._read()
            kept, half = self._kept, self._framer.waiting
            self._deliver(list(self._framer.flush()))
            self._kept = kept  # a half frame is no frame of the sender's
            unread = 0 if why is Why.DONE else _left_behind(self._link)
            cut = why is not Why.DONE and bool(unread or half or self._heard_late)
            return why, self.cut(why, unread, half) if cut or self._lost else None

    def cut(self, why: Why, unread: int | None, half: int) -> Cut:
        """Say what is known of it."""
        kept = self._kept
        digest = None if kept.last is None else hashlib.sha256(kept.last.raw).hexdigest()
        return Cut(self.peer, self._clock.now(), why, unread, half, self._lost, kept.frames, digest, kept.last_index)

    def _read(self) -> Why:
        while True:
            now = time.monotonic()
            if (why := self._over(now)) is not None:
                return why
            self._link.settimeout(max(_SOON, self._next_look(now) - now))
            try:
                data = self._link.recv(_RECEIVE)
            except TimeoutError:
                self._after_silence()
                continue
            except OSError:
                _log.info("syslog connection broke", peer=self.peer)
                return Why.DONE
            if not data:
                return self.ending if self.ending is not None and not _ended_by_peer(self._link) else Why.DONE
            self._hear(data)

    def _over(self, now: float) -> Why | None:
        """Give why it must end now, if it must."""
        if self.ending is not None and now >= self._until:
            return self.ending
        if self._frame_began is not None and now - self._frame_began >= self._limits.slow:
            return Why.SLOW
        if now - self.heard_at >= self._limits.silence:
            return Why.IDLE
        return None

    def _next_look(self, now: float) -> float:
        """Give when something is to be done although nothing arrives."""
        looks = [self._until, self.heard_at + self._limits.silence]
        if self._frame_began is not None:
            looks.append(self._frame_began + self._limits.slow)
            if (flush_at := self.heard_at + self._limits.idle) > now:
                looks.append(flush_at)
        return min(looks)

    def _after_silence(self) -> None:
        """Take an unfinished message as it is when nothing more of it came for long."""
        if self._framer.waiting and time.monotonic() - self.heard_at >= self._limits.idle:
            self._deliver(list(self._framer.flush()))
            self._frame_began, self.holds = None, False

    def _hear(self, data: bytes) -> None:
        self.heard_at, self.has_sent, self.holds = time.monotonic(), True, True
        self._heard_late = self._heard_late or self.ending is not None
        frames = list(self._framer.feed(data))
        self._deliver(frames)
        self.holds = self._framer.waiting > 0
        if not self.holds:
            self._frame_began = None
        elif frames or self._frame_began is None:
            self._frame_began = time.monotonic()

    def _deliver(self, frames: list[Frame]) -> None:
        """Hand frames over, waiting as long as they cannot be taken; when it must end, only until then."""
        waited = False
        while frames:
            try:
                index = self._take(frames, self.peer)
            except Unavailable as error:
                pause, reason = min(float(error.retry_after), _FAILED), error.reason
            except BaseException as error:
                if not is_fault(error):
                    raise
                # what was received is held until it is taken, whatever is wrong
                if not waited:
                    _log.exception("syslog messages held back", peer=self.peer, count=len(frames))
                pause, reason = _FAILED, type(error).__name__
            else:
                before = self._kept.last_index
                self._kept = _Kept(self._kept.frames + len(frames), frames[-1], before if index is None else index)
                return
            if time.monotonic() >= self._until:
                _log.error("syslog messages not recorded", peer=self.peer, count=len(frames), reason=reason)
                self._lost += len(frames)
                return
            waited = True
            self._pause(pause)

    def _pause(self, seconds: float) -> None:
        """Wait, but not past the end, and look often enough to hear of one."""
        over = time.monotonic() + seconds
        while (left := min(over, self._until) - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))


def take_no_more(link: socket.socket) -> None:
    """Have the kernel drop whatever arrives from now on: at a listener, no connection begins any more."""
    program = ctypes.create_string_buffer(_DROP_ALL)
    with suppress(OSError):  # a kernel that has none: then a few bytes may come between counting and the end
        link.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program)))


def _left_behind(link: socket.socket) -> int | None:
    """Take no more of a connection, have it reset when it is closed, and give how many bytes are left unread.

    They have arrived and were not read (tcp(7), FIONREAD).
    """
    take_no_more(link)
    try:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        return int(struct.unpack("i", fcntl.ioctl(link, termios.FIONREAD, struct.pack("i", 0)))[0])
    except OSError:
        return None


def _ended_by_peer(link: socket.socket) -> bool:
    """Say whether the other end has closed the connection: then nothing of it is cut off."""
    try:
        return link.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _CLOSE_WAIT
    except OSError:
        return True
