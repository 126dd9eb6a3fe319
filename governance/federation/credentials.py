"""With what a registered service may prove itself beside its keys: certificates it was seen to hold, and a secret."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """The further credentials of a registered service.

    ``certificates`` are SHA-256 thumbprints of the DER, base64url without padding (``x5t#S256``, RFC 8705 section 3.1).
    ``secret_hash`` is what ``tokens.client_secrets`` made of the secret; the secret itself is kept nowhere.
    """

    client_id: str
    certificates: tuple[str, ...] = ()
    secret_hash: str | None = None
