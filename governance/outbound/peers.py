"""Which addresses may be called: the public ones, and for registered hosts those of their networks.

The rule is put to an address at the moment of the connection, never to a name beforehand: a name that led to a public
address a second ago may lead to this machine now.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from types import MappingProxyType
from typing import TypeAlias
from urllib.parse import urlsplit

from governance.outbound.failure import CallOutcome, OutboundFailed
from governance.vocabulary import DEFAULT_PORTS

IPAddress: TypeAlias = IPv4Address | IPv6Address
IPNetwork: TypeAlias = IPv4Network | IPv6Network

LOOPBACK: tuple[tuple[str, IPNetwork], ...] = tuple(
    (host, ip_network(network))
    for host, network in (
        ("127.0.0.1", "127.0.0.0/8"),
        ("::1", "::1/128"),
        ("localhost", "127.0.0.0/8"),
        ("localhost", "::1/128"),
    )
)
_INSIDE: tuple[IPNetwork, ...] = tuple(  # where the operator's own servers may be; never link-local
    ip_network(network)
    for network in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are the IPv4 address that is really called


@dataclass(frozen=True, slots=True)
class _Rule:
    """Where one host may be."""

    networks: tuple[IPNetwork, ...] = ()
    public: bool = False

    def allows(self, address: IPAddress) -> bool:
        return (self.public and is_public(address)) or any(address in network for network in self.networks)


_STRANGER = _Rule(public=True)


class Peers:
    """The hosts that may be called at other addresses than public ones.

    Args:
        registered: hosts and the network each is in; a host may be named several times. Such a host is called in its
            networks and nowhere else, public addresses included.
        own: base URLs that the operator's settings name as services of their own. A URL with an address allows that
            address; one with a name allows public, private and loopback addresses to that name, not link-local ones.
    """

    def __init__(self, registered: Iterable[tuple[str, IPNetwork]] = (), own: Iterable[str] = ()) -> None:
        rules = {host: _own(host) for host in map(_host_of, own)}
        networks: dict[str, list[IPNetwork]] = {}
        for host, network in registered:
            networks.setdefault(canonical(host), []).append(network)
        rules |= {host: _Rule(tuple(found)) for host, found in networks.items()}
        self._rules: Mapping[str, _Rule] = MappingProxyType(rules)

    def allows(self, host: str, address: IPAddress) -> bool:
        """Say whether a host may be called at an address."""
        return self._rules.get(canonical(host), _STRANGER).allows(_really(address))


def is_public(address: IPAddress) -> bool:
    """Say whether an address belongs to the public Internet, for itself and for an IPv4 address embedded in it.

    Refused: loopback, link-local, private, shared, documentation, multicast, unspecified and reserved ones
    (IANA's special-purpose registries).
    """
    address = _really(address)
    if isinstance(address, IPv6Address):
        embedded = [address.sixtofour, *(address.teredo or ())]
        if address.is_site_local or any(inner is not None and not is_public(inner) for inner in embedded):
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def host_and_port(url: str, plain_http: bool = False) -> str:
    """Give the host and port of a URL that may be asked: https, or http on a loopback address; nobody's password in it.

    They are the same however the URL spells them: in capitals, with the root's dot, without the port that is usual.

    Args:
        url: the whole URL.
        plain_http: whether http may be spoken with other hosts too.

    Raises:
        OutboundFailed: URL_REFUSED.
    """
    try:
        parts = urlsplit(url)
        safe = parts.scheme == "https" or (parts.scheme == "http" and (plain_http or is_loopback_host(parts.hostname)))
        port = parts.port
    except ValueError:
        raise OutboundFailed(CallOutcome.URL_REFUSED) from None
    if not safe or not parts.hostname or "@" in parts.netloc:
        raise OutboundFailed(CallOutcome.URL_REFUSED)
    return f"{canonical(parts.hostname)}:{DEFAULT_PORTS[parts.scheme] if port is None else port}"


def is_loopback_host(host: str | None) -> bool:
    """Say whether a host is this machine by its very name: ``localhost`` or a loopback address."""
    literal = literal_address(host or "")
    return host == "localhost" if literal is None else literal.is_loopback


def literal_address(host: str) -> IPAddress | None:
    """Give the address that a host is written as; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def canonical(host: str) -> str:
    """Give a host as it is compared: lower case, without the root's dot; an address in its shortest form."""
    literal = literal_address(host)
    return host.lower().rstrip(".") if literal is None else str(literal)


def _really(address: IPAddress) -> IPAddress:
    """Give the IPv4 address that an IPv6 one only wraps (IPv4-mapped, NAT64), or else the address."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _own(host: str) -> _Rule:
    literal = literal_address(host)
    return _Rule(_INSIDE, public=True) if literal is None else _Rule((ip_network(literal),))


def _host_of(url: str) -> str:
    return canonical(urlsplit(url).hostname or "")
