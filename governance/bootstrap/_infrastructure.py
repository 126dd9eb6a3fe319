"""What every room stands on, and the rooms that every use case stands on."""

import uuid
from dataclasses import dataclass

from governance.agreements import Agreements
from governance.audit import AuditLog, AuditSearch, NoteSigner, Source
from governance.audit.health import LogPosture
from governance.catalogue import Catalogue
from governance.clock import Clock
from governance.emergency import EmergencyGrants
from governance.federation import FederationDirectory
from governance.pseudonyms import Pseudonymiser, Vault
from governance.relationships import Relationships
from governance.settings import Settings
from governance.storage import Database, migrate
from governance.telemetry import Metrics
from governance.tokens import ClientMethods, KeyRing, TokenService
from governance.vocabulary import SYSTEM


@dataclass(frozen=True, slots=True)
class Ground:
    """What every room stands on."""

    settings: Settings
    clock: Clock
    database: Database
    metrics: Metrics
    pseudonymiser: Pseudonymiser
    vault: Vault
    posture: LogPosture
    audit: AuditLog
    search: AuditSearch
    source: Source


@dataclass(frozen=True, slots=True)
class Rooms:
    """Who, what, why, under which terms, and by which token."""

    federation: FederationDirectory
    client_methods: ClientMethods
    catalogue: Catalogue
    relationships: Relationships
    agreements: Agreements
    tokens: TokenService
    emergency: EmergencyGrants


def make_ground(settings: Settings, clock: Clock) -> Ground:
    database = Database(settings.database_url)
    migrate.upgrade(database)
    pseudonymiser, vault = Pseudonymiser(settings.pseudonym_key), Vault(settings.key_encryption_key)
    signer = NoteSigner.from_seed(settings.log_origin, settings.log_signing_key)
    metrics = Metrics(settings.shared_folder)
    posture = LogPosture(metrics)
    return Ground(
        settings=settings,
        clock=clock,
        database=database,
        metrics=metrics,
        pseudonymiser=pseudonymiser,
        vault=vault,
        posture=posture,
        audit=AuditLog(database, pseudonymiser, vault, signer, clock, settings.log_origin, observer=posture),
        search=AuditSearch(database),
        source=Source(SYSTEM, settings.organisation),
    )


def make_rooms(ground: Ground) -> Rooms:
    federation = FederationDirectory(ground.pseudonymiser)
    methods = ClientMethods(
        ground.database,
        federation,
        ground.clock,
        certificate_header=ground.settings.client_certificate_header,
        secret_basic=ground.settings.client_secret_basic,
    )
    keys = KeyRing(ground.database, ground.settings.key_encryption_key)
    keys.ensure(ground.clock.now())
    return Rooms(
        federation=federation,
        client_methods=methods,
        catalogue=Catalogue(),
        relationships=Relationships(ground.pseudonymiser),
        agreements=Agreements(
            ground.database,
            ground.audit,
            ground.clock,
            new_id,
            ground.source,
            lambda session: {trust.ods for trust in federation.trusts(session)},
        ),
        tokens=TokenService(
            issuer=ground.settings.issuer,
            database=ground.database,
            federation=federation,
            audit=ground.audit,
            keys=keys,
            clock=ground.clock,
            new_id=new_id,
            source=ground.source,
            client_methods=methods.names,
        ),
        emergency=EmergencyGrants(ground.database, ground.audit),
    )


def new_id() -> str:
    """Make a fresh identifier (RFC 9562 UUID version 4)."""
    return str(uuid.uuid4())
