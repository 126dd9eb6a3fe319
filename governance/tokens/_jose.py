"""JOSE compact form, read strictly: nothing of a token is believed before its signature is.

1. Three base64url segments, each canonical and without padding; header and claims are JSON objects in UTF-8 whose
   member names do not repeat; the whole at most ``MAXIMUM`` characters.
2. ``crit`` is refused: we understand no critical extension (RFC 7515 section 4.1.11).
3. The algorithm comes from the caller's allow-list and must fit the key; the token only chooses among what is allowed
   (RFC 8725 sections 3.1 and 3.2).
4. A key comes from the key set the caller names. ``jku``, ``jwk``, ``x5u`` of a header are never followed.
"""

import base64
import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.algorithms import get_default_algorithms
from jwt.exceptions import PyJWTError

from governance.feeds import NumberOutOfRange, NumberReader
from governance.tokens.errors import TokenFault, TokenRefused

MAXIMUM = 16_384  # characters of a compact token; ours are about 1,000, a CIS2 ID token with many roles about 6,000
RSA_MINIMUM = 2048  # bits, NIST SP 800-131A
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")
_EC_CURVE = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_RSA = frozenset({"PS256", "RS256", "RS512"})
SUPPORTED = frozenset(_EC_CURVE) | _RSA | {"EdDSA"}
_THUMBPRINT_MEMBERS = {  # RFC 7638 section 3.2, RFC 8037 section 2
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "RSA": ("e", "kty", "n"),
}
_PRIVATE_MEMBERS = frozenset({"d", "dp", "dq", "k", "oth", "p", "q", "qi"})
_ALGORITHMS = {name: method for name, method in get_default_algorithms().items() if name in SUPPORTED}
_jws = jwt.PyJWS(algorithms=["ES256"])

Jwk = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Unverified:
    """A parsed token that nobody has verified: only good for choosing what to verify it with."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes

    @property
    def algorithm(self) -> str:
        """Give the header's ``alg``, empty when it is not text."""
        found = self.header.get("alg")
        return found if isinstance(found, str) else ""

    @property
    def kid(self) -> str | None:
        """Give the header's ``kid``, None when it is not text."""
        found = self.header.get("kid")
        return found if isinstance(found, str) else None

    @property
    def media_type(self) -> str:
        """Give the header's ``typ`` in lower case and without ``application/`` (RFC 7515 section 4.1.9)."""
        found = self.header.get("typ")
        return found.lower().removeprefix("application/") if isinstance(found, str) else ""


def parse(token: str) -> Unverified:
    """Split and decode a compact token (rules 1 and 2); raises TokenRefused."""
    if len(token) > MAXIMUM:
        raise TokenRefused(TokenFault.MALFORMED, "The token is too long.")
    segments = token.split(".")
    if len(segments) != 3 or not all(_SEGMENT.fullmatch(segment) for segment in segments):
        raise TokenRefused(TokenFault.MALFORMED, "The token is not a signed JWT in compact form.")
    header, claims = _object(segments[0]), _object(segments[1])
    signature = _decoded(segments[2])
    if "crit" in header:
        raise TokenRefused(TokenFault.CRITICAL_HEADER, "The token has a critical header, and none is understood here.")
    return Unverified(header, claims, f"{segments[0]}.{segments[1]}".encode(), signature)


def select_key(keys: Sequence[Jwk], unverified: Unverified, algorithms: Collection[str]) -> Jwk:
    """Choose the one key of a key set that may have signed the token (rules 3 and 4).

    Raises:
        TokenRefused: the algorithm is not allowed, or no key, or no single key, fits.
    """
    if unverified.algorithm not in algorithms:
        raise TokenRefused(TokenFault.ALGORITHM, "The token's signature algorithm is not accepted here.")
    fitting = [key for key in keys if fits(key, unverified.algorithm)]
    if "kid" in unverified.header:
        fitting = [key for key in fitting if key.get("kid") == unverified.kid]
    if len(fitting) != 1:
        raise TokenRefused(TokenFault.KEY, "The token is not signed by a key on file for its issuer.")
    return fitting[0]


def fits(key: Jwk, algorithm: str) -> bool:
    """Say whether a JWK may verify signatures of the algorithm (RFC 7517 section 4, RFC 7518 section 3.1)."""
    if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
        return False
    operations = key.get("key_ops")
    if operations is not None and (not isinstance(operations, list) or "verify" not in operations):
        return False
    if algorithm in _EC_CURVE:
        return key.get("kty") == "EC" and key.get("crv") == _EC_CURVE[algorithm]
    if algorithm == "EdDSA":
        return key.get("kty") == "OKP" and key.get("crv") == "Ed25519"
    return algorithm in _RSA and key.get("kty") == "RSA"


def verify(unverified: Unverified, key: Jwk) -> Mapping[str, Any]:
    """Verify the signature with the chosen key and give the claims, of which none has been checked yet.

    Raises:
        TokenRefused: the signature is wrong, or the key is unusable.
    """
    algorithm = unverified.algorithm
    if not fits(key, algorithm):
        raise TokenRefused(TokenFault.ALGORITHM, "The token's signature algorithm does not fit its key.")
    public = _public_key(json.dumps(dict(key), sort_keys=True), algorithm)
    if not _ALGORITHMS[algorithm].verify(unverified.signed, public, unverified.signature):
        raise TokenRefused(TokenFault.SIGNATURE, "The token's signature is not valid.")
    return unverified.claims


def sign(claims: Mapping[str, Any], key: Any, header: Mapping[str, str]) -> str:
    """Sign claims with an EC P-256 private key (ES256); ``header`` holds typ and kid."""
    return _jws.encode(json.dumps(claims, separators=(",", ":")).encode(), key, "ES256", dict(header))


def thumbprint(jwk: Jwk) -> str:
    """Give the SHA-256 thumbprint of a public key, base64url (RFC 7638 section 3); raises TokenRefused."""
    members = _THUMBPRINT_MEMBERS.get(str(jwk.get("kty")))
    if members is None or not all(isinstance(jwk.get(member), str) for member in members):
        raise TokenRefused(TokenFault.KEY, "The key is not an EC, OKP or RSA public key.")
    canonical = json.dumps({member: jwk[member] for member in members}, separators=(",", ":"), sort_keys=True)
    return encoded(hashlib.sha256(canonical.encode()).digest())


def encoded(data: bytes) -> str:
    """Write bytes as base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def is_private(jwk: Jwk) -> bool:
    """Say whether a JWK holds any private or symmetric part (RFC 7518 section 6)."""
    return not _PRIVATE_MEMBERS.isdisjoint(jwk)


def read_json(data: bytes) -> object:
    """Read JSON whose objects never repeat a member name; raises ValueError (NumberOutOfRange, which says where)."""
    try:
        return _READER.read(data.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None


@lru_cache(maxsize=1024)
def _public_key(jwk: str, algorithm: str) -> Any:
    members = json.loads(jwk)
    if is_private(members):
        raise TokenRefused(TokenFault.KEY, "The key is not a public key.")
    try:
        public = PyJWK(members, algorithm).key
    except PyJWTError:
        raise TokenRefused(TokenFault.KEY, "The key cannot be used.") from None
    if isinstance(public, RSAPublicKey) and public.key_size < RSA_MINIMUM:
        raise TokenRefused(TokenFault.KEY, "An RSA key needs 2,048 bits at least.")
    return public


def _object(segment: str) -> Mapping[str, Any]:
    try:
        value = read_json(_decoded(segment))
    except NumberOutOfRange as error:
        named = error.path.removeprefix("/") or "itself"
        raise TokenRefused(TokenFault.NUMBER, f"The claim {named} of the token is a number out of range.") from None
    except ValueError:
        raise TokenRefused(TokenFault.MALFORMED, "The token is not a signed JWT in compact form.") from None
    if not isinstance(value, dict):
        raise TokenRefused(TokenFault.MALFORMED, "The token's header and claims must be JSON objects.")
    return value


def _decoded(segment: str) -> bytes:
    """Decode base64url without padding, in its one canonical form (RFC 7515 section 2)."""
    try:
        decoded = base64.b64decode(segment + "=" * (-len(segment) % 4), b"-_", validate=True)
    except ValueError:
        raise TokenRefused(TokenFault.MALFORMED, "The token is not a signed JWT in compact form.") from None
    if encoded(decoded) != segment:
        raise TokenRefused(TokenFault.MALFORMED, "The token is not in canonical base64url.")
    return decoded


_READER = NumberReader(unique=True)
