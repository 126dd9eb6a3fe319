"""Certificates that a proxy saw a client prove (mutual TLS, RFC 8705): read from the header it passes them on in.

The proxy ends the TLS connection, in whose handshake the client signed with the certificate's key. It need not know who
issued the certificate: what counts is whether its thumbprint is registered (``self_signed_tls_client_auth``, section
2.2). Whoever calls this has made sure that the header came from such a proxy.
"""

import base64
import re
from datetime import datetime
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from governance.tokens.errors import TokenFault, TokenRefused

XFCC = "x-forwarded-client-cert"
_MAXIMUM = 32_768  # characters of a header
_PAIR = re.compile(r'([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^;,"]*)')
_ELEMENT = re.compile(rf"{_PAIR.pattern}(?:;{_PAIR.pattern})*")


def thumbprint(header: str, value: str, now: datetime) -> str:
    """Give the SHA-256 thumbprint of the certificate in a header: base64url without padding (RFC 8705 section 3.1).

    Args:
        header: its name; ``X-Forwarded-Client-Cert`` holds what Envoy writes, any other a PEM in URL encoding, as nginx
            has it in ``$ssl_client_escaped_cert``.
        value: what it holds.
        now: when the certificate must be valid.

    Raises:
        TokenRefused: there is no one certificate in it, or it is not valid now.
    """
    if len(value) > _MAXIMUM or "," in value:  # a comma joins what two proxies, or a client and a proxy, wrote
        raise _refused("The header does not hold one client certificate.")
    pem = unquote(_of_envoy(value) if header.lower() == XFCC else value)
    try:
        found = x509.load_pem_x509_certificates(pem.encode("ascii"))
    except ValueError:
        raise _refused("The client certificate cannot be read.") from None
    if len(found) != 1:
        raise _refused("Send one client certificate.")
    certificate = found[0]
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise TokenRefused(TokenFault.EXPIRED, "The client certificate is not valid now.")
    return base64.urlsafe_b64encode(certificate.fingerprint(SHA256())).rstrip(b"=").decode()


def _of_envoy(value: str) -> str:
    """Take the certificate out of ``X-Forwarded-Client-Cert``; it may hold further pairs."""
    pairs = _PAIR.findall(value) if _ELEMENT.fullmatch(value) else []
    certificates: list[str] = [text.strip('"') for name, text in pairs if name.lower() == "cert"]
    if len(certificates) != 1:
        raise _refused("The header does not hold one client certificate.")
    return certificates[0]


def _refused(detail: str) -> TokenRefused:
    return TokenRefused(TokenFault.MALFORMED, detail)
