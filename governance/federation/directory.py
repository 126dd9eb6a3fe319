"""The directory of the federation: who the network knows."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from governance.errors import Conflict, Fault, InvalidInput, NotFound
from governance.federation import _credential_store, _standing_store, _store, checks
from governance.federation.credentials import ClientCredentials
from governance.federation.people import Called, Person, StaffMember, chosen
from governance.federation.service_client import WHOLE_REGION, AiManifest, ServiceClient
from governance.federation.standing import NETWORK, Registered, Standing, person_name, person_of
from governance.federation.trust import IdentityProvider, Trust
from governance.pseudonyms import Pseudonymiser
from governance.storage.exclusive import exclusive
from governance.storage.snapshot import cache_all, cached
from governance.vocabulary import SubjectType

MATTER = "federation"  # a registration that depends on others is made by one process at a time
STAFF_PAGE = 1_000  # members of staff in one page


class FederationDirectory:
    """Finds and registers organisations, identity providers, services, AI manifests, staff and console accounts.

    Every method takes the caller's session first: a read snapshot, or for writes a write transaction. Registering the
    same key again replaces what was there; what was deleted comes back by :meth:`registered_again` alone. A
    registration that cannot be right raises InvalidInput with every fault. What is found is in force (standing.py); the
    names with ``filed`` find what is suspended or deleted too.

    Args:
        pseudonymiser: keys the subjects of console accounts.
    """

    def __init__(self, pseudonymiser: Pseudonymiser) -> None:
        self._pseudonymiser = pseudonymiser

    # Organisations and their identity providers

    def register_trust(self, session: Session, trust: Trust) -> None:
        """Register an organisation."""
        _refuse(checks.trust(trust))
        _store.put(session, [trust])

    def trust(self, session: Session, ods: str) -> Trust | None:
        """Find an organisation by ODS code."""
        return cached(session, ("trust", ods), lambda: _store.trust(session, ods))

    def trusts(self, session: Session) -> tuple[Trust, ...]:
        """Give every organisation, by ODS code."""
        return tuple(_store.trusts(session))

    def register_identity_provider(self, session: Session, provider: IdentityProvider) -> None:
        """Register an issuer of identity tokens."""
        faults = checks.identity_provider(provider)
        _refuse(faults + ([] if provider.ods is None else self._unknown_trust(session, "/ods", provider.ods)))
        _store.put(session, [provider])

    def identity_provider(self, session: Session, issuer: str) -> IdentityProvider | None:
        """Find an identity provider by its issuer, compared character by character (OpenID Connect Core 3.1.3.7)."""
        return cached(session, ("issuer", issuer), lambda: _store.identity_provider(session, issuer))

    def filed_identity_provider(self, session: Session, issuer: str) -> IdentityProvider | None:
        """Find an identity provider whatever its standing."""
        return cached(session, ("filed issuer", issuer), lambda: _store.filed_identity_provider(session, issuer))

    def identity_providers(self, session: Session) -> tuple[IdentityProvider, ...]:
        """Give every identity provider, by issuer."""
        return tuple(_store.identity_providers(session))

    def names_of_issuers(self, session: Session) -> dict[str, str]:
        """Give in whose names the subjects of each issuer are, whatever its standing: its trust's, or its own."""
        return {provider.issuer: provider.names for provider in _store.filed_identity_providers(session)}

    # Services

    def register_client(self, session: Session, client: ServiceClient) -> None:
        """Register a service; raises Conflict when another archive already has its token audience."""
        faults = checks.client(client) + self._unknown_trust(session, "/ods", client.ods)
        for ods in sorted(client.writes_for - {WHOLE_REGION}):
            faults += self._unknown_trust(session, "/writes_for", ods)
        _refuse(faults)
        exclusive(session, MATTER)
        if client.token_audience is not None:
            other = _store.filed_archive(session, client.token_audience)
            if other is not None and other.client_id != client.client_id:
                raise Conflict("client.audience_taken", "Another archive is registered with this token audience.")
        _store.put(session, [client])

    def client(self, session: Session, client_id: str) -> ServiceClient | None:
        """Find a registered service by client id."""
        return cached(session, ("client", client_id), lambda: _store.client(session, client_id))

    def filed_client(self, session: Session, client_id: str) -> ServiceClient | None:
        """Find a service whatever its standing."""
        return cached(session, ("filed client", client_id), lambda: _store.filed_client(session, client_id))

    def clients(self, session: Session) -> tuple[ServiceClient, ...]:
        """Give every registered service, by client id."""
        return tuple(_store.clients(session))

    def origins(self, session: Session) -> frozenset[str]:
        """Give the web origins of every registered service's pages."""
        return _store.origins(session)

    def archive(self, session: Session, token_audience: str) -> ServiceClient | None:
        """Find the archive that tokens with an audience are for."""
        return _store.archive(session, token_audience)

    def register_credentials(self, session: Session, credentials: ClientCredentials) -> None:
        """Replace the further credentials of a service.

        Raises NotFound, and Conflict when a certificate is another service's.
        """
        _refuse(checks.credentials(credentials))
        exclusive(session, MATTER)
        if _store.filed_client(session, credentials.client_id) is None:
            raise NotFound("client.unknown", "There is no service with this client id.")
        holders = {_credential_store.holder(session, one) for one in credentials.certificates}
        if holders - {None, credentials.client_id}:
            raise Conflict("client.certificate_taken", "Another service is registered with one of these certificates.")
        _credential_store.replace(session, credentials)

    def credentials(self, session: Session, client_id: str) -> ClientCredentials:
        """Give the further credentials of a service; empty when it has none that are in force."""
        if not self.standing(session, Registered.CREDENTIALS, client_id).in_force:
            return ClientCredentials(client_id)
        return self.filed_credentials(session, client_id)

    def filed_credentials(self, session: Session, client_id: str) -> ClientCredentials:
        """Give the further credentials of a service whatever their standing."""
        return _credential_store.credentials_of(session, client_id)

    def client_of_certificate(self, session: Session, thumbprint: str) -> ServiceClient | None:
        """Find the service that a certificate identifies, by its thumbprint."""
        client_id = _credential_store.holder(session, thumbprint)
        if client_id is None or not self.standing(session, Registered.CREDENTIALS, client_id).in_force:
            return None
        return _store.client(session, client_id)

    # AI manifests

    def register_manifest(self, session: Session, manifest: AiManifest) -> AiManifest:
        """Register a manifest, unapproved, and give it as it is kept.

        The same again changes nothing, its approval included. Raises Conflict when an approved one would change: an
        approval is of a text, so it is withdrawn first.
        """
        exclusive(session, MATTER)
        known = _store.filed_client(session, manifest.service_id)
        faults = checks.manifest(manifest)
        if known is None or known.kind is not SubjectType.AI_SERVICE:
            faults.append(Fault("/service_id", "is not a registered AI service"))
        for ods in sorted(manifest.trusts):
            faults += self._unknown_trust(session, "/trusts", ods)
        _refuse(faults)
        before = _store.manifest(session, manifest.service_id, manifest.version)
        fresh = replace(manifest, approved_at=None, withdrawn_at=None)
        if before is not None and replace(before, approved_at=None, withdrawn_at=None) == fresh:
            return before
        if before is not None and before.approved:
            raise Conflict("manifest.approved", "This version is approved; withdraw the approval before changing it.")
        _store.put(session, [fresh])
        return fresh

    def approve_manifest(self, session: Session, service_id: str, version: str, at: datetime) -> AiManifest:
        """Approve a version from ``at`` on; one already approved stays as it is. Raises NotFound."""
        manifest = self._known_manifest(session, service_id, version)
        if manifest.approved:
            return manifest
        return self._keep(session, replace(manifest, approved_at=at, withdrawn_at=None))

    def withdraw_manifest(self, session: Session, service_id: str, version: str, at: datetime) -> AiManifest:
        """Withdraw a version's approval from ``at`` on; one not approved stays as it is. Raises NotFound."""
        manifest = self._known_manifest(session, service_id, version)
        return self._keep(session, replace(manifest, withdrawn_at=at)) if manifest.approved else manifest

    def manifest(self, session: Session, service_id: str, version: str | None = None) -> AiManifest | None:
        """Find the manifest of a version; without one, of the version the service is registered to run."""
        if version is None:
            client = _store.client(session, service_id)
            version = None if client is None else client.ai_version
        return None if version is None else _store.manifest(session, service_id, version)

    def manifests(self, session: Session, service_id: str | None = None) -> tuple[AiManifest, ...]:
        """Give the manifests of one AI service, or of all, by service and version."""
        return tuple(_store.manifests(session, service_id))

    # People

    def upsert_staff(self, session: Session, staff: Sequence[StaffMember]) -> None:
        """Insert or replace members of staff whole; of two of one person and trust the last wins."""
        _store.put(session, staff)
        _store.put_teams(
            session, {(self._pseudonymiser.subject(team), one.ods) for one in staff for team in one.team_ids}
        )

    def namesakes(self, session: Session, subject: str) -> tuple[StaffMember, ...]:
        """Give every member of staff of a pseudonym ``s-…``: of several trusts they are several people."""
        return cached(session, ("staff", subject), lambda: tuple(_store.namesakes(session, subject)))

    def staff(
        self, session: Session, subject: str, ods: str | None = None, named_by: str | None = None
    ) -> StaffMember | None:
        """Find a member of staff by pseudonym ``s-…`` (:func:`governance.federation.people.chosen`)."""
        return chosen(self.namesakes(session, subject), ods, named_by)

    def staff_many(self, session: Session, subjects: Collection[str]) -> dict[str, tuple[StaffMember, ...]]:
        """Find the namesakes of many pseudonyms in one go; unknown ones are left out."""
        found: dict[str, tuple[StaffMember, ...]] = {}
        for member in _store.staff(session, sorted(set(subjects))):
            found[member.id] = (*found.get(member.id, ()), member)
        cache_all(session, {("staff", subject): found.get(subject, ()) for subject in subjects})
        return found

    def staff_of_patients(self, session: Session, patients: Collection[str]) -> list[StaffMember]:
        """Find the members of staff who are one of some patients, by pseudonym ``p-…`` or key ``k-…``."""
        return _store.staff_of_patients(session, sorted(set(patients)))

    def trusts_naming(self, session: Session, names: Collection[str]) -> dict[str, frozenset[str]]:
        """Give, for pseudonyms of people and teams, the trusts that have somebody or a team of that name."""
        found: dict[str, set[str]] = {name: set() for name in names}
        for name, ods in cached(
            session, ("named", frozenset(names)), lambda: _store.named(session, sorted(set(names)))
        ):
            found[name].add(ods)
        return {name: frozenset(trusts) for name, trusts in found.items()}

    def staff_of(
        self,
        session: Session,
        organisations: Collection[str],
        after: tuple[str, str, str] = ("", "", ""),
        limit: int = STAFF_PAGE,
    ) -> tuple[StaffMember, ...]:
        """Give a page of the staff of some organisations by id, trust and issuer, those after such a place."""
        return tuple(_store.staff_page(session, sorted(set(organisations)), after, limit))

    def register_person(self, session: Session, person: Person) -> None:
        """Register a console account; its subject may be given plainly and is kept as a pseudonym."""
        faults = checks.person(person) + self._unknown_trust(session, "/ods", person.ods)
        if _store.filed_identity_provider(session, person.issuer) is None:
            faults.append(Fault("/issuer", "is not a registered identity provider"))
        _refuse(faults)
        _store.put(session, [replace(person, subject=self._pseudonymiser.subject(person.subject))])

    def person(self, session: Session, issuer: str, subject: str) -> Person | None:
        """Find a console account by issuer and subject, plain or pseudonym."""
        return _store.person(session, issuer, self._pseudonymiser.subject(subject))

    def filed_person(self, session: Session, issuer: str, subject: str) -> Person | None:
        """Find a console account whatever its standing, by issuer and subject, plain or pseudonym."""
        pseudonym = self._pseudonymiser.subject(subject)
        return cached(
            session, ("filed person", issuer, pseudonym), lambda: _store.filed_person(session, issuer, pseudonym)
        )

    def everybody_called(self, session: Session, subject: str) -> tuple[Called, ...]:
        """Give all people on file of a pseudonym ``s-…``, staff and console accounts, whatever their standing."""
        found = [Called(one.named_by, one.ods, one.leaves_on) for one in _store.namesakes(session, subject)]
        for named_by, account in _store.filed_persons_called(session, subject):
            deleted = self.standing(session, Registered.PERSON, person_name(named_by, subject)).deleted_at
            found.append(Called(named_by, account.ods, None if deleted is None else deleted.date()))
        return tuple(found)

    def persons(self, session: Session) -> tuple[Person, ...]:
        """Give every console account, by issuer and subject."""
        return tuple(_store.persons(session))

    # Where each of them stands

    def standing(self, session: Session, kind: Registered, name: str) -> Standing:
        """Give where a registration stands; what was never ended is in force."""
        return cached(session, ("standing", kind, name), lambda: _standing_store.get(session, kind, name))

    def standings(self, session: Session) -> tuple[Standing, ...]:
        """Give the standing of whatever was ever suspended, deleted or bounded, by kind and name."""
        return tuple(_standing_store.every(session))

    def read_filed(self, session: Session, standings: Iterable[Standing]) -> None:
        """Read in one go what saying whose these are is going to look up on this snapshot."""
        cache_all(session, {("trust", one.ods): one for one in _store.trusts(session)})
        cache_all(session, {("filed client", one.client_id): one for one in _store.filed_clients(session)})
        cache_all(session, {("filed issuer", one.issuer): one for one in _store.filed_identity_providers(session)})
        people = [person_of(one.name) for one in standings if one.kind is Registered.PERSON]
        accounts = {(one.issuer, one.subject): one for one in _store.filed_persons(session)}
        cache_all(session, {("filed person", *person): accounts.get(person) for person in people})
        self.staff_many(session, [subject for _, subject in people])

    def ended_since(self, session: Session, instant: datetime) -> tuple[Standing, ...]:
        """Give the standings that an end was put to, or a bound, at an instant or later."""
        return tuple(_standing_store.since(session, instant))

    def register_standing(self, session: Session, standing: Standing) -> None:
        """Keep where a registration stands; deleting takes its secrets and its names from it."""
        _standing_store.put(session, standing)
        if standing.deleted_at is None:
            return
        if standing.kind in {Registered.CLIENT, Registered.CREDENTIALS}:
            _credential_store.replace(session, ClientCredentials(standing.name))
        if standing.kind is Registered.CLIENT:
            _store.give_up_audience(session, standing.name)

    def admits(self, session: Session, issued: datetime, *rests_on: tuple[Registered, str]) -> bool:
        """Say whether what was issued at an instant counts, by everything it rests on, and by the network."""
        wanted = {NETWORK, *rests_on}
        found = _standing_store.named(session, sorted({name for _, name in wanted}))
        return all(one.admits(issued) for one in found if (one.kind, one.name) in wanted)

    def admits_person(self, session: Session, issuer: str, subject: str, issued: datetime) -> bool:
        """Say whether what an issuer said of a person at an instant counts; the subject is plain or a pseudonym."""
        person = self.person_standing(session, issuer, subject)
        return self.admits(session, issued, (Registered.IDENTITY_PROVIDER, issuer), (Registered.PERSON, person))

    def person_standing(self, session: Session, issuer: str, subject: str) -> str:
        """Give the name of a person's standing: one person has one, at whichever issuer of a trust they sign in."""
        provider = self.filed_identity_provider(session, issuer)
        return person_name(provider.names if provider else issuer, self._pseudonymiser.subject(subject))

    def end_everything(self, session: Session, issued_until: datetime) -> None:
        """Let nothing count any more that anybody was issued up to an instant, nor any session of before."""
        _standing_store.put(session, _standing_store.get(session, *NETWORK).since(issued_until))

    def registered_again(self, session: Session, kind: Registered, name: str, now: datetime) -> None:
        """Bring back what was deleted and is registered again; what was issued until now stays dead."""
        before = _standing_store.get(session, kind, name)
        if before.deleted_at is not None:
            _standing_store.put(session, before.registered_again(now))

    def _known_manifest(self, session: Session, service_id: str, version: str) -> AiManifest:
        exclusive(session, MATTER)
        manifest = _store.manifest(session, service_id, version)
        if manifest is None:
            raise NotFound("manifest.unknown", "There is no manifest of this service and version.")
        return manifest

    def _keep(self, session: Session, manifest: AiManifest) -> AiManifest:
        _store.put(session, [manifest])
        return manifest

    def _unknown_trust(self, session: Session, path: str, ods: str) -> list[Fault]:
        return [] if _store.trust(session, ods) else [Fault(path, "is not a registered organisation")]


def _refuse(faults: Sequence[Fault]) -> None:
    if faults:
        raise InvalidInput(faults, "The registration is not valid.")
