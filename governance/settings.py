"""One frozen, validated settings object, read from the environment.

Each field's documentation is its row of ``docs/settings.md``; a test holds the two together. Outside the demo profile
the service refuses to start while an issuer, a key or a database is missing, and lists everything that is.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from types import MappingProxyType
from typing import Literal
from urllib.parse import unquote, urlsplit, urlunsplit

from governance.errors import ConfigurationError, Fault
from governance.vocabulary import ods_code

PREFIX = "GOVERNANCE_"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class ArchivePlace:
    """Where an archive's DICOMweb service is, and the user and password it asks for."""

    url: str
    credential: tuple[str, str] | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the service needs to know before it starts; secrets do not appear in its representation."""

    profile: Literal["production", "demo"]
    issuer: str
    organisation: str
    database_url: str = field(repr=False)
    pseudonym_key: bytes = field(repr=False)
    key_encryption_key: bytes = field(repr=False)
    log_signing_key: bytes = field(repr=False)
    session_key: bytes = field(repr=False)
    log_origin: str
    metrics_token: str | None = field(repr=False, default=None)
    opa_url: str | None = None
    tenants: tuple[str, ...] = ()
    client_certificate_header: str | None = None
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    client_secret_basic: bool = False
    engine_timeout: float = 0.5
    console_client_id: str = "imaging-governance-console"
    broker_client_id: str = "imaging-governance"
    syslog_port: int | None = None
    syslog_host: str = "127.0.0.1"
    syslog_senders: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    dicomweb_archives: Mapping[str, "ArchivePlace"] = field(repr=False, default_factory=lambda: MappingProxyType({}))
    orthanc_validity: int = 0
    orthanc_shared_paths: frozenset[str] = frozenset()
    host: str = "127.0.0.1"
    port: int = 8080
    threads: int = 16
    workers: int = 2
    shared_folder: str | None = None
    bundle_waits: int = 8
    bundle_key_generation: int = 1
    edge_stale_after: int = 14_400
    edge_silent_after: float = 300.0
    edge_behind_after: float = 120.0
    log_level: str = "INFO"
    checkpoint_interval: float = 1.0
    detection_interval: float = 0.5

    @property
    def secure_cookies(self) -> bool:
        """Say whether cookies are bound to https: always, but on a loopback demo."""
        return self.issuer.startswith("https://")


DESCRIPTIONS: Mapping[str, str] = {
    "profile": "`production` (default) or `demo`. The demo makes its own keys and may run without TLS on loopback.",
    "issuer": "Public base URL, https outside loopback; issuer and audience of the service's own tokens. Required.",
    "organisation": "ODS code of the organisation that runs the service: the source of its own audit events. Required.",
    "database_url": "SQLAlchemy URL: `sqlite:///…` or `postgresql+psycopg://…`. Required.",
    "pseudonym_key": "At least 32 random bytes, base64: key of every pseudonym; a new one breaks every link. Required.",
    "key_encryption_key": "32 random bytes, base64: wraps data keys and token signing keys. Required.",
    "log_signing_key": "32 random bytes, base64: Ed25519 seed that signs the log's checkpoints. Required.",
    "session_key": "At least 32 random bytes, base64: signs the console's form tokens. Required.",
    "log_origin": "The log's name in its checkpoints (C2SP tlog-checkpoint). Default: host of the issuer and `/log`.",
    "metrics_token": "Bearer token that opens `/metrics`. Without it only a caller with `metrics.read` may scrape.",
    "opa_url": "Base URL of an OPA server to decide with. Without it the embedded engine decides.",
    "tenants": "Folders of AuthZEN tenants, separated by commas; a bad one stops the start. Unset: none.",
    "client_certificate_header": "Header in which a trusted proxy passes a client's certificate on. Unset: off.",
    "trusted_proxies": "Addresses or networks, separated by commas, that alone may send that header.",
    "client_secret_basic": "`on` lets registered clients authenticate with HTTP Basic. `off` by default.",
    "engine_timeout": "Seconds the policy engine may take, to its answer's last byte, before it is a denial.",
    "console_client_id": "This service's client id at the trusts' identity providers, for the console's sign-in.",
    "broker_client_id": "The audience a trust's identity token must carry to be exchanged.",
    "syslog_port": "TCP port that takes audit messages over syslog (RFC 6587). Unset: closed.",
    "syslog_host": "Address the syslog port listens on.",
    "syslog_senders": "Trusts of senders that name none: `AuditSourceID=ODS`, separated by commas.",
    "dicomweb_archives": "DICOMweb services to list from: `client id=URL`, by commas; may hold `user:password@`.",
    "orthanc_validity": "Seconds (10 at most) Orthanc may remember a grant, its accesses unrecorded. 0: none.",
    "orthanc_shared_paths": "Paths of Orthanc, separated by commas, that every live token of its archive may get.",
    "host": "Address the HTTP server listens on.",
    "port": "Port the HTTP server listens on.",
    "threads": "Threads of each worker that answer HTTP requests.",
    "workers": "Processes that answer HTTP requests; one of them also runs the background jobs.",
    "shared_folder": "Folder of what the workers of one server share; `serve` makes it, nobody else need set it.",
    "bundle_waits": "Waits for a new bundle at once, two for each trust's OPA; each holds one of the threads.",
    "bundle_key_generation": "Number of the key that signs bundles; raise it once every edge holds the next key.",
    "edge_stale_after": "Seconds without word from the service after which a trust's OPA denies everything.",
    "edge_silent_after": "Seconds without a status after which a trust's OPA is an alert.",
    "edge_behind_after": "Seconds without the newest policy bundle after which a trust's OPA is an alert.",
    "log_level": "DEBUG, INFO, WARNING or ERROR.",
    "checkpoint_interval": "Seconds between signed checkpoints of the log.",
    "detection_interval": "Seconds between two looks of detection at the log.",
}
_SECRETS = ("pseudonym_key", "key_encryption_key", "log_signing_key", "session_key")
_REQUIRED = ("issuer", "organisation", "database_url", *_SECRETS)
_VALIDITY_MAXIMUM = 10  # seconds by which a revocation may be late at an archive that remembers
_SHAREABLE = re.compile(r"/(?:[A-Za-z0-9._~-]+/)*[A-Za-z0-9._~-]+")
_PATIENTS = frozenset(  # names in Orthanc's paths behind which there is something of patients
    {"changes", "exports", "instances", "jobs", "modalities", "osimis-viewer", "patients", "peers", "queries", "series"}
    | {"studies", "tools", "wado", "web-viewer", "worklists"}
)
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")
_EXACT = frozenset({"key_encryption_key", "log_signing_key"})
_KEY = 32  # bytes


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Read and validate the settings.

    Args:
        environ: the environment; only names that begin with ``GOVERNANCE_`` are read.

    Raises:
        ConfigurationError: with every fault, named by its variable.
    """
    given = {name.removeprefix(PREFIX).lower(): value for name, value in environ.items() if name.startswith(PREFIX)}
    faults: list[Fault] = [
        Fault(_variable(name), "no such setting; docs/settings.md lists them")
        for name in sorted(given.keys() - DESCRIPTIONS)
    ]
    faults += [Fault(_variable(name), "is required") for name in _REQUIRED if not given.get(name)]
    values: dict[str, object] = {name: value for name, value in given.items() if name in DESCRIPTIONS}
    values.setdefault("profile", "production")
    _check_profile_and_issuer(values, faults)
    for name in _SECRETS:
        if given.get(name):
            values[name] = _key(name, given[name], faults)
    for name, kind, lowest in _NUMBERS:
        if name in given:
            values[name] = _number(name, given[name], kind, lowest, faults)
    if "syslog_senders" in given:
        values["syslog_senders"] = _senders("syslog_senders", given["syslog_senders"], faults)
    if "dicomweb_archives" in given:
        values["dicomweb_archives"] = _archives("dicomweb_archives", given["dicomweb_archives"], faults)
    if int(str(values.get("orthanc_validity", 0))) > _VALIDITY_MAXIMUM:
        faults.append(Fault(_variable("orthanc_validity"), f"is {_VALIDITY_MAXIMUM} or less"))
    if "orthanc_shared_paths" in given:
        values["orthanc_shared_paths"] = _shared("orthanc_shared_paths", given["orthanc_shared_paths"], faults)
    _read_callers(given, values, faults)
    try:
        ods_code(given.get("organisation") or "QHL")
    except ValueError as error:
        faults.append(Fault(_variable("organisation"), str(error)))
    if given.get("log_level", "INFO") not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        faults.append(Fault(_variable("log_level"), "is DEBUG, INFO, WARNING or ERROR"))
    if faults:
        raise ConfigurationError(faults)
    values.setdefault("log_origin", f"{urlsplit(str(values['issuer'])).netloc}/log")
    return Settings(**values)  # type: ignore[arg-type]


_NUMBERS: tuple[tuple[str, type[int] | type[float], float], ...] = (
    ("bundle_key_generation", int, 1),
    ("bundle_waits", int, 0),
    ("checkpoint_interval", float, 0.05),
    ("detection_interval", float, 0.05),
    ("edge_behind_after", float, 1),
    ("edge_silent_after", float, 1),
    ("edge_stale_after", int, 4),
    ("engine_timeout", float, 0.01),
    ("orthanc_validity", int, 0),
    ("port", int, 1),
    ("syslog_port", int, 1),
    ("threads", int, 1),
    ("workers", int, 1),
)


def _variable(name: str) -> str:
    return PREFIX + name.upper()


def _check_profile_and_issuer(values: Mapping[str, object], faults: list[Fault]) -> None:
    if values["profile"] not in {"production", "demo"}:
        faults.append(Fault(_variable("profile"), "is production or demo"))
    issuer = urlsplit(str(values.get("issuer", "")))
    if values.get("issuer") and (
        not issuer.netloc or issuer.query or issuer.fragment or str(values["issuer"]).endswith("/")
    ):
        faults.append(Fault(_variable("issuer"), "is a base URL without query, fragment or closing slash"))
    elif values.get("issuer") and issuer.scheme != "https" and issuer.hostname not in _LOOPBACK:
        faults.append(Fault(_variable("issuer"), "is https, unless it is a loopback address"))


def _key(name: str, text: str, faults: list[Fault]) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        faults.append(Fault(_variable(name), "is not base64"))
        return b""
    if len(key) < _KEY or (name in _EXACT and len(key) != _KEY):
        faults.append(Fault(_variable(name), f"is {'exactly' if name in _EXACT else 'at least'} {_KEY} bytes"))
    elif len(set(key)) == 1:
        faults.append(Fault(_variable(name), "is one byte repeated: not a key"))
    return key


def _archives(name: str, text: str, faults: list[Fault]) -> Mapping[str, ArchivePlace]:
    """Read ``client id=URL`` pairs; a credential in the URL is taken out of it."""
    places: dict[str, ArchivePlace] = {}
    for number, pair in enumerate(filter(None, (part.strip() for part in text.split(","))), 1):
        client, _, address = (part.strip() for part in pair.partition("="))
        split = urlsplit(address)
        safe = split.scheme == "https" or (split.scheme == "http" and split.hostname in _LOOPBACK)
        if not client or client in places or not split.hostname or not safe or split.query or split.fragment:
            faults.append(Fault(_variable(name), f"pair {number} is not client id=URL, https outside loopback, once"))
            continue
        known = (unquote(split.username), unquote(split.password or "")) if split.username else None
        place = urlunsplit((split.scheme, split.netloc.rpartition("@")[2], split.path.rstrip("/"), "", ""))
        places[client] = ArchivePlace(place, known)
    return MappingProxyType(places)


def _read_callers(given: Mapping[str, str], values: dict[str, object], faults: list[Fault]) -> None:
    """Read the tenants, and how clients may authenticate beside tokens; nothing of that is on by being half said."""
    values["tenants"] = tuple(filter(None, (part.strip() for part in given.get("tenants", "").split(","))))
    secret = given.get("client_secret_basic", "off")
    values["client_secret_basic"] = secret == "on"
    if secret not in {"on", "off"}:
        faults.append(Fault(_variable("client_secret_basic"), "is on or off"))
    header, proxies = given.get("client_certificate_header") or None, given.get("trusted_proxies") or None
    values["client_certificate_header"] = header
    if header is not None and not _HEADER.fullmatch(header):
        faults.append(Fault(_variable("client_certificate_header"), "is the name of a header"))
    if (header is None) != (proxies is None):
        missing = "trusted_proxies" if proxies is None else "client_certificate_header"
        faults.append(Fault(_variable(missing), "is required when the other half of client certificates is set"))
    values["trusted_proxies"] = _networks("trusted_proxies", proxies or "", faults)


def _networks(name: str, text: str, faults: list[Fault]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read addresses and networks; one that holds every address trusts nobody in particular and is refused."""
    networks: list[IPv4Network | IPv6Network] = []
    for number, part in enumerate(filter(None, (part.strip() for part in text.split(","))), 1):
        try:
            network = ip_network(part)
        except ValueError:
            faults.append(Fault(_variable(name), f"entry {number} is not an IP address or network"))
            continue
        if network.prefixlen == 0:
            faults.append(Fault(_variable(name), f"entry {number} trusts every address"))
        networks.append(network)
    return tuple(networks)


def _senders(name: str, text: str, faults: list[Fault]) -> Mapping[str, str]:
    """Read ``AuditSourceID=ODS`` pairs; each source once, each with a trust."""
    senders: dict[str, str] = {}
    for number, pair in enumerate(filter(None, (part.strip() for part in text.split(","))), 1):
        source, _, ods = (part.strip() for part in pair.rpartition("="))
        if not source:
            faults.append(Fault(_variable(name), f"pair {number} is not AuditSourceID=ODS"))
        elif source in senders:
            faults.append(Fault(_variable(name), f"pair {number} names a source that another pair names"))
        else:
            try:
                senders[source] = ods_code(ods)
            except ValueError as error:
                faults.append(Fault(_variable(name), f"pair {number}: {error}"))
    return MappingProxyType(senders)


def _shared(name: str, text: str, faults: list[Fault]) -> frozenset[str]:
    """Read paths of Orthanc that hold nothing of any patient; what is known to is refused."""
    paths = [part for part in (each.strip() for each in text.split(",")) if part]
    for number, path in enumerate(paths, 1):
        if not _SHAREABLE.fullmatch(path):
            faults.append(Fault(_variable(name), f"path {number} is not a plain absolute path"))
        elif _PATIENTS & set(path.lower().split("/")):
            faults.append(Fault(_variable(name), f"path {number} holds what is of patients"))
    return frozenset(paths)


def _number(name: str, text: str, kind: type[int] | type[float], lowest: float, faults: list[Fault]) -> float:
    try:
        value = kind(text)
    except ValueError:
        faults.append(Fault(_variable(name), f"is not a number of type {kind.__name__}"))
        return lowest
    if not value >= lowest:
        faults.append(Fault(_variable(name), f"is {lowest} or more"))
    return value
