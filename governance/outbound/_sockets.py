"""Sockets that belong to one call at a time: each of their steps is paid from its seconds and its bytes.

A time-out of a socket starts anew with each byte, so a stranger that drips its answer would hold a thread for ever.
Here every step asks the call of its thread how long it may still take: TLS handshake, question, headers and body alike.
The bytes are counted where they come in, so what no reader of a body sees (endless headers, interim answers, chunks of
nothing) is bounded as well.
"""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from governance.outbound._resolver import Resolver
from governance.outbound.budget import Deadline
from governance.outbound.failure import CallOutcome, OutboundFailed
from governance.outbound.peers import IPAddress, Peers

_HEAD = 1 << 16  # bytes that may come beside the body: status line, headers, what separates chunks
_ADDRESSES = 8  # addresses of one name that are tried


class Call:
    """One call under way.

    Args:
        deadline: when its seconds are spent.
        size: bytes that the body of its answer may have.
        peers: where hosts may be.
        resolver: finds their addresses.
        unix: path of the Unix socket that is called instead of any address.
    """

    __slots__ = ("_most", "_peers", "_resolver", "_unix", "deadline", "received")

    def __init__(self, deadline: Deadline, size: int, peers: Peers, resolver: Resolver, unix: str | None) -> None:
        self.deadline = deadline
        self.received = 0
        self._most = size + _HEAD
        self._peers = peers
        self._resolver = resolver
        self._unix = unix

    def time(self) -> float:
        """Give the seconds for the next step. Raises OutboundFailed: TIMEOUT."""
        left = self.deadline.left
        if not left:
            raise OutboundFailed(CallOutcome.TIMEOUT)
        return left

    def receive(self, count: int) -> None:
        """Count bytes that came in. Raises OutboundFailed: TOO_LONG."""
        self.received += count
        if self.received > self._most:
            raise OutboundFailed(CallOutcome.TOO_LONG)

    def connect(self, host: str, port: int) -> socket.socket:
        """Connect to the first address of a host that may be called and answers; the name is looked up once.

        Raises:
            OutboundFailed: ADDRESS_REFUSED, BUSY, TIMEOUT or UNREACHABLE.
        """
        if self._unix is not None:
            return self._dial(socket.AF_UNIX, self._unix, self.time())
        found = self._resolver.addresses(host, self.deadline)
        allowed = [address for address in found if self._peers.allows(host, address)][:_ADDRESSES]
        if not allowed:
            raise OutboundFailed(CallOutcome.ADDRESS_REFUSED)
        for number, address in enumerate(allowed):
            try:
                return self._dial(_family(address), (str(address), port), self.time() / (len(allowed) - number))
            except OSError:
                continue
        raise OutboundFailed(CallOutcome.UNREACHABLE if self.deadline.left else CallOutcome.TIMEOUT)

    @staticmethod
    def _dial(family: socket.AddressFamily, address: Any, seconds: float) -> socket.socket:
        made = _PlainSocket(family, socket.SOCK_STREAM)
        try:
            made.settimeout(seconds)
            made.connect(address)
            if family is not socket.AF_UNIX:
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            made.close()
            raise
        return made


class _Here(threading.local):
    call: Call | None = None


_HERE = _Here()


@contextmanager
def under_way(call: Call) -> Iterator[Call]:
    """Let every step of this thread's sockets be paid by a call."""
    before, _HERE.call = _HERE.call, call
    try:
        yield call
    finally:
        _HERE.call = before


def _paying() -> Call:
    if _HERE.call is None:
        raise RuntimeError("a socket of the outbound client is used outside a call")
    return _HERE.call


class _Paid:
    """What a socket does at the cost of the call of its thread."""

    def recv_into(self, *arguments: Any) -> int:
        call = _paying()
        self.settimeout(call.time())  # type: ignore[attr-defined]
        try:
            count: int = super().recv_into(*arguments)  # type: ignore[misc]
        except TimeoutError:
            raise OutboundFailed(CallOutcome.TIMEOUT) from None
        call.receive(count)
        return count

    def sendall(self, *arguments: Any) -> None:
        self.settimeout(_paying().time())  # type: ignore[attr-defined]
        try:
            super().sendall(*arguments)  # type: ignore[misc]
        except TimeoutError:
            raise OutboundFailed(CallOutcome.TIMEOUT) from None


class _PlainSocket(_Paid, socket.socket):
    """A TCP or Unix connection."""


class SecureSocket(_Paid, ssl.SSLSocket):
    """A TLS connection; set as the class of a context's sockets."""

    def send(self, *arguments: Any) -> int:
        """Send one record: ``sendall`` of TLS sends as many as it takes, each with a time-out of its own."""
        self.settimeout(_paying().time())
        return super().send(*arguments)

    def do_handshake(self, block: bool = False) -> None:
        """Shake hands; the time-out is one for all of it."""
        try:
            self.settimeout(_paying().time())
            super().do_handshake(block)
        except (OutboundFailed, TimeoutError):
            self.close()  # nobody has it yet who would
            raise OutboundFailed(CallOutcome.TIMEOUT) from None


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _paying().connect(self._dns_host, self.port)


class _SecureConnection(HTTPSConnection):
    """TLS verifies the name that was asked for, whatever address it led to."""

    def _new_conn(self) -> socket.socket:
        return _paying().connect(self._dns_host, self.port)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


POOLS = {"http": _Pool, "https": _SecurePool}


def _family(address: IPAddress) -> socket.AddressFamily:
    return socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
