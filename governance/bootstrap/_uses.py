"""The use cases: each is handed what it needs and no more."""

from datetime import datetime

from sqlmodel import Session

from governance.access import (
    AccessRequests,
    AccessService,
    AgreementLapse,
    CandidateFinder,
    CurrentTerms,
    Denials,
    ExchangeService,
    SearchService,
)
from governance.alerts import AlertService
from governance.archives import ArchiveAddress, ArchiveLists, DicomwebArchives, EnforcementPoint
from governance.audit import AuditSearch, Query
from governance.bootstrap._infrastructure import Ground, Rooms, new_id
from governance.clock import LONDON
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
from governance.edges import Bundles, EdgeLimits, Edges, EdgeWatch
from governance.federation import FederationDirectory
from governance.impact import ImpactAnalysis
from governance.settings import Settings
from governance.tenants import Tenant, Tenants, read_tenants
from governance.tokens.bundle_key import BundleKey
from governance.vocabulary import EventKind, Outcome


def make_decisions(ground: Ground, rooms: Rooms, engine: Engine) -> DecisionService:
    information = PolicyInformationPoint(
        federation=rooms.federation,
        catalogue=rooms.catalogue,
        relationships=rooms.relationships,
        pseudonymiser=ground.pseudonymiser,
        reads_today=_reads_today(ground.search),
        grants=rooms.emergency.running,
    )
    return DecisionService(engine, information, review_sample(ground.settings.key_encryption_key))


def make_access(ground: Ground, rooms: Rooms, decisions: DecisionService, terms: CurrentTerms) -> AccessService:
    """Make the access use case; what the agreements publish reaches the engine, and what they drop kills its tokens."""
    access = AccessService(
        decisions=decisions,
        catalogue=rooms.catalogue,
        audit=ground.audit,
        clock=ground.clock,
        metrics=ground.metrics,
        source=ground.source,
        new_id=new_id,
        terms=terms,
    )
    rooms.agreements.subscribe(access.load)  # first: no decision on the old terms once their tokens have died
    rooms.agreements.subscribe(AgreementLapse(rooms.tokens, ground.database, ground.clock))
    return access


def make_access_requests(
    ground: Ground, rooms: Rooms, decisions: DecisionService, terms: CurrentTerms
) -> AccessRequests:
    key = ground.settings.key_encryption_key
    return AccessRequests(
        denials=Denials(key, ground.search, ground.pseudonymiser),
        grants=rooms.emergency,
        decisions=decisions,
        sample=review_sample(key),
        catalogue=rooms.catalogue,
        pseudonymiser=ground.pseudonymiser,
        audit=ground.audit,
        terms=terms,
        clock=ground.clock,
        source=ground.source,
        new_id=new_id,
    )


def make_search(ground: Ground, rooms: Rooms, decisions: DecisionService, terms: CurrentTerms) -> SearchService:
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
        terms=terms,
        clock=ground.clock,
        metrics=ground.metrics,
        source=ground.source,
        new_id=new_id,
    )


def make_exchange(ground: Ground, rooms: Rooms, access: AccessService) -> ExchangeService:
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


def make_impact(ground: Ground, rooms: Rooms) -> ImpactAnalysis:
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


def make_enforcement(ground: Ground, rooms: Rooms) -> EnforcementPoint:
    return EnforcementPoint(
        tokens=rooms.tokens,
        federation=rooms.federation,
        catalogue=rooms.catalogue,
        audit=ground.audit,
        database=ground.database,
        clock=ground.clock,
        new_id=new_id,
    )


def make_lists(
    ground: Ground,
    rooms: Rooms,
    decisions: DecisionService,
    enforcement: EnforcementPoint,
    terms: CurrentTerms,
) -> ArchiveLists:
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
        terms=terms,
        clock=ground.clock,
        metrics=ground.metrics,
        new_id=new_id,
    )


def make_bundles(ground: Ground, rooms: Rooms) -> Bundles:
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


def make_edge_watch(ground: Ground, edges: Edges, alerts: AlertService) -> EdgeWatch:
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


def make_tenants(ground: Ground) -> Tenants:
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


def make_alerts(ground: Ground, rooms: Rooms) -> AlertService:
    return AlertService(
        database=ground.database,
        audit=ground.audit,
        clock=ground.clock,
        revealer=ground.audit,
        source=ground.source,
        patient_of=lambda session, subject: _patient_of(rooms.federation, session, subject),
    )


def make_detection(ground: Ground, rooms: Rooms, alerts: AlertService) -> DetectionEngine:
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


def make_engine(settings: Settings) -> Engine:
    policies = PolicySource.from_directory()
    if settings.opa_url is None:
        return RegorusEngine(policies)
    return OpaEngine(settings.opa_url, policies, settings.engine_timeout)


def _reads_today(search: AuditSearch) -> ReadsToday:
    """Count what an AI service was let to read since midnight in London."""

    def count(_session: Session, service: str, now: datetime) -> int:
        midnight = now.astimezone(LONDON).replace(hour=0, minute=0, second=0, microsecond=0)
        query = Query(subject=service, kind=EventKind.DECISION, outcome=Outcome.SUCCESS, since=midnight)
        return search.count(query)

    return count


def _patient_of(federation: FederationDirectory, session: Session, subject: str) -> str | None:
    member = federation.staff(session, subject)
    return member.patient_key if member else None
