"""The invented people, clients and issuers, read from ``region/accounts.yaml``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from governance.vocabulary import nhs_number, ods_code

DEFAULT_FILE = Path(__file__).parent.parent / "region" / "accounts.yaml"
AUTHENTICATIONS = frozenset({"none", "client_secret_basic", "client_secret_post", "private_key_jwt"})
ALGORITHMS = frozenset({"ES256", "RS256"})
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class JobRole:
    """A national RBAC job role: its ``S:G:R`` code and its name, and the activity codes it comes with."""

    code: str
    name: str
    activities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountRole:
    """One role of a person: ``id`` is its person_roleid, ``ods`` the organisation it is held at."""

    id: str
    ods: str
    job: JobRole


@dataclass(frozen=True, slots=True)
class Account:
    """An invented person: ``user`` is their sub, assurance is 0 to 3, ``patient`` their NHS number, if any."""

    user: str
    name: str
    issuer: str
    roles: tuple[AccountRole, ...]
    identity_assurance: int = 3
    authentication_assurance: int = 3
    patient: str | None = None

    def role(self, role_id: str) -> AccountRole | None:
        """Find a role of this person by its person_roleid."""
        return next((role for role in self.roles if role.id == role_id), None)


@dataclass(frozen=True, slots=True)
class ClientRegistration:
    """A relying party: how it authenticates, and where codes may be sent."""

    client_id: str
    authentication: str
    redirect_uris: tuple[str, ...]
    secret: str | None = field(default=None, repr=False)
    jwks: Mapping[str, Any] | None = None

    def may_redirect_to(self, uri: str) -> bool:
        """Say whether the address is registered; of a loopback address the port may differ (rule 3)."""
        return uri in self.redirect_uris or _portless(uri) in {_portless(known) for known in self.redirect_uris} - {
            None
        }


@dataclass(frozen=True, slots=True)
class Issuer:
    """One trust's issuer: its ODS code, name and signature algorithm."""

    ods: str
    name: str
    algorithm: str


@dataclass(frozen=True, slots=True)
class Accounts:
    """Everything the provider knows. ``broker`` is the client id under which the token service is known."""

    issuers: Mapping[str, Issuer]
    clients: Mapping[str, ClientRegistration]
    accounts: Mapping[str, Account]
    broker: str

    def of_issuer(self, ods: str) -> tuple[Account, ...]:
        """Give the people who sign in at a trust's issuer, by user."""
        return tuple(account for _, account in sorted(self.accounts.items()) if account.issuer == ods)


def load_accounts(path: Path = DEFAULT_FILE) -> Accounts:
    """Read the accounts file; raises ValueError or KeyError when it is not right."""
    document = yaml.safe_load(path.read_text())
    jobs = {
        name: JobRole(job["code"], job["name"], tuple(job.get("activities", ())))
        for name, job in document["jobs"].items()
    }
    issuers = {
        ods: Issuer(ods_code(ods), row["name"], row.get("algorithm", "ES256"))
        for ods, row in document["issuers"].items()
    }
    clients = {row["client_id"]: _client(row) for row in document["clients"]}
    accounts = [_account(number, row, jobs) for number, row in enumerate(document["accounts"], 1)]
    if len({account.user for account in accounts}) != len(accounts):
        raise ValueError("a user is listed twice")
    unknown = {issuer.algorithm for issuer in issuers.values()} - ALGORITHMS
    strangers = {account.issuer for account in accounts} - issuers.keys()
    if unknown or strangers:
        raise ValueError(f"no such algorithm or issuer: {sorted(unknown | strangers)}")
    return Accounts(issuers, clients, {account.user: account for account in accounts}, document["broker"])


def _account(number: int, row: Mapping[str, Any], jobs: Mapping[str, JobRole]) -> Account:
    roles = tuple(
        AccountRole(f"5550{number:04d}{position:04d}", ods_code(role["ods"]), jobs[role["job"]])
        for position, role in enumerate(row["roles"], 1)
    )
    return Account(
        user=row["user"],
        name=row["name"],
        issuer=row["issuer"],
        roles=roles,
        identity_assurance=row.get("identity_assurance", 3),
        authentication_assurance=row.get("authentication_assurance", 3),
        patient=nhs_number(str(row["patient"])) if "patient" in row else None,
    )


def _client(row: Mapping[str, Any]) -> ClientRegistration:
    if row["authentication"] not in AUTHENTICATIONS:
        raise ValueError(f"no such client authentication: {row['authentication']}")
    return ClientRegistration(
        row["client_id"], row["authentication"], tuple(row["redirect_uris"]), row.get("secret"), row.get("jwks")
    )


def _portless(uri: str) -> tuple[str, str, str, str] | None:
    """Give a loopback address without its port, None for any other address."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme != "http" or parts.hostname not in _LOOPBACK or parts.fragment or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, parts.path, parts.query
