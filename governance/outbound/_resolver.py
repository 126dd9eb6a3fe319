"""From a name to its addresses within a deadline: the system's resolver cannot be interrupted, so it runs beside.

A look-up that takes too long goes on without its caller until the system gives up; no more than ``_AT_ONCE`` run.
"""

import socket
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Thread
from typing import TypeAlias

from governance.outbound.budget import Deadline
from governance.outbound.failure import CallOutcome, OutboundFailed
from governance.outbound.peers import IPAddress, literal_address

Resolve: TypeAlias = Callable[[str], Sequence[IPAddress]]
_AT_ONCE = 32


def system_addresses(host: str) -> Sequence[IPAddress]:
    """Ask the system; raises OSError, or UnicodeError for what cannot be a name."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(ip_address(entry[4][0]) for entry in found))


class Resolver:
    """Finds addresses.

    Args:
        resolve: gives the addresses of a name; raises OSError or ValueError when it has none.
    """

    def __init__(self, resolve: Resolve = system_addresses) -> None:
        self._resolve = resolve
        self._free = BoundedSemaphore(_AT_ONCE)

    def addresses(self, host: str, deadline: Deadline) -> Sequence[IPAddress]:
        """Give the addresses of a host. Raises OutboundFailed: BUSY, TIMEOUT or UNREACHABLE."""
        literal = literal_address(host)
        if literal is not None:
            return (literal,)
        if not self._free.acquire(timeout=deadline.left):
            raise OutboundFailed(CallOutcome.BUSY)
        answer: SimpleQueue[Sequence[IPAddress]] = SimpleQueue()
        Thread(target=self._look_up, args=(host, answer), name="outbound-resolver", daemon=True).start()
        try:
            found = answer.get(timeout=deadline.left)
        except Empty:
            raise OutboundFailed(CallOutcome.TIMEOUT) from None
        if not found:
            raise OutboundFailed(CallOutcome.UNREACHABLE)
        return found

    def _look_up(self, host: str, answer: "SimpleQueue[Sequence[IPAddress]]") -> None:
        found: Sequence[IPAddress] = ()
        try:
            found = self._resolve(host)
        except (OSError, ValueError):  # no such name, or none that can be (UnicodeError)
            found = ()
        finally:
            self._free.release()
            answer.put(found)
