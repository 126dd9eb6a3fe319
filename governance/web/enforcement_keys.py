"""Keys of enforcement points: one for each archive, derived, never stored.

A gateway such as nginx cannot sign an assertion. It sends the key of its archive in a header that its configuration
sets. The key is an HMAC of the archive's client id under a key derived from the service's key-encryption key (RFC 5869
HKDF-Expand with a label of its own): nothing to store or leak, and it dies with the archive's registration. A key that
may be known is rotated: the next generation is another key, and the one before is no longer accepted.
"""

import base64
import hmac


def enforcement_key(key_encryption_key: bytes, client_id: str, generation: int = 0) -> str:
    """Give the key of an archive's enforcement point, base64url without padding.

    Args:
        key_encryption_key: what it is derived from.
        client_id: of the archive.
        generation: how many keys the archive had before.
    """
    derived = hmac.digest(key_encryption_key, b"imaging-governance/enforcement-point\x01", "sha256")
    named = f"{client_id}\x00{generation}" if generation else client_id
    digest = hmac.digest(derived, named.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
