"""The kinds of value that a setting may have: how each is written in the environment, and read from there.

1. A reader takes the text and gives the value, or raises WrongValue with everything that is wrong with it.
2. A value that is not text comes from code (``Settings.replaced``) and passes the reader by.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from types import MappingProxyType
from typing import Annotated
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretBytes, SecretStr

from governance.settings.database_urls import database_url
from governance.settings.faults import WrongValue
from governance.vocabulary import ods_code

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_KEY = 32  # bytes
_SHAREABLE = re.compile(r"/(?:[A-Za-z0-9._~-]+/)*[A-Za-z0-9._~-]+")
_PATIENTS = frozenset(  # names in Orthanc's paths behind which there is something of patients
    {"changes", "exports", "instances", "jobs", "modalities", "osimis-viewer", "patients", "peers", "queries", "series"}
    | {"studies", "tools", "wado", "web-viewer", "worklists"}
)
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")
_OPERATOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_URL_PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
_SOCKET_PATH = 107  # bytes
_TOKEN = 16  # characters of a secret that somebody types into a configuration, at least
_WIDEST = {4: 8, 6: 7}  # prefix of the widest network that is still somebody's: 10.0.0.0/8, fc00::/7


@dataclass(frozen=True, slots=True)
class Written(BeforeValidator):
    """Reads the text of a setting before its type is checked; ``form`` tells ``docs/settings.md`` what to write."""

    form: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class ArchivePlace:
    """Where an archive's DICOMweb service is, and the user and password it asks for."""

    url: str
    credential: tuple[str, str] | None = field(repr=False, default=None)


def _base_url(text: str) -> str:
    issuer = split_url(text)
    if "@" in issuer.netloc:
        raise WrongValue("is a URL without user and password")
    if not issuer.hostname or issuer.query or issuer.fragment or text.endswith("/"):
        raise WrongValue("is a base URL without query, fragment or closing slash")
    if not _is_host(issuer.hostname) or not text.startswith(f"{issuer.scheme}://{issuer.netloc.lower()}"):
        raise WrongValue("has scheme and host in small letters, a name in another script as xn--")
    if not _URL_PATH.fullmatch(issuer.path):
        raise WrongValue("has a path of unreserved characters and whole percent escapes (RFC 3986)")
    if issuer.scheme != "https" and issuer.hostname not in LOOPBACK:
        raise WrongValue("is https, unless it is a loopback address")
    return text


def _owner_url(text: str) -> str | None:
    if text and not database_url(text).startswith("postgresql"):
        raise WrongValue("is of PostgreSQL: SQLite has no roles")
    return text or None


def _file(text: str) -> str | None:
    if text and (not text.startswith("/") or "\0" in text):
        raise WrongValue("is an absolute path: what is run elsewhere must find the same file")
    return text or None


def _host(text: str) -> str:
    if not _is_host(text):
        raise WrongValue("is a host name or an IP address, without a port")
    return text


def _name(text: str) -> str:
    if not text or not text.isprintable() or not text.isascii() or len(text) > 255 or " " in text:
        raise WrongValue("is 1 to 255 characters without blanks, of ASCII")
    return text


def _log_name(text: str) -> str:
    if "+" in _name(text):  # C2SP signed-note: a key's name
        raise WrongValue("holds no plus sign")
    return text


def _token(text: str) -> str:
    if len(text) < _TOKEN or not text.isprintable() or " " in text or len(set(text)) < _TOKEN // 4:
        raise WrongValue(f"is at least {_TOKEN} random characters without blanks")
    return text


def _opa_url(text: str) -> str:
    """Read where an OPA server is; neither a credential nor a path would be used."""
    opa = split_url(text)
    if "@" in opa.netloc:
        raise WrongValue("is a URL without user and password")
    server = opa.scheme in {"http", "https"} and opa.hostname and opa.path in {"", "/"}
    socket = text.startswith("unix:/") and opa.path.strip("/")
    if not (server or socket) or opa.query or opa.fragment:
        raise WrongValue("is http or https, a host and perhaps a port, or the absolute path of a Unix socket")
    if socket and len(opa.path.encode()) > _SOCKET_PATH:
        raise WrongValue(f"is the path of a Unix socket, which has at most {_SOCKET_PATH} bytes (unix(7))")
    if server and not _is_host(str(opa.hostname)):
        raise WrongValue("names a host: a name or an address")
    return text


def split_url(address: str) -> SplitResult:
    """Split a URL; one that is none at all, by a port that is none or a blank for instance, gives nothing."""
    try:
        split = urlsplit(address)
        usable = split.port != 0 and address.isprintable() and " " not in address
    except ValueError:
        usable = False
    return split if usable else SplitResult("", "", "", "", "")


def _organisation(text: str) -> str:
    try:
        return ods_code(text)
    except ValueError as error:
        raise WrongValue(str(error)) from None


def _key(text: str, *, exact: bool) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise WrongValue("is not base64") from None
    if len(key) < _KEY or (exact and len(key) != _KEY):
        raise WrongValue(f"is {'exactly' if exact else 'at least'} {_KEY} bytes")
    if len(set(key)) == 1:
        raise WrongValue("is one byte repeated: not a key")
    return key


def _switch(text: str) -> bool:
    if text not in {"on", "off"}:
        raise WrongValue("is on or off")
    return text == "on"


def _header(text: str) -> str | None:
    if text and not _HEADER.fullmatch(text):
        raise WrongValue("is the name of a header")
    return text or None


def _parts(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in text.split(","))))


def each_part(text: str, take: Callable[[int, str], None]) -> None:
    """Take each of the entries that commas separate, by its number; raises WrongValue for all the wrong ones."""
    wrong: list[str] = []
    for number, part in enumerate(_parts(text), 1):
        try:
            take(number, part)
        except WrongValue as error:
            wrong += error.messages
    if wrong:
        raise WrongValue(*wrong)


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read addresses and networks; one that holds every address trusts nobody in particular and is refused."""
    networks: list[IPv4Network | IPv6Network] = []

    def take(number: int, part: str) -> None:
        try:
            network = ip_network(part)
        except ValueError:
            raise WrongValue(f"entry {number} is not an IP address or network") from None
        if network.prefixlen < _WIDEST[network.version]:
            raise WrongValue(f"entry {number} trusts every address, or nearly")
        networks.append(network)

    each_part(text, take)
    return tuple(networks)


def _senders(text: str) -> Mapping[str, str]:
    """Read ``AuditSourceID=ODS`` pairs; each source once, each with a trust."""
    senders: dict[str, str] = {}

    def take(number: int, pair: str) -> None:
        source, _, ods = (part.strip() for part in pair.rpartition("="))
        if not source:
            raise WrongValue(f"pair {number} is not AuditSourceID=ODS")
        if source in senders:
            raise WrongValue(f"pair {number} names a source that another pair names")
        try:
            senders[source] = ods_code(ods)
        except ValueError as error:
            raise WrongValue(f"pair {number}: {error}") from None

    each_part(text, take)
    return senders


def read_operators(text: str) -> Mapping[str, bytes]:
    """Read ``name=base64 of a public key`` pairs; each name and each key once."""
    operators: dict[str, bytes] = {}

    def take(number: int, pair: str) -> None:
        name, _, encoded = (part.strip() for part in pair.partition("="))
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not _OPERATOR.fullmatch(name) or len(key) != _KEY:
            raise WrongValue(f"pair {number} is not name=base64 of a public key of {_KEY} bytes")
        if name in operators or key in operators.values():
            raise WrongValue(f"pair {number} has a name or a key that another pair has")
        operators[name] = key

    each_part(text, take)
    return operators


def _tie_keys(text: str) -> Mapping[str, bytes]:
    """Read ``key id=base64 of a key`` pairs; each id and each key once."""
    keys: dict[str, bytes] = {}

    def take(number: int, pair: str) -> None:
        name, _, encoded = (part.strip() for part in pair.partition("="))
        if not _OPERATOR.fullmatch(name) or name in keys:
            raise WrongValue(f"pair {number} is not key id=key, each id once")
        try:
            key = _key(encoded, exact=False)
        except WrongValue as error:
            raise WrongValue(f"pair {number}: {'; '.join(error.messages)}") from None
        if key in keys.values():
            raise WrongValue(f"pair {number} has a key that another pair has")
        keys[name] = key

    each_part(text, take)
    return keys


def _archives(text: str) -> Mapping[str, ArchivePlace]:
    """Read ``client id=URL`` pairs; a credential in the URL is taken out of it."""
    places: dict[str, ArchivePlace] = {}

    def take(number: int, pair: str) -> None:
        client, _, address = (part.strip() for part in pair.partition("="))
        url = split_url(address)
        safe = url.scheme == "https" or (url.scheme == "http" and url.hostname in LOOPBACK)
        if not client or client in places or not url.hostname or not safe or url.query or url.fragment:
            raise WrongValue(f"pair {number} is not client id=URL, https outside loopback, once")
        known = (unquote(url.username), unquote(url.password or "")) if url.username else None
        place = urlunsplit((url.scheme, url.netloc.rpartition("@")[2], url.path.rstrip("/"), "", ""))
        places[client] = ArchivePlace(place, known)

    each_part(text, take)
    return places


def _peers(text: str) -> tuple[tuple[str, IPv4Network | IPv6Network], ...]:
    """Read ``host=network`` pairs; a host may be in several networks, and none is everywhere."""
    peers: list[tuple[str, IPv4Network | IPv6Network]] = []

    def take(number: int, pair: str) -> None:
        host, _, where = (part.strip() for part in pair.partition("="))
        try:
            network = ip_network(where)
        except ValueError:
            raise WrongValue(f"pair {number} has no IP address or network") from None
        if not _is_host(host):
            raise WrongValue(f"pair {number} has no host: a name or an address, without a port")
        if network.prefixlen < _WIDEST[network.version]:
            raise WrongValue(f"pair {number} lets a host be everywhere, or nearly")
        peers.append((host, network))

    each_part(text, take)
    return tuple(peers)


def _is_host(text: str) -> bool:
    try:
        return bool(_HOST.fullmatch(text) or ip_address(text))
    except ValueError:
        return False


def _shared_paths(text: str) -> frozenset[str]:
    """Read paths of Orthanc that hold nothing of any patient; what is known to is refused."""

    def take(number: int, path: str) -> None:
        if not _SHAREABLE.fullmatch(path):
            raise WrongValue(f"path {number} is not a plain absolute path")
        if _PATIENTS & set(path.lower().split("/")):
            raise WrongValue(f"path {number} holds what is of patients")

    each_part(text, take)
    return frozenset(_parts(text))


def written_as(form: str, read: Callable[[str], object]) -> Written:
    """Say how a kind of setting is written, and what reads its text; a value that is no text is taken as it is."""
    return Written(lambda value: read(value) if isinstance(value, str) else value, form=form)


BaseUrl = Annotated[str, written_as("URL without query, fragment or closing slash", _base_url)]
OpaUrl = Annotated[str | None, written_as("URL without user, password or path, or `unix:` and a path", _opa_url)]
OdsCode = Annotated[str, written_as("3 to 10 capital letters and digits", _organisation)]
DatabaseUrl = Annotated[
    SecretStr, Field(repr=False), written_as("`sqlite:///…` or `postgresql+psycopg://…`", database_url)
]
OwnerUrl = Annotated[SecretStr | None, Field(repr=False), written_as("`postgresql+psycopg://…`", _owner_url)]
Token = Annotated[SecretStr | None, Field(repr=False), written_as(f"at least {_TOKEN} random characters", _token)]
Host = Annotated[str, written_as("host name or IP address", _host)]
Name = Annotated[str, written_as("1 to 255 characters of ASCII without blanks", _name)]
LogName = Annotated[str, written_as("1 to 255 characters of ASCII without blanks and plus signs", _log_name)]
Key = Annotated[
    SecretBytes,
    Field(repr=False),
    written_as(f"base64 of at least {_KEY} random bytes", lambda text: _key(text, exact=False)),
]
ExactKey = Annotated[
    SecretBytes,
    Field(repr=False),
    written_as(f"base64 of exactly {_KEY} random bytes", lambda text: _key(text, exact=True)),
]
Switch = Annotated[bool, written_as("`on` or `off`", _switch)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Seconds = Annotated[float, Field(allow_inf_nan=False)]
Header = Annotated[str | None, written_as("letters, digits and hyphens", _header)]
AbsoluteFile = Annotated[str | None, written_as("absolute path of a file", _file)]
Folders = Annotated[tuple[str, ...], written_as("paths, separated by commas", _parts)]
Networks = Annotated[
    tuple[IPv4Network | IPv6Network, ...], written_as("IP addresses or networks, separated by commas", _networks)
]
Senders = Annotated[
    Mapping[str, str],
    written_as("`AuditSourceID=ODS` pairs, separated by commas", _senders),
    AfterValidator(MappingProxyType),
]
Operators = Annotated[
    Mapping[str, bytes],
    written_as("`name=key` pairs, separated by commas; a key is base64 of 32 bytes (Ed25519)", read_operators),
    AfterValidator(MappingProxyType),
]
TieKeys = Annotated[
    Mapping[str, bytes],
    Field(repr=False, exclude=True),
    written_as(f"`key id=key` pairs, separated by commas; a key is base64 of at least {_KEY} random bytes", _tie_keys),
    AfterValidator(MappingProxyType),
]
Archives = Annotated[
    Mapping[str, ArchivePlace],
    Field(repr=False, exclude=True),
    written_as("`client id=URL` pairs, separated by commas; a URL may hold `user:password@`", _archives),
    AfterValidator(MappingProxyType),
]
OutboundPeers = Annotated[
    tuple[tuple[str, IPv4Network | IPv6Network], ...], written_as("`host=network` pairs, separated by commas", _peers)
]
SharedPaths = Annotated[frozenset[str], written_as("absolute paths, separated by commas", _shared_paths)]
