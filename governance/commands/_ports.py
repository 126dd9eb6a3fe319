"""Ports of this host: held by one server, however its listeners share them among its own processes.

The workers of a server share its port by ``SO_REUSEPORT``, with which a second server would share it too, without a
word. So a server claims its ports first, and keeps the claim while one of its processes lives.
"""

import errno
import socket
from collections.abc import Sequence
from contextlib import ExitStack, suppress

import click

Address = tuple[str, int]


def claim(addresses: Sequence[Address]) -> ExitStack:
    """Claim addresses for this server and its children, and give what holds the claims until it is closed.

    Raises:
        ClickException: another server, or another program, listens there, or this host has no such address.
    """
    with ExitStack() as held:
        for host, port in addresses:
            held.enter_context(_name(host, port))
            _try(host, port)
        return held.pop_all()


def can_listen(setting: str, address: Address) -> None:
    """Make sure that this host has an address; whoever listens there already is no fault.

    Raises:
        ClickException: nothing can listen there; it names the setting.
    """
    try:
        _listen(*address)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise click.ClickException(f"{setting}: nothing can listen there: {error.strerror}.") from None


def answers(place: str | Address, seconds: float) -> bool:
    """Say whether a connection can be opened to the path of a Unix socket, or to a host and port; nothing is said."""
    kinds = (socket.AF_UNIX,) if isinstance(place, str) else (socket.AF_INET, socket.AF_INET6)
    for kind in kinds:
        with socket.socket(kind) as link, suppress(OSError):
            link.settimeout(seconds)
            link.connect(place)
            return True
    return False


def _name(host: str, port: int) -> socket.socket:
    """Take the name of an address among the servers of this host (unix(7), abstract names); gone with its holders."""
    named = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        named.bind(f"\0imaging-governance/{host}/{port}")
    except OSError:
        named.close()
        raise click.ClickException(f"Another server is running at {host} port {port}.") from None
    named.set_inheritable(True)
    return named


def _try(host: str, port: int) -> None:
    """Listen at an address alone, for a moment."""
    try:
        _listen(host, port)
    except OSError as error:
        raise click.ClickException(f"Nothing can listen at {host} port {port}: {error.strerror}.") from None


def _listen(host: str, port: int) -> None:
    socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
