"""The composition root: the only file that knows every concrete class.

``build`` makes the services of a process from its settings, ``create_app`` puts the HTTP doors in front of them. What
runs beside the requests is ``governance.jobs.Runtime``. Tests call the same three with their own settings and clock.
"""

import gc
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from a2wsgi import WSGIMiddleware
from flask import Flask
from sqlmodel import Session

from governance import __version__, api, console
from governance.agreements import Agreements
from governance.alerts import AlertService
from governance.api.loop_door import LoopDoor
from governance.audit import AuditLog, AuditSearch, NoteSigner, Query, Source
from governance.audit.posture import LogPosture
from governance.audit.quarantine import Quarantine
from governance.catalogue import Catalogue
from governance.clock import Clock, SystemClock
from governance.decisions import (
    DecisionService,
    Engine,
    OpaEngine,
    OpaRules,
    PolicyInformationPoint,
    PolicySource,
    RegorusEngine,
    RegorusRules,
    Rules,
    review_sample,
)
from governance.decisions.pip import ReadsToday
from governance.detection import DetectionEngine, Links, RegionContext, default_rules
from governance.emergency import EmergencyGrants
from governance.enforcement import (
    AccessRequests,
    AccessService,
    AgreementLapse,
    ArchiveAddress,
    ArchiveLists,
    Bundles,
    CandidateFinder,
    Denials,
    DicomwebArchives,
    EdgeIntake,
    EdgeLimits,
    Edges,
    EdgeWatch,
    EnforcementPoint,
    ExchangeService,
    ImpactAnalysis,
    SearchService,
)
from governance.federation import FederationDirectory
from governance.jobs import Runtime
from governance.pseudonyms import Pseudonymiser, Vault
from governance.relationships import Relationships
from governance.settings import Settings
from governance.storage import Database, migrate
from governance.telemetry import Metrics, configure
from governance.tenants import Tenant, Tenants, read_tenants
from governance.tokens import ClientMethods, KeyRing, TokenService
from governance.tokens.bundle_key import BundleKey
from governance.vocabulary import SYSTEM, EventKind, Outcome
from governance.web import Services, browser, observation, problems, readiness
from governance.web.services import EXTENSION

_LONDON = ZoneInfo("Europe/London")


@dataclass(frozen=True, slots=True)
class _Ground:
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
class _Rooms:
    """Who, what, why, under which terms, and by which token."""

    federation: FederationDirectory
    client_methods: ClientMethods
    catalogue: Catalogue
    relationships: Relationships
    agreements: Agreements
    tokens: TokenService
    emergency: EmergencyGrants


def build(settings: Settings, clock: Clock | None = None, engine: Engine | None = None) -> Services:
    """Make the services of a process; nothing runs yet, and the database has its newest schema.

    Args:
        settings: validated settings.
        clock: the one clock; the machine's when none is given.
        engine: a policy engine; made from the settings when none is given.
    """
    ground = _ground(settings, clock or SystemClock())
    rooms = _rooms(ground)
    decisions = _decisions(ground, rooms, engine or _engine(settings))
    access = _access(ground, rooms, decisions)
    bundles = _bundles(ground, rooms)
    edges = Edges(ground.database, rooms.federation, ground.clock, lambda: bundles.revision, settings.edge_stale_after)
    quarantine = Quarantine(ground.database, ground.pseudonymiser, ground.vault, ground.clock)
    enforcement = _enforcement(ground, rooms)
    alerts = AlertService(
        database=ground.database,
        audit=ground.audit,
        clock=ground.clock,
        revealer=ground.audit,
        source=ground.source,
        patient_of=lambda session, subject: _patient_of(rooms.federation, session, subject),
    )
    services = Services(
        settings=settings,
        clock=ground.clock,
        database=ground.database,
        pseudonymiser=ground.pseudonymiser,
        vault=ground.vault,
        source=ground.source,
        audit=ground.audit,
        audit_posture=ground.posture,
        audit_search=ground.search,
        quarantine=quarantine,
        federation=rooms.federation,
        catalogue=rooms.catalogue,
        relationships=rooms.relationships,
        agreements=rooms.agreements,
        access=access,
        access_requests=_access_requests(ground, rooms, decisions),
        emergency=rooms.emergency,
        search=_search(ground, rooms, decisions),
        exchange=_exchange(ground, rooms, access),
        impact=_impact(ground, rooms),
        enforcement=enforcement,
        lists=_lists(ground, rooms, decisions, enforcement),
        bundles=bundles,
        edges=edges,
        edge_intake=EdgeIntake(ground.audit, quarantine, ground.clock, ground.metrics),
        edge_watch=_edge_watch(ground, edges, alerts),
        tenants=_tenants(ground),
        tokens=rooms.tokens,
        client_methods=rooms.client_methods,
        alerts=alerts,
        detection=_detection(ground, rooms, alerts),
        metrics=ground.metrics,
    )
    ground.metrics.watch(lambda: readiness.snapshot(services), __version__)
    return services


def _ground(settings: Settings, clock: Clock) -> _Ground:
    database = Database(settings.database_url)
    migrate.upgrade(database)
    pseudonymiser, vault = Pseudonymiser(settings.pseudonym_key), Vault(settings.key_encryption_key)
    signer = NoteSigner.from_seed(settings.log_origin, settings.log_signing_key)
    metrics = Metrics(settings.shared_folder)
    posture = LogPosture(metrics)
    return _Ground(
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


def _rooms(ground: _Ground) -> _Rooms:
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
    return _Rooms(
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


def _decisions(ground: _Ground, rooms: _Rooms, engine: Engine) -> DecisionService:
    information = PolicyInformationPoint(
        federation=rooms.federation,
        catalogue=rooms.catalogue,
        relationships=rooms.relationships,
        pseudonymiser=ground.pseudonymiser,
        reads_today=_reads_today(ground.search),
        grants=rooms.emergency.running,
    )
    return DecisionService(engine, information, review_sample(ground.settings.key_encryption_key))


def _access(ground: _Ground, rooms: _Rooms, decisions: DecisionService) -> AccessService:
    """Make the access use case; what the agreements publish reaches the engine, and what they drop kills its tokens."""
    access = AccessService(
        decisions=decisions,
        catalogue=rooms.catalogue,
        audit=ground.audit,
        database=ground.database,
        clock=ground.clock,
        metrics=ground.metrics,
        source=ground.source,
        new_id=new_id,
        catch_up=rooms.agreements.catch_up,
    )
    rooms.agreements.subscribe(access.load)  # first: no decision on the old terms once their tokens have died
    rooms.agreements.subscribe(AgreementLapse(rooms.tokens, ground.database, ground.clock))
    return access


def _access_requests(ground: _Ground, rooms: _Rooms, decisions: DecisionService) -> AccessRequests:
    key = ground.settings.key_encryption_key
    return AccessRequests(
        denials=Denials(key, ground.search, ground.pseudonymiser),
        grants=rooms.emergency,
        decisions=decisions,
        sample=review_sample(key),
        catalogue=rooms.catalogue,
        pseudonymiser=ground.pseudonymiser,
        audit=ground.audit,
        database=ground.database,
        clock=ground.clock,
        source=ground.source,
        new_id=new_id,
    )


def _search(ground: _Ground, rooms: _Rooms, decisions: DecisionService) -> SearchService:
    return SearchService(
        decisions=decisions,
        finder=CandidateFinder(
            federation=rooms.federation,
            catalogue=rooms.catalogue,
            relationships=rooms.relationships,
            pseudonymiser=ground.pseudonymiser,
        ),
        policy=rooms.agreements.compiled,
        catalogue=rooms.catalogue,
        audit=ground.audit,
        database=ground.database,
        clock=ground.clock,
        metrics=ground.metrics,
        source=ground.source,
        new_id=new_id,
    )


def _exchange(ground: _Ground, rooms: _Rooms, access: AccessService) -> ExchangeService:
    return ExchangeService(
        access=access,
        tokens=rooms.tokens,
        federation=rooms.federation,
        catalogue=rooms.catalogue,
        pseudonymiser=ground.pseudonymiser,
        audit=ground.audit,
        database=ground.database,
        clock=ground.clock,
        metrics=ground.metrics,
        source=ground.source,
        new_id=new_id,
    )


def _impact(ground: _Ground, rooms: _Rooms) -> ImpactAnalysis:
    return ImpactAnalysis(
        agreements=rooms.agreements,
        log=ground.audit,
        search=ground.search,
        federation=rooms.federation,
        catalogue=rooms.catalogue,
        relationships=rooms.relationships,
        database=ground.database,
        clock=ground.clock,
    )


def _enforcement(ground: _Ground, rooms: _Rooms) -> EnforcementPoint:
    return EnforcementPoint(
        tokens=rooms.tokens,
        federation=rooms.federation,
        catalogue=rooms.catalogue,
        audit=ground.audit,
        database=ground.database,
        clock=ground.clock,
        new_id=new_id,
    )


def _lists(ground: _Ground, rooms: _Rooms, decisions: DecisionService, enforcement: EnforcementPoint) -> ArchiveLists:
    addresses = {
        name: ArchiveAddress(place.url, place.credential) for name, place in ground.settings.dicomweb_archives.items()
    }
    return ArchiveLists(
        point=enforcement,
        archives=DicomwebArchives(addresses),
        decisions=decisions,
        policy=rooms.agreements.compiled,
        catalogue=rooms.catalogue,
        audit=ground.audit,
        database=ground.database,
        clock=ground.clock,
        metrics=ground.metrics,
        new_id=new_id,
    )


def _bundles(ground: _Ground, rooms: _Rooms) -> Bundles:
    """Make the bundles for the trusts' own OPAs; subscribed after this service decides on the new terms itself."""
    settings = ground.settings
    key = BundleKey(settings.key_encryption_key, settings.bundle_key_generation)
    bundles = Bundles(
        PolicySource.from_directory(),
        key.sign,
        settings.bundle_waits,
        clock=ground.clock,
        revoked=rooms.tokens.revoked,
        stale_after=settings.edge_stale_after,
    )
    rooms.agreements.subscribe(bundles.load)
    return bundles


def _edge_watch(ground: _Ground, edges: Edges, alerts: AlertService) -> EdgeWatch:
    settings = ground.settings
    return EdgeWatch(
        edges=edges,
        alerts=alerts,
        audit=ground.audit,
        database=ground.database,
        clock=ground.clock,
        source=ground.source,
        limits=EdgeLimits(settings.edge_silent_after, settings.edge_behind_after, settings.edge_stale_after),
    )


def _tenants(ground: _Ground) -> Tenants:
    """Read every tenant's folder; raises ConfigurationError with the faults of all of them."""
    return Tenants(
        held=[(tenant, _rules(ground.settings, tenant)) for tenant in read_tenants(ground.settings.tenants)],
        pseudonymiser=ground.pseudonymiser,
        audit=ground.audit,
        clock=ground.clock,
        metrics=ground.metrics,
        organisation=ground.settings.organisation,
        new_id=new_id,
    )


def _rules(settings: Settings, tenant: Tenant) -> Rules:
    if settings.opa_url is None:
        return RegorusRules(tenant.rules)
    return OpaRules(settings.opa_url, tenant.rules, settings.engine_timeout)


def _detection(ground: _Ground, rooms: _Rooms, alerts: AlertService) -> DetectionEngine:
    links = Links(ground.search)
    return DetectionEngine(
        database=ground.database,
        log=ground.audit,
        alerts=alerts,
        rules=default_rules(),
        context=lambda session: RegionContext(
            session,
            federation=rooms.federation,
            catalogue=rooms.catalogue,
            relationships=rooms.relationships,
            pseudonymiser=ground.pseudonymiser,
            links=links,
        ),
        clock=ground.clock,
        holder=new_id(),
        meter=ground.metrics,
    )


def create_app(services: Services) -> Flask:
    """Put the HTTP doors in front of the services; every route has its rule and its error map."""
    app = Flask("governance", static_folder=None)
    app.extensions[EXTENSION] = services
    settings = services.settings
    browser.install(
        app,
        database=services.database,
        clock=services.clock,
        base_url=settings.issuer,
        client_id=settings.console_client_id,
        session_key=settings.session_key,
    )
    problems.install(app)
    observation.install(app, services.metrics)
    for blueprint in api.blueprints():
        app.register_blueprint(blueprint)
    app.register_blueprint(console.blueprint)
    return app


def new_id() -> str:
    """Make a fresh identifier (RFC 9562 UUID version 4)."""
    return str(uuid.uuid4())


def serve(settings: Settings) -> LoopDoor:
    """Make the application of a server process, running: for an ASGI server's factory."""
    configure(settings.log_level)
    services = build(settings)
    Runtime(services).start()
    gc.collect()
    gc.freeze()  # what is there now stays for the life of the process: no collection need look at it again
    return create_door(services, create_app(services))


def create_door(services: Services, app: Flask) -> LoopDoor:
    """Put the event-loop door in front of an application; its threads answer what the door does not take."""
    threads = services.settings.threads
    others: Any = WSGIMiddleware(cast("Any", app), workers=threads)
    return LoopDoor(services, others, threads)


def _engine(settings: Settings) -> Engine:
    policies = PolicySource.from_directory()
    if settings.opa_url is None:
        return RegorusEngine(policies)
    return OpaEngine(settings.opa_url, policies, settings.engine_timeout)


def _reads_today(search: AuditSearch) -> ReadsToday:
    """Count what an AI service was let to read since midnight in London."""

    def count(_session: Session, service: str, now: datetime) -> int:
        midnight = now.astimezone(_LONDON).replace(hour=0, minute=0, second=0, microsecond=0)
        query = Query(subject=service, kind=EventKind.DECISION, outcome=Outcome.SUCCESS, since=midnight)
        return search.count(query)

    return count


def _patient_of(federation: FederationDirectory, session: Session, subject: str) -> str | None:
    member = federation.staff(session, subject)
    return member.patient_key if member else None
