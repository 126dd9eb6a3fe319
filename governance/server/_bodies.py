"""Request bodies, read on the event loop before a thread is taken: whoever sends slowly holds up nobody else.

1. A request reaches the application with all of its body, or not at all. Only then does a thread see to it.
2. Most bodies come with their request. One that does not is slow: each address (behind a trusted proxy, the one it
   names) may have some of those, all together may have more (:class:`BodyLimits`). One too many is answered 503.
3. A slow body must come at a least rate after some grace, and within a longest time. Else it is answered 408.
4. A body over the most that any endpoint takes is answered 413 without being read to its end; each endpoint holds its
   own to less. Large ones wait in memory up to a number of bytes of all.
5. A body sent in chunks (RFC 9112 section 7.1) has a length for the application, as any other.
6. When the process stops, whoever still sends is answered 503.

Example: ``BodyGate(services, application)`` is what an ASGI server calls.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter

from governance.api.authzen.loop import EventLoopEndpoint
from governance.bootstrap import Services
from governance.web.addresses import FORWARDED, origin
from governance.web.asgi import Message, Receive, Scope_, Send, again, reply_of, send_reply
from governance.web.body import DEFAULT_MAXIMUM
from governance.web.observation import Answered, answer_headers, keep, trace_of
from governance.web.problems import AGAIN, problem
from governance.web.security_headers import content_security_policy, headers_of

MAXIMUM = 16 * 1024 * 1024  # bytes of a body: the most that any endpoint takes
_FORWARDED = FORWARDED.lower().encode()
ROUTE = "unread"  # in metrics and logs: no route was looked for

_ANSWERS = {
    "closing": (503, "The service is closing. Ask again."),
    "crowded": (503, "Too much is under way that comes slowly. Ask again."),
    "late": (408, "The body did not come in time."),
    "too_long": (413, f"A body may be {MAXIMUM} bytes at most."),
}


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Bounds of the bodies that one process waits for.

    ``quick`` seconds after which a body is slow; ``each`` slow bodies of one address, ``slow`` of all; ``rate`` bytes a
    second after ``grace`` seconds, ``longest`` seconds at most; ``waiting`` bytes of all in memory.
    """

    quick: float = 1.0
    each: int = 16
    slow: int = 256
    rate: int = 16 * 1024
    grace: float = 10.0
    longest: float = 120.0
    waiting: int = 256 * 1024 * 1024


class _Refused(Exception):
    """A body that is not waited for; ``why`` is one of the answers."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class _Gone(Exception):
    """The sender went away; nobody is left to answer."""


class BodyGate:
    """An ASGI application (version 3.0) in front of another, which gets whole bodies only.

    Args:
        services: the services of this process.
        application: answers the requests.
        limits: its bounds.
    """

    def __init__(self, services: Services, application: EventLoopEndpoint, limits: BodyLimits | None = None) -> None:
        self.limits = limits or BodyLimits()
        self._metrics = services.infrastructure.metrics
        self._settings = services.infrastructure.settings
        self._application = application
        self._reading: set[_Reading] = set()
        self._slow: Counter[str] = Counter()
        self._bytes = 0
        self._stopping = False
        secure = self._settings.issuer.startswith("https://")
        self._headers = headers_of(content_security_policy(None), secure) | {"Connection": "close"}

    async def __call__(self, scope: Scope_, receive: Receive, send: Send) -> None:
        """Answer one request, once its body is there."""
        if scope["type"] != "http" or (length := _length(scope["headers"])) == 0:
            await self._application(scope, receive, send)
            return
        began, reading = perf_counter(), _Reading(self, self._origin(scope))
        try:
            try:
                body = await reading.body(receive, length)
            except _Refused as refused:
                await self._refuse(refused.why, scope, perf_counter() - began, send)
                return
            except _Gone:
                return
            whole: Message = {"type": "http.request", "body": body, "more_body": False}
            await self._application(_sized(scope, length, len(body)), again([whole], receive), send)
        finally:
            self._bytes -= reading.size

    def stop_waiting(self) -> None:
        """Wait for no body that comes slowly, now or later: the process stops. Called on the event loop."""
        self._stopping = True
        for reading in list(self._reading):
            if reading.is_slow:
                reading.refuse("closing")

    def close(self) -> None:
        """Refuse the questions that still wait for their answer; called on the event loop."""
        self._application.close()

    def begin(self, reading: "_Reading") -> None:
        """Count a body that is being read."""
        self._reading.add(reading)

    def end(self, reading: "_Reading") -> None:
        """Count it no more."""
        self._reading.discard(reading)
        if reading.is_slow:
            self._slow[reading.peer] -= 1
            self._slow += Counter()  # forgets addresses that have none

    def admit_slow(self, peer: str) -> str | None:
        """Let one more body of an address be slow; gives why it may not be, None when it may."""
        if self._stopping:
            return "closing"
        if self._slow[peer] >= self.limits.each or self._slow.total() >= self.limits.slow:
            return "crowded"
        self._slow[peer] += 1
        return None

    def admits_bytes(self, count: int, size: int) -> bool:
        """Let so many bytes more of a body of this size wait in memory, if it is a small one or there is room."""
        self._bytes += count
        return size <= DEFAULT_MAXIMUM or self._bytes <= self.limits.waiting

    def _origin(self, scope: Scope_) -> str:
        """Give the address a request came from."""
        forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == _FORWARDED]
        return origin((scope.get("client") or (None,))[0], forwarded, self._settings)

    async def _refuse(self, why: str, scope: Scope_, seconds: float, send: Send) -> None:
        status, detail = _ANSWERS[why]
        document = problem(status, f"body.{why}", detail)
        if status == 503:
            document.headers["Retry-After"] = AGAIN
        given = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        own = self._headers | answer_headers(trace_of(given.get("traceparent")), given.get("x-request-id"))
        self._metrics.body_refused(why=why)
        keep(self._metrics, Answered(ROUTE, scope["method"], status, seconds, None))
        await send_reply(send, reply_of(document), own)


class _Reading:
    """The reading of one body, on the event loop.

    Args:
        gate: has the places and the room for it.
        peer: the address it comes from.
    """

    def __init__(self, gate: BodyGate, peer: str) -> None:
        self.peer = peer
        self.size = 0
        self.is_slow = False
        self._gate = gate
        self._why = "late"
        self._began = asyncio.get_running_loop().time()
        self._limit = asyncio.timeout(None)

    async def body(self, receive: Receive, length: int | None) -> bytes:
        """Read all of a body.

        Raises:
            _Refused: it is too long or too slow, or there is no place for it.
            _Gone: its sender went away.
        """
        if length is not None and length > MAXIMUM:
            raise _Refused("too_long")
        slow = asyncio.get_running_loop().call_later(self._gate.limits.quick, self._slow_down)
        try:
            async with self._limit:
                self._gate.begin(self)
                return await self._parts(receive)
        except TimeoutError:
            raise _Refused(self._why) from None
        finally:
            slow.cancel()
            self._gate.end(self)

    def refuse(self, why: str) -> None:
        """Wait no longer."""
        self._why = why
        if not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time())

    async def _parts(self, receive: Receive) -> bytes:
        parts: list[bytes] = []
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise _Gone
            part = message.get("body", b"")
            parts.append(part)
            self.size += len(part)
            if not self._gate.admits_bytes(len(part), self.size):
                raise _Refused("crowded")
            if self.size > MAXIMUM:
                raise _Refused("too_long")
            if not message.get("more_body", False):
                return parts[0] if len(parts) == 1 else b"".join(parts)
            if self.is_slow:
                self._allow()

    def _slow_down(self) -> None:
        """Take a place of those that come slowly, or wait no longer when there is none."""
        why = self._gate.admit_slow(self.peer)
        self.is_slow = why is None
        if why is None:
            self._allow()
        else:
            self.refuse(why)

    def _allow(self) -> None:
        """Wait as long as a body of this size may take."""
        limits = self._gate.limits
        if not self._limit.expired():
            self._limit.reschedule(self._began + min(limits.longest, limits.grace + self.size / limits.rate))


def _length(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """Give the length of a request's body, 0 when it has none and None when only its end will tell."""
    length = 0
    for name, value in headers:
        lower = name.lower()
        if lower == b"transfer-encoding":
            return None
        if lower == b"content-length":
            length = int(value) if value.isdigit() else 0
    return length


def _sized(scope: Scope_, announced: int | None, size: int) -> Scope_:
    """Give a request whose body came in chunks the length it turned out to have."""
    if announced is not None:
        return scope
    kept = [pair for pair in scope["headers"] if pair[0].lower() not in (b"transfer-encoding", b"content-length")]
    return {**scope, "headers": [*kept, (b"content-length", str(size).encode())]}
