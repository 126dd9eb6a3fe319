"""What must hold of a registration before it is kept. Pure: each check gives its faults, an empty list is good."""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from governance.errors import Fault
from governance.federation.credentials import ClientCredentials
from governance.federation.people import Person
from governance.federation.service_client import EVERY_TRUST, WHOLE_REGION, AiManifest, ServiceClient
from governance.federation.trust import IdentityProvider, Trust
from governance.vocabulary import DEFAULT_PORTS, SYSTEM, Scope, SubjectType, ods_code

KEYS_MAXIMUM = 10
RSA_MINIMUM = 256  # bytes of modulus: 2048 bits (NIST SP 800-131A)
TEXT_MAXIMUM = 200  # characters
URL_MAXIMUM = 2_000  # characters

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_SCOPE = re.compile(r"[a-z][a-z0-9._-]{0,63}")
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")  # base64url of 32 bytes, the last bits nought
_DICOM_CODE = re.compile(r"\*|[A-Z0-9][A-Z0-9_ ]{0,15}")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::(?P<port>[1-9][0-9]{0,4}))?"
)
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})  # RFC 7518 sections 6.2.2, 6.3.2, 6.4
_COORDINATES = {"P-256": 32, "P-384": 48, "P-521": 66}  # bytes, RFC 7518 section 6.2.1.2


def trust(value: Trust) -> list[Fault]:
    """Check an organisation."""
    return _ods("/ods", value.ods) + _text("/name", value.name)


def identity_provider(value: IdentityProvider) -> list[Fault]:
    """Check an identity provider: addresses a token may safely be verified against."""
    faults = _url("/issuer", value.issuer) + _url("/jwks_uri", value.jwks_uri) + _audiences(value.audiences)
    if not value.audiences:
        faults.append(Fault("/audiences", "name at least one: a token for anybody is for nobody"))
    return faults if value.ods is None else faults + _ods("/ods", value.ods)


def client(value: ServiceClient) -> list[Fault]:
    """Check a registered service: its kind, what it may ask, and that its key set holds public keys only."""
    faults = _identifier("/client_id", value.client_id) + _ods("/ods", value.ods) + _text("/name", value.name)
    if f"{value.client_id.casefold()}-".startswith(f"{SYSTEM}-"):
        faults.append(Fault("/client_id", "is this service's own name: no other may record under it"))
    if value.kind not in {SubjectType.SERVICE, SubjectType.AI_SERVICE}:
        faults.append(Fault("/kind", "must be service or ai_service"))
    if (value.kind is SubjectType.AI_SERVICE) != (value.ai_version is not None):
        faults.append(Fault("/ai_version", "an AI service names the version it runs, and no other service does"))
    if value.ai_version is not None:
        faults += _identifier("/ai_version", value.ai_version)
    if value.token_audience is not None:
        faults += _text("/token_audience", value.token_audience)
    for ods in sorted(value.asks_for - {EVERY_TRUST}):
        faults += _ods("/asks_for", ods)
    unknown = value.scopes - {scope.value for scope in Scope}
    if unknown:
        named = ", ".join(sorted(one for one in unknown if _SCOPE.fullmatch(one))) or "one"
        faults.append(Fault("/scopes", f"hold what is no scope ({named}); may hold: {', '.join(Scope)}"))
    for ods in sorted(value.writes_for - {WHOLE_REGION}):
        faults += _ods("/writes_for", ods)
    return faults + _audiences(value.audiences) + _origins(value.origins) + jwks(value.jwks)


def credentials(value: ClientCredentials) -> list[Fault]:
    """Check the further credentials of a service: thumbprints that are ones, none twice."""
    faults = [
        Fault(f"/certificates/{place}", "must be a SHA-256 thumbprint: 43 characters of base64url without padding")
        for place, one in enumerate(value.certificates)
        if not _THUMBPRINT.fullmatch(one) or _size(one) != 32
    ]
    if len(set(value.certificates)) != len(value.certificates) or len(value.certificates) > KEYS_MAXIMUM:
        faults.append(Fault("/certificates", f"must be {KEYS_MAXIMUM} at most, none twice"))
    return faults


def manifest(value: AiManifest) -> list[Fault]:
    """Check the manifest of an AI service: it bounds every dimension, and says the volume."""
    faults = _identifier("/service_id", value.service_id) + _identifier("/version", value.version)
    for path, codes in (("/modalities", value.modalities), ("/body_parts", value.body_parts)):
        if not codes or not all(_DICOM_CODE.fullmatch(code) for code in codes):
            faults.append(Fault(path, "must be DICOM code strings, at least one; * stands for any"))
    if not value.trusts:
        faults.append(Fault("/trusts", "name at least one"))
    for ods in sorted(value.trusts):
        faults += _ods("/trusts", ods)
    if not value.purposes:
        faults.append(Fault("/purposes", "name at least one"))
    if value.daily_volume < 1:
        faults.append(Fault("/daily_volume", "must be 1 or more studies a day"))
    return faults


def person(value: Person) -> list[Fault]:
    """Check a console account."""
    return _url("/issuer", value.issuer) + _ods("/ods", value.ods)


def jwks(keys: Mapping[str, Any]) -> list[Fault]:
    """Check a JWK set (RFC 7517 section 5): signing keys, each with its own ``kid``, none with a private part.

    Whether a point lies on its curve is for the verifier that loads the key; what it cannot load verifies nothing.
    """
    found = keys.get("keys")
    if not isinstance(found, list) or not 1 <= len(found) <= KEYS_MAXIMUM:
        return [Fault("/jwks/keys", f"must be a list of 1 to {KEYS_MAXIMUM} public keys (RFC 7517)")]
    faults = [fault for place, key in enumerate(found) for fault in _jwk(f"/jwks/keys/{place}", key)]
    kids = [key.get("kid") for key in found if isinstance(key, Mapping)]
    if len(set(map(str, kids))) != len(kids):
        faults.append(Fault("/jwks/keys", "each key needs a kid of its own"))
    return faults


def _jwk(path: str, key: object) -> list[Fault]:
    if not isinstance(key, Mapping):
        return [Fault(path, "must be a JSON Web Key (RFC 7517)")]
    if _PRIVATE & key.keys():
        return [Fault(path, "holds a private part: send the public key only, and replace this pair")]
    faults = []
    if not isinstance(key.get("kid"), str) or not key["kid"]:
        faults.append(Fault(f"{path}/kid", "is required"))
    if key.get("use", "sig") != "sig":
        faults.append(Fault(f"{path}/use", "must be sig"))
    if not _key_material(key):
        faults.append(Fault(path, "must be EC (P-256, P-384, P-521), OKP (Ed25519) or RSA of 2048 bits or more"))
    return faults


def _key_material(key: Mapping[str, Any]) -> bool:
    match key.get("kty"):
        case "EC":
            size = _COORDINATES.get(str(key.get("crv")))
            return size is not None and _size(key.get("x")) == size == _size(key.get("y"))
        case "OKP":
            return key.get("crv") == "Ed25519" and _size(key.get("x")) == 32
        case "RSA":
            return _size(key.get("n")) >= RSA_MINIMUM and _size(key.get("e")) > 0
        case _:
            return False


def _size(value: object) -> int:
    """Give how many bytes a base64url value holds, 0 when it is none."""
    if not isinstance(value, str):
        return 0
    try:
        return len(base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        return 0


def _ods(path: str, value: str) -> list[Fault]:
    try:
        ods_code(value)
    except ValueError as problem:
        return [Fault(path, str(problem))]
    return []


def _text(path: str, value: str) -> list[Fault]:
    if 1 <= len(value) <= TEXT_MAXIMUM and not _UNPRINTABLE.search(value):
        return []
    return [Fault(path, f"must be printable text of 1 to {TEXT_MAXIMUM} characters")]


def _identifier(path: str, value: str) -> list[Fault]:
    if _IDENTIFIER.fullmatch(value):
        return []
    return [Fault(path, "must be 1 to 128 letters, digits and . _ : - and begin with a letter or digit")]


def _audiences(values: Iterable[str]) -> list[Fault]:
    return [fault for place, value in enumerate(values) for fault in _text(f"/audiences/{place}", value)]


def _origins(values: Iterable[str]) -> list[Fault]:
    """Check web origins as a browser writes them (RFC 6454 section 6.1), for they are compared as texts."""
    faults: list[Fault] = []
    for place, value in enumerate(values):
        match = _ORIGIN.fullmatch(value)
        if match is None or not _trusted_origin(match):
            wanted = "an origin such as https://viewer.example: https (http only on the loopback), in small letters"
            faults.append(Fault(f"/origins/{place}", f"must be {wanted}, without a path or a default port"))
    return faults


def _trusted_origin(match: re.Match[str]) -> bool:
    plain = match["port"] != str(DEFAULT_PORTS[match["scheme"]])
    return plain and (match["scheme"] == "https" or match["host"] in _LOOPBACK)


def _url(path: str, value: str) -> list[Fault]:
    """Check an address that keys or identities are trusted by: https, or http on the loopback."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return [Fault(path, "must be a URL")]
    trusted = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    bare = not (parts.username or parts.password or parts.fragment or parts.query)
    if trusted and host and bare and len(value) <= URL_MAXIMUM and not _UNPRINTABLE.search(value):
        return []
    return [Fault(path, "must be an https URL without user, query or fragment (http only on the loopback)")]
