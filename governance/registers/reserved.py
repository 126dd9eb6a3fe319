"""Names that are this service's own: nobody registers them as an issuer of identities or as an archive's audience.

What names this service by its own URL is a token that it signed, or one addressed to it. A provider or an archive
of that name would be believed, or asked, in its place.
"""

from urllib.parse import urlsplit

from governance.errors import Fault
from governance.federation import IdentityProvider, ServiceClient
from governance.vocabulary import DEFAULT_PORTS

_MESSAGE = "is this service's own address: it is reserved"


class Reserved:
    """Knows what is this service's own.

    Args:
        issuer: its public base URL.
    """

    def __init__(self, issuer: str) -> None:
        self._own = _plain(issuer)

    def identity_provider(self, provider: IdentityProvider, below: str = "") -> list[Fault]:
        """Refuse an issuer that is this service; ``below`` is the place of its registration in a document."""
        return [Fault(f"{below}/issuer", _MESSAGE)] if self._is_own(provider.issuer) else []

    def client(self, client: ServiceClient, below: str = "") -> list[Fault]:
        """Refuse an archive whose tokens would be addressed to this service."""
        own = client.token_audience is not None and self._is_own(client.token_audience)
        return [Fault(f"{below}/token_audience", _MESSAGE)] if own else []

    def _is_own(self, name: str) -> bool:
        plain = _plain(name)
        return plain == self._own or plain.startswith(f"{self._own}/")


def _plain(url: str) -> str:
    """Give a URL as it is compared: what two spellings of one address share (RFC 3986 section 6.2)."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return url
    port = port or DEFAULT_PORTS.get(parts.scheme)
    return f"{parts.scheme}://{host}:{port}{parts.path}".rstrip("/")
