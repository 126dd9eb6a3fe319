"""What settings owe to one another: rules over several of them, each a fault of the one that has to give way."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from governance.errors import Fault
from governance.settings.database_urls import database_name
from governance.settings.faults import variable
from governance.settings.values import LOOPBACK

_HALVES = ("client_certificate_header", "trusted_proxies")
_OPA_HALVES = ("opa_client_certificate", "opa_client_key")


def lone_halves(given: Mapping[str, Any]) -> list[Fault]:
    """Find what was said in part: two settings that are one thing together."""
    return _lone_half(given) + _lone_opa_half(given) + _lone_mail(given)


def _lone_half(given: Mapping[str, Any]) -> list[Fault]:
    """Client certificates need the proxies that pass them on; proxies need no certificates."""
    header, proxies = (given.get(name) for name in _HALVES)
    if not header or proxies:
        return []
    return [Fault(variable(_HALVES[1]), "is required when the other half of client certificates is set")]


def _lone_opa_half(given: Mapping[str, Any]) -> list[Fault]:
    """What is shown to the OPA server is a certificate and its key."""
    missing = [name for name in _OPA_HALVES if not given.get(name)]
    if len(missing) != 1:
        return []
    return [Fault(variable(missing[0]), "is required when the other half of the certificate for OPA is set")]


def _lone_mail(given: Mapping[str, Any]) -> list[Fault]:
    """Mail comes from somebody."""
    if not given.get("mail_host") or given.get("mail_sender"):
        return []
    return [Fault(variable("mail_sender"), f"is required when {variable('mail_host')} is set")]


def together(made: Any, given: Mapping[str, Any], keys: Sequence[str]) -> list[Fault]:
    """Check what settings owe to one another: a key serves one purpose, a port one listener, waits leave threads."""
    faults = []
    for number, name in enumerate(keys):
        others = [other for other in keys[:number] if getattr(made, other) == getattr(made, name)]
        if others:
            faults.append(Fault(variable(name), f"is the key of another purpose: {variable(others[0])}"))
    if made.syslog_port == made.port and made.syslog_host == made.host:
        faults.append(Fault(variable("syslog_port"), f"is the port of the HTTP server: {variable('port')}"))
    said = isinstance(given.get("bundle_waits"), str)  # the default gives way to few threads
    if said and made.bundle_waits >= made.threads:
        faults.append(Fault(variable("bundle_waits"), f"is less than {variable('threads')}, which answer all the rest"))
    return faults + _another_database(made) + _shown_in_clear(made) + _mail_in_clear(made)


def _another_database(made: Any) -> list[Fault]:
    """The owner's URL is of the service's database; behind a pooler that may have another name for it."""
    if made.database_owner_url is None:
        return []
    url, owner = made.database_url.get_secret_value(), made.database_owner_url.get_secret_value()
    alike = url.startswith("postgresql") and (
        made.database_pooler != "none" or database_name(url) == database_name(owner)
    )
    name = variable("database_owner_url")
    return [] if alike else [Fault(name, f"is of another database than {variable('database_url')}")]


def _shown_in_clear(made: Any) -> list[Fault]:
    """A token is sent over TLS, or stays on this machine."""
    url = urlsplit(made.opa_url or "")
    if made.opa_token is None or url.scheme != "http" or url.hostname in LOOPBACK:
        return []
    return [Fault(variable("opa_url"), "is https when a token is sent there, unless it is a loopback address")]


def _mail_in_clear(made: Any) -> list[Fault]:
    """A link and a password go over TLS, or stay on this machine."""
    if made.mail_host is None or made.mail_tls != "none" or made.mail_host in LOOPBACK:
        return []
    return [Fault(variable("mail_tls"), "is `starttls` or `tls`, unless the mail server is a loopback address")]
