"""Who, what, why, under which terms, and by which token: what every use case asks."""

from dataclasses import dataclass

from governance.agreements import Agreements
from governance.bootstrap.infrastructure import Infrastructure
from governance.catalogue import Catalogue
from governance.decisions import PolicySource
from governance.emergency import EmergencyGrants
from governance.federation import Contacts, FederationDirectory, RegisteredOrigins
from governance.relationships import Relationships
from governance.tokens import ClientMethods, KeyRing, RemoteKeySets, TokenService, key_set_fetch
from governance.tokens.bundle_key import BundleKeys
from governance.tokens.message_key import MessageKeys
from governance.tokens.withdrawal import KeyWithdrawal


@dataclass(frozen=True, slots=True)
class Registers:
    """Who, what, why, under which terms, and by which token."""

    federation: FederationDirectory
    contacts: Contacts
    origins: RegisteredOrigins
    client_methods: ClientMethods
    catalogue: Catalogue
    relationships: Relationships
    agreements: Agreements
    tokens: TokenService
    bundle_keys: BundleKeys
    message_keys: MessageKeys
    key_withdrawal: KeyWithdrawal
    emergency: EmergencyGrants


def make_registers(infrastructure: Infrastructure) -> Registers:
    """Make the registers; a key to sign tokens with is made when there is none yet."""
    settings, database, clock = infrastructure.settings, infrastructure.database, infrastructure.clock
    federation = FederationDirectory(infrastructure.pseudonymiser)
    methods = ClientMethods(
        database,
        federation,
        clock,
        certificate_header=settings.client_certificate_header,
        secret_basic=settings.client_secret_basic,
    )
    secret = settings.key_encryption_key.get_secret_value()
    keys, bundle_keys = KeyRing(database, secret), BundleKeys(database, secret, settings.bundle_key_generation)
    keys.ensure(clock.now())
    return Registers(
        federation=federation,
        contacts=Contacts(infrastructure.vault),
        origins=RegisteredOrigins(database, federation),
        client_methods=methods,
        catalogue=Catalogue(),
        relationships=Relationships(infrastructure.pseudonymiser),
        agreements=Agreements(
            database,
            infrastructure.recorder,
            clock,
            lambda session: {trust.ods for trust in federation.trusts(session)},
            PolicySource.from_directory().digest,
            facts=infrastructure.facts,
        ),
        tokens=TokenService(
            issuer=settings.issuer,
            database=database,
            federation=federation,
            recorder=infrastructure.recorder,
            keys=keys,
            clock=clock,
            client_methods=methods.names,
            sign_in_age=settings.sign_in_age,
            key_sets=RemoteKeySets(key_set_fetch(infrastructure.outbound)),
        ),
        bundle_keys=bundle_keys,
        message_keys=MessageKeys.of(secret, settings.webhook_key_generation),
        key_withdrawal=KeyWithdrawal(database, infrastructure.recorder, clock, keys, bundle_keys),
        emergency=EmergencyGrants(database, infrastructure.recorder),
    )
