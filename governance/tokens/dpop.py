"""Proof of possession (RFC 9449 section 4.3): whoever sends the request holds the key.

The numbered checks of section 4.3, as they are tagged below:

1. exactly one ``DPoP`` header; 2. it is one well-formed JWT; 3. all required claims are there; 4. ``typ`` is
``dpop+jwt``; 5. an asymmetric algorithm of our list; 6. the signature verifies with the ``jwk`` of the header;
7. that ``jwk`` holds no private part; 8. ``htm`` is the method; 9. ``htu`` is the address as it was sent, query and
fragment left out: only the scheme's and the host's case, a default port and an empty path are made alike. Nothing is
decoded or tidied, for two addresses that are one after tidying may be two resources;
10. no nonce is asked here; 11. ``iat`` is in the window; 12. with an access token, ``ath`` is its hash and its
``cnf.jkt`` the thumbprint of this key. Then: the ``jti`` is new for this key (section 11.1), which the caller checks,
because it needs a write transaction.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

from governance.tokens import _jose
from governance.tokens.claims import LEEWAY, Check, ClaimTable, begun, equals, expires, issued, text
from governance.tokens.errors import TokenFault, TokenRefused
from governance.vocabulary import DEFAULT_PORTS

ALGORITHMS = ("ES256", "ES384", "EdDSA", "PS256")
MEDIA_TYPE = "dpop+jwt"
WINDOW = 60  # seconds a proof is good after its iat; its identifier is kept as long
AHEAD = 15  # seconds a proof's iat may be ahead of us
_ADDRESS = re.compile(  # in ASCII, without a user; a port is written as everybody writes it
    r"(?P<scheme>[A-Za-z]+)://(?P<host>[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[1-9][0-9]{0,4})?)?"
    r"(?P<path>/[!-\"$->@-~]*)?(?:\?[!-\"$-~]*)?(?:#[!-~]*)?"
)


@dataclass(frozen=True, slots=True)
class Presentation:
    """How an access token came: its scheme, the DPoP header values, and the request they were sent with.

    ``url`` is the address as the client knows it, which behind a proxy is not the one we were asked at; its path is
    percent-encoded as it was sent.
    """

    scheme: str
    proofs: tuple[str, ...]
    method: str
    url: str


@dataclass(frozen=True, slots=True)
class Proof:
    """A verified proof: the thumbprint of its key, its ``jti``, and when it can no longer be accepted."""

    thumbprint: str
    jti: str
    expires_at: float


def verify_proof(proofs: Sequence[str], method: str, url: str, now: int, token: str | None = None) -> Proof:
    """Verify the proof of one request (checks 1 to 12).

    Args:
        proofs: every value of the DPoP header.
        method: the HTTP method.
        url: the address the client used.
        now: seconds since 1970.
        token: the access token that came along, None at the token endpoint.

    Raises:
        TokenRefused: which check failed.
    """
    if len(proofs) != 1:  # check 1
        raise TokenRefused(TokenFault.MALFORMED, "There must be exactly one DPoP proof.")
    unverified = _jose.parse(proofs[0])  # check 2
    if unverified.media_type != MEDIA_TYPE:  # check 4
        raise TokenRefused(TokenFault.TYPE, "The proof's type is not dpop+jwt.")
    if unverified.algorithm not in ALGORITHMS:  # check 5
        raise TokenRefused(TokenFault.ALGORITHM, "The proof's signature algorithm is not accepted here.")
    key = unverified.header.get("jwk")
    if not isinstance(key, dict) or _jose.is_private(key):  # check 7
        raise TokenRefused(TokenFault.KEY, "The proof must carry its public key, and only that.")
    claims = _jose.verify(unverified, key)  # check 6
    _table(method, url, token).verify(claims, now)  # checks 3, 8 to 12
    return Proof(_jose.thumbprint(key), claims["jti"], claims["iat"] + WINDOW + LEEWAY)


def require_binding(confirmation: str, proof: Proof) -> None:
    """Refuse a token bound to another key than the proof's (check 12); raises TokenRefused."""
    if not hmac.compare_digest(confirmation, proof.thumbprint):
        raise TokenRefused(TokenFault.BINDING, "The token is bound to another key.")


def token_hash(token: str) -> str:
    """Give the ``ath`` of an access token: base64url of its SHA-256 (section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()


def _table(method: str, url: str, token: str | None) -> ClaimTable:
    required: dict[str, Check] = {
        "htm": equals(method, TokenFault.TARGET),
        "htu": _same_address(url),
        "iat": issued(max_age=WINDOW, ahead=AHEAD),
        "jti": text,
    }
    optional: dict[str, Check] = {"exp": expires(), "nbf": begun, "nonce": text}
    if token is None:
        optional["ath"] = text
    else:
        required["ath"] = equals(token_hash(token), TokenFault.BINDING)
    return ClaimTable(kind="dpop_proof", required_verified=required, optional=optional)


def _same_address(url: str) -> Check:
    expected = _normal(url)

    def check(value: object, _now: int) -> TokenFault | None:
        return None if isinstance(value, str) and _normal(value) == expected is not None else TokenFault.TARGET

    return check


def _normal(url: str) -> tuple[str, str, int, str] | None:
    """Give an address for comparison (RFC 3986 sections 6.2.2.1 and 6.2.3, no more); None when it is none."""
    match = _ADDRESS.fullmatch(url)
    if match is None or match["scheme"].lower() not in DEFAULT_PORTS:
        return None
    scheme = match["scheme"].lower()
    port = int(match["port"]) if match["port"] else DEFAULT_PORTS[scheme]
    return scheme, match["host"].lower(), port, match["path"] or "/"
