"""Registering with the federation: organisations, identity providers, services, AI manifests and console accounts.

1. A registration replaces the record of its key whole.
2. Registering a manifest never approves it; approving is an act of its own, and never one of the future.
3. Certificates and a secret are registered apart from the service: changing its scopes does not touch them, nor the
   other way round. A kind that this service does not take is refused, so that none waits unseen for the day it does.
4. A secret comes in once, is kept as a hash, and is in no answer and no log.
5. A client registers for its own trust, and gives no more than it holds (``claims.py``); credentials are registered by
   whoever could register their service.
6. Registering again brings back what was deleted, as a new one of its name: nothing counts that was issued until then.
   It ends no suspension, and what the region deleted is the region's to bring back.
7. This service's own address is nobody's to register (``reserved.py``).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import TypeVar

from sqlmodel import Session

from governance.audit.event import JsonValue
from governance.clock import Clock
from governance.errors import Fault, InvalidInput
from governance.federation import (
    AiManifest,
    ClientCredentials,
    FederationDirectory,
    IdentityProvider,
    Person,
    Registered,
    ServiceClient,
    Trust,
)
from governance.federation.directory import MATTER
from governance.pseudonyms import Pseudonymiser
from governance.registers import claims
from governance.registers.changes import Change, Changes, Made
from governance.registers.network import ApprovedManifest, Network
from governance.registers.reserved import Reserved
from governance.registers.writers import Claim, Writer, require_own
from governance.tokens import client_secrets
from governance.tokens.client_methods import CERTIFICATE, SECRET_BASIC
from governance.vocabulary import Scope

Done = TypeVar("Done")
Whose = Callable[[Session], Iterable[Claim]]


class Registrations:
    """Registers with the federation, each registration with its record.

    Every method raises Forbidden when the row is not the writer's to write, and InvalidInput with every fault of a
    registration that cannot be right.

    Args:
        changes: makes each change one transaction.
        federation: the register.
        methods: names how clients may authenticate here.
        issuer: the public base URL of this service, which nobody registers.
        pseudonymiser: keys the subjects of console accounts.
        clock: read once in each registration.
    """

    def __init__(
        self,
        *,
        changes: Changes,
        federation: FederationDirectory,
        methods: Sequence[str],
        issuer: str,
        pseudonymiser: Pseudonymiser,
        clock: Clock,
    ) -> None:
        self._changes = changes
        self._federation = federation
        self._methods = frozenset(methods)
        self._reserved = Reserved(issuer)
        self._pseudonymiser = pseudonymiser
        self._clock = clock

    def trust(self, writer: Writer, trust: Trust) -> None:
        """Register an organisation."""
        detail = {"registered": "trust", "ods": trust.ods}
        register = self._federation.register_trust
        self._one(writer, lambda _session: claims.trust(trust), lambda session: register(session, trust), detail)

    def identity_provider(self, writer: Writer, provider: IdentityProvider) -> None:
        """Register an issuer of identity tokens."""
        detail = {"registered": "identity_provider", "issuer": provider.issuer, "ods": provider.ods}

        def whose(session: Session) -> Iterable[Claim]:
            return claims.identity_provider(
                provider, self._federation.filed_identity_provider(session, provider.issuer)
            )

        _refuse(self._reserved.identity_provider(provider))
        register = self._federation.register_identity_provider
        named = (Registered.IDENTITY_PROVIDER, provider.issuer)
        self._one(writer, whose, lambda session: register(session, provider), detail, lambda _session: named)

    def client(self, writer: Writer, client: ServiceClient) -> None:
        """Register a service; raises Conflict when another archive already has its token audience."""
        detail: dict[str, JsonValue] = {
            "registered": "client",
            "client_id": client.client_id,
            "scopes": sorted(client.scopes),
            "asks_for": sorted(client.asks_for),
            "attests": sorted(client.attests),
            "writes_for": sorted(client.writes_for),
            "origins": list(client.origins),
        }

        def whose(session: Session) -> Iterable[Claim]:
            return claims.client(writer, client, self._federation.filed_client(session, client.client_id))

        _refuse(self._reserved.client(client))
        named = (Registered.CLIENT, client.client_id)
        register = self._federation.register_client
        self._one(writer, whose, lambda session: register(session, client), detail, lambda _session: named)

    def credentials(
        self, writer: Writer, client_id: str, certificates: Sequence[str], secret: str | None
    ) -> ClientCredentials:
        """Replace a service's certificates and secret: one that is left out is gone.

        Raises:
            NotFound: there is no such service.
            Conflict: a certificate is another service's.
        """
        self._refuse_methods_not_taken(certificates, secret)
        secret_hash = None if secret is None else client_secrets.hash_secret(secret)
        kept = ClientCredentials(client_id, tuple(certificates), secret_hash)
        detail: dict[str, JsonValue] = {
            "registered": "client_credentials",
            "client_id": client_id,
            "certificates": sorted(kept.certificates),
            "secret": secret is not None,
        }

        def whose(session: Session) -> Iterable[Claim]:
            client = self._federation.filed_client(session, client_id)
            return () if client is None else claims.client(writer, client, client)

        named = (Registered.CREDENTIALS, client_id)
        register = self._federation.register_credentials
        self._one(writer, whose, lambda session: register(session, kept), detail, lambda _session: named)
        return kept

    def manifest(self, writer: Writer, manifest: AiManifest) -> AiManifest:
        """Register a manifest, unapproved, and give it as it is kept; raises Conflict when an approved one differs."""
        detail = {"registered": "manifest", "service_id": manifest.service_id, "version": manifest.version}

        def whose(session: Session) -> Iterable[Claim]:
            return claims.manifest(self._federation.filed_client(session, manifest.service_id))

        return self._one(writer, whose, lambda session: self._federation.register_manifest(session, manifest), detail)

    def approve(self, writer: Writer, service_id: str, version: str) -> AiManifest:
        """Approve a version of an AI service from now on; raises NotFound."""
        act = self._federation.approve_manifest
        return self._judge(writer, (service_id, version), "approved", claims.approval, act)

    def withdraw(self, writer: Writer, service_id: str, version: str) -> AiManifest:
        """Withdraw a version's approval from now on; raises NotFound."""
        act = self._federation.withdraw_manifest
        return self._judge(writer, (service_id, version), "withdrawn", claims.withdrawal, act)

    def person(self, writer: Writer, person: Person) -> Person:
        """Register a console account and give it as it is kept, its subject a pseudonym."""
        kept = replace(person, subject=self._pseudonymiser.subject(person.subject))
        roles = sorted(kept.roles)
        detail = {"registered": "person", "subject": kept.subject, "ods": kept.ods, "roles": roles}

        def whose(session: Session) -> Iterable[Claim]:
            filed = self._federation.filed_person(session, kept.issuer, kept.subject)
            return claims.person(kept, filed, self._federation.filed_identity_provider(session, kept.issuer))

        register = self._federation.register_person
        self._one(
            writer, whose, lambda session: register(session, kept), detail, lambda session: self._of(session, kept)
        )
        return kept

    def network(self, writer: Writer, network: Network) -> None:
        """Register everything a document names, or nothing; only how many of each part is recorded.

        A network is the region's to register.
        """
        now = self._clock.now()
        faults = [
            self._reserved.identity_provider(row, f"/identity_providers/{number}")
            for number, row in enumerate(network.identity_providers)
        ]
        faults += [self._reserved.client(row, f"/clients/{number}") for number, row in enumerate(network.clients)]
        _refuse(chain.from_iterable(faults))

        def write(session: Session) -> Made[None]:
            require_own(writer, claims.network())
            self._put_network(session, network, now)
            return Made(None, {"registered": "network", **network.counts()})

        self._changes.make(Change(writer, Scope.FEDERATION_WRITE, MATTER, now), write)

    def _put_network(self, session: Session, network: Network, now: datetime) -> None:
        federation = self._federation
        for trust in network.trusts:
            federation.register_trust(session, trust)
        for provider in network.identity_providers:
            federation.register_identity_provider(session, provider)
            federation.registered_again(session, Registered.IDENTITY_PROVIDER, provider.issuer, now)
        for client in network.clients:
            federation.register_client(session, client)
            federation.registered_again(session, Registered.CLIENT, client.client_id, now)
        for number, row in enumerate(network.manifests):
            self._put_manifest(session, row, now, f"/manifests/{number}/approved_at")
        for person in network.persons:
            federation.register_person(session, person)
            federation.registered_again(session, *self._of(session, person), now)

    def _put_manifest(self, session: Session, row: ApprovedManifest, now: datetime, path: str) -> None:
        kept = self._federation.register_manifest(session, row.manifest)
        if row.since is None:
            return
        if row.since > now:
            raise InvalidInput([Fault(path, "is not in the future: an approval that is still to come is none")])
        self._federation.approve_manifest(session, kept.service_id, kept.version, row.since)

    def _of(self, session: Session, person: Person) -> tuple[Registered, str]:
        return Registered.PERSON, self._federation.person_standing(session, person.issuer, person.subject)

    def _one(
        self,
        writer: Writer,
        whose: Whose,
        register: Callable[[Session], Done],
        detail: Mapping[str, JsonValue],
        named: Callable[[Session], tuple[Registered, str]] | None = None,
    ) -> Done:
        """Register one row, which is the writer's by the claims that ``whose`` gives.

        ``named`` gives whose standing it has, for what can be ended.
        """
        now = self._clock.now()

        def write(session: Session) -> Made[Done]:
            before = None if named is None else self._federation.standing(session, *named(session))
            deleted = before if before is not None and before.deleted_at is not None else None
            require_own(writer, [*whose(session), *(claims.brought_back("/", deleted) if deleted else ())])
            done = register(session)
            if deleted is not None:
                self._federation.registered_again(session, deleted.kind, deleted.name, now)
            return Made(done, detail)

        return self._changes.make(Change(writer, Scope.FEDERATION_WRITE, MATTER, now), write)

    def _judge(
        self,
        writer: Writer,
        key: tuple[str, str],
        verdict: str,
        claimed: Callable[[ServiceClient | None, AiManifest | None], Iterable[Claim]],
        act: Callable[[Session, str, str, datetime], AiManifest],
    ) -> AiManifest:
        """Approve a version of a service, or withdraw its approval."""
        service_id, version = key
        now = self._clock.now()

        def write(session: Session) -> Made[AiManifest]:
            service = self._federation.filed_client(session, service_id)
            require_own(writer, claimed(service, self._federation.manifest(session, service_id, version)))
            detail = {verdict: "manifest", "service_id": service_id, "version": version}
            return Made(act(session, service_id, version, now), detail)

        return self._changes.make(Change(writer, Scope.FEDERATION_WRITE, MATTER, now), write)

    def _refuse_methods_not_taken(self, certificates: Sequence[str], secret: str | None) -> None:
        faults = []
        if certificates and CERTIFICATE not in self._methods:
            faults.append(Fault("/certificates", "this service does not take client certificates"))
        if secret is not None and SECRET_BASIC not in self._methods:
            faults.append(Fault("/secret", "this service does not take client secrets"))
        elif secret is not None and not client_secrets.acceptable(secret):
            size = f"{client_secrets.MINIMUM} to {client_secrets.MAXIMUM}"
            faults.append(Fault("/secret", f"must be {size} random printable ASCII characters, no spaces"))
        _refuse(faults)


def _refuse(faults: Iterable[Fault]) -> None:
    found = list(faults)
    if found:
        raise InvalidInput(found, "The registration is not valid.")
