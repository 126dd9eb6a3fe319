"""Where a request was sent, and where it came from.

1. The path is the one that was sent, percent-encoded: a server in front decodes it, and two paths may decode alike.
2. A request comes from the address that connected, unless that is a trusted proxy: then from the last address in
   ``X-Forwarded-For`` that is no proxy of ours. What stands before that one is whatever a client wrote.
3. Nothing here redirects. A route answers at its one address or not at all, for a redirect would be built from the Host
   header, which is whatever a client wrote.
4. A number in a path has 18 digits at most, as many as any column here holds; of more there is no such page.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import quote

from flask import Flask, request
from werkzeug.routing import IntegerConverter

from governance.settings import Settings

FORWARDED = "X-Forwarded-For"
_PLAIN = "/:@!$&'()*+,;=~"  # what stands in a path unencoded (RFC 3986 section 3.3)
_HOPS = 20  # addresses of a header that are looked at


class _Number(IntegerConverter):
    """A number of a path (rule 4)."""

    regex = r"\d{1,18}"


def install(app: Flask) -> None:
    """Let an application's routes answer at their own addresses only (rules 3 and 4); called before there are any."""
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    app.url_map.converters["int"] = _Number


def sent_path() -> str:
    """Give the path of this request as it was sent, without its query (rule 1)."""
    scope = request.environ.get("asgi.scope")
    if scope is not None and scope.get("raw_path"):
        raw: bytes = scope["raw_path"]
        return raw.decode("latin-1").partition("?")[0]
    given: str | None = request.environ.get("RAW_URI")
    return given.partition("?")[0] if given else quote(request.path, safe=_PLAIN)


def came_from_proxy(settings: Settings) -> bool:
    """Say whether a trusted proxy passed this request on."""
    return _is_proxy(_address(request.remote_addr), settings)


def came_from(settings: Settings) -> str:
    """Give the address this request came from (rule 2), empty when the server does not know it."""
    return origin(request.remote_addr, request.headers.getlist(FORWARDED), settings)


def origin(connected: str | None, forwarded: Iterable[str], settings: Settings) -> str:
    """Give the address a request came from (rule 2), empty when the server does not know it.

    An IPv6 address is given by its network of 64 bits: whoever has one address of it has them all.

    Args:
        connected: the address that connected.
        forwarded: the values of ``X-Forwarded-For``, in order.
        settings: say which proxies are trusted.
    """
    address = _address(connected)
    if _is_proxy(address, settings):
        hops = ",".join(forwarded).split(",")[-_HOPS:]
        for hop in reversed(hops):
            named = _address(hop.strip())
            if named is None:
                break
            address = named
            if not _is_proxy(named, settings):
                break
    if isinstance(address, IPv6Address):
        return f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return str(address or "")


def _is_proxy(address: IPv4Address | IPv6Address | None, settings: Settings) -> bool:
    return address is not None and any(address in network for network in settings.trusted_proxies)


def _address(text: str | None) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text or "")
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
