"""From a name to its addresses within a deadline: the system's resolver cannot be interrupted, so it runs beside.

One look-up of a name runs at a time, in a thread of its own; whoever needs the name meanwhile waits for its answer,
each within its own deadline. A look-up that takes too long goes on without its callers until the system gives up, and
holds one of ``_AT_ONCE`` places until then.
"""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from threading import Condition, Event, Thread
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


@dataclass(slots=True)
class _LookUp:
    """One look-up under way."""

    over: Event = field(default_factory=Event)
    found: Sequence[IPAddress] = ()


class Resolver:
    """Finds addresses.

    Args:
        resolve: gives the addresses of a name; raises OSError or ValueError when it has none.
    """

    def __init__(self, resolve: Resolve = system_addresses) -> None:
        self._resolve = resolve
        self._under_way: dict[str, _LookUp] = {}
        self._changed = Condition()

    def addresses(self, host: str, deadline: Deadline) -> Sequence[IPAddress]:
        """Give the addresses of a host. Raises OutboundFailed: BUSY, TIMEOUT or UNREACHABLE."""
        literal = literal_address(host)
        if literal is not None:
            return (literal,)
        look_up = self._join(host, deadline)
        if not look_up.over.wait(deadline.left):
            raise OutboundFailed(CallOutcome.TIMEOUT)
        if not look_up.found:
            raise OutboundFailed(CallOutcome.UNREACHABLE)
        return look_up.found

    def _join(self, host: str, deadline: Deadline) -> _LookUp:
        """Give the look-up of a name that runs, or begin one when there is a place. Raises OutboundFailed: BUSY."""
        with self._changed:
            if not self._changed.wait_for(
                lambda: host in self._under_way or len(self._under_way) < _AT_ONCE, deadline.left
            ):
                raise OutboundFailed(CallOutcome.BUSY)
            return self._under_way.get(host) or self._begin(host)

    def _begin(self, host: str) -> _LookUp:
        look_up = _LookUp()
        try:
            Thread(target=self._look_up, args=(host, look_up), name="outbound-resolver", daemon=True).start()
        except RuntimeError:  # no thread can be started
            raise OutboundFailed(CallOutcome.BUSY) from None
        self._under_way[host] = look_up  # its thread waits for the lock before it takes this back
        return look_up

    def _look_up(self, host: str, look_up: _LookUp) -> None:
        try:
            look_up.found = self._resolve(host)
        except (OSError, ValueError):  # no such name, or none that can be (UnicodeError)
            look_up.found = ()
        finally:
            with self._changed:
                del self._under_way[host]
                self._changed.notify_all()
            look_up.over.set()
