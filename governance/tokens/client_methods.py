"""The further ways in which a registered service proves who it is; each is off unless the settings turn it on.

An unknown service, one without the credential and a wrong credential are answered alike.
"""

from collections.abc import Callable
from typing import TypeVar

from sqlmodel import Session

from governance.clock import Clock
from governance.federation import FederationDirectory, ServiceClient
from governance.storage import Database
from governance.tokens import client_certificates, client_secrets
from governance.tokens.errors import TokenFault, TokenRefused

PRIVATE_KEY_JWT = "private_key_jwt"
SECRET_BASIC = "client_secret_basic"
Found = TypeVar("Found")
CERTIFICATE = "self_signed_tls_client_auth"


class ClientMethods:
    """Finds the registered service behind a secret or a certificate.

    Args:
        database: opens a read snapshot.
        federation: knows services and their credentials.
        clock: a certificate must be valid now.
        certificate_header: the header in which a trusted proxy passes certificates on; None turns them off.
        secret_basic: whether secrets are taken.
    """

    def __init__(
        self,
        database: Database,
        federation: FederationDirectory,
        clock: Clock,
        *,
        certificate_header: str | None,
        secret_basic: bool,
    ) -> None:
        self._database = database
        self._federation = federation
        self._clock = clock
        self._header = certificate_header
        self._secret_basic = secret_basic
        self._secrets = client_secrets.SecretCheck()

    @property
    def names(self) -> tuple[str, ...]:
        """Give the methods that are on, as metadata names them (RFC 8414 section 2, RFC 8705 section 2)."""
        offered = {SECRET_BASIC: self._secret_basic, CERTIFICATE: self._header is not None}
        return (PRIVATE_KEY_JWT, *(name for name, on in offered.items() if on))

    def by_secret(self, credential: str, pay: Callable[[], None]) -> ServiceClient:
        """Find the service behind the credential of HTTP Basic.

        Args:
            credential: as it was sent.
            pay: is called before a secret is looked at that did not prove right before; it may raise TooManyRequests.

        Raises:
            TokenRefused: it is nobody's.
            TooManyRequests: as many secrets are looked at as may.
        """
        if not self._secret_basic:
            raise TokenRefused(TokenFault.TYPE, "This service does not take client secrets.")
        client_id, secret = client_secrets.read_basic(credential)

        def find(session: Session) -> tuple[ServiceClient | None, str | None]:
            known = self._federation.client(session, client_id), self._federation.credentials(session, client_id)
            return known[0], known[1].secret_hash if known[0] else None

        client, kept = self._read(find)
        if not self._secrets.holds(client_id, secret, kept, pay) or client is None:
            raise TokenRefused(TokenFault.CLIENT, "The client id and secret were not accepted.")
        return client

    def by_certificate(self, value: str, client_id: str | None = None) -> ServiceClient:
        """Find the service that a certificate identifies; raises TokenRefused.

        Args:
            value: of the header, from a trusted proxy.
            client_id: whom the service says it is, when it says so.
        """
        if self._header is None:
            raise TokenRefused(TokenFault.TYPE, "This service does not take client certificates.")
        thumbprint = client_certificates.thumbprint(self._header, value, self._clock.now())
        client = self._read(lambda session: self._federation.client_of_certificate(session, thumbprint))
        if client is None or client_id not in (None, client.client_id):
            raise TokenRefused(TokenFault.CLIENT, "The client certificate was not accepted.")
        return client

    def _read(self, find: Callable[[Session], Found]) -> Found:
        with self._database.reading() as session:
            return find(session)
