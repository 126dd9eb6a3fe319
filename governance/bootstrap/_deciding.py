"""Wires what decides: the engine, and each use case that asks it."""

from datetime import datetime

from sqlmodel import Session

from governance.access import (
    AccessRequests,
    AccessService,
    ActingSubjects,
    AgreementLapse,
    CandidateFinder,
    CurrentTerms,
    Denials,
    ExchangeService,
    SearchService,
)
from governance.archives import ArchiveAddress, ArchiveLists, DicomwebArchives, EnforcementPoint
from governance.audit import AuditSearch, Query
from governance.bootstrap.infrastructure import Infrastructure
from governance.bootstrap.registers import Registers
from governance.clock import LONDON
from governance.decisions import (
    DecisionService,
    Engine,
    OpaEngine,
    OpaTenantEngine,
    PolicyInformationPoint,
    PolicySource,
    RegorusEngine,
    RegorusTenantEngine,
    TenantEngine,
    review_sample,
)
from governance.decisions.pip import ReadsToday
from governance.impact import ImpactAnalysis
from governance.tenants import Tenant, Tenants, read_tenants
from governance.vocabulary import EventKind, Outcome


def make_engine(infrastructure: Infrastructure) -> Engine:
    settings, policies = infrastructure.settings, PolicySource.from_directory()
    if settings.opa_url is None:
        return RegorusEngine(policies)
    return OpaEngine(settings.opa_url, policies, settings.engine_timeout, outbound=infrastructure.outbound)


def make_decisions(infrastructure: Infrastructure, registers: Registers, engine: Engine) -> DecisionService:
    information = PolicyInformationPoint(
        federation=registers.federation,
        catalogue=registers.catalogue,
        relationships=registers.relationships,
        pseudonymiser=infrastructure.pseudonymiser,
        reads_today=_reads_today(infrastructure.audit_search),
        grants=registers.emergency.running,
    )
    key = infrastructure.settings.key_encryption_key.get_secret_value()
    return DecisionService(engine, information, review_sample(key))


def make_acting(infrastructure: Infrastructure, registers: Registers) -> ActingSubjects:
    return ActingSubjects(
        registers.federation, infrastructure.pseudonymiser, office=infrastructure.settings.organisation
    )


def make_access(
    infrastructure: Infrastructure, registers: Registers, decisions: DecisionService, terms: CurrentTerms
) -> AccessService:
    """Make the access use case; what the agreements publish reaches the engine, and what they drop kills its tokens."""
    access = AccessService(
        decisions=decisions,
        acting=make_acting(infrastructure, registers),
        catalogue=registers.catalogue,
        recorder=infrastructure.recorder,
        clock=infrastructure.clock,
        metrics=infrastructure.metrics,
        terms=terms,
    )
    registers.agreements.subscribe(access.load)  # first: no decision on the old terms once their tokens have died
    registers.agreements.subscribe(AgreementLapse(registers.tokens, infrastructure.database, infrastructure.clock))
    return access


def make_access_requests(
    infrastructure: Infrastructure, registers: Registers, decisions: DecisionService, terms: CurrentTerms
) -> AccessRequests:
    key = infrastructure.settings.key_encryption_key.get_secret_value()
    return AccessRequests(
        denials=Denials(key, infrastructure.audit_search, infrastructure.pseudonymiser),
        grants=registers.emergency,
        decisions=decisions,
        acting=make_acting(infrastructure, registers),
        sample=review_sample(key),
        catalogue=registers.catalogue,
        pseudonymiser=infrastructure.pseudonymiser,
        recorder=infrastructure.recorder,
        terms=terms,
        clock=infrastructure.clock,
    )


def make_search(
    infrastructure: Infrastructure, registers: Registers, decisions: DecisionService, terms: CurrentTerms
) -> SearchService:
    return SearchService(
        decisions=decisions,
        acting=make_acting(infrastructure, registers),
        finder=CandidateFinder(
            federation=registers.federation,
            catalogue=registers.catalogue,
            relationships=registers.relationships,
            pseudonymiser=infrastructure.pseudonymiser,
        ),
        policy=registers.agreements.compiled,
        catalogue=registers.catalogue,
        recorder=infrastructure.recorder,
        terms=terms,
        clock=infrastructure.clock,
        metrics=infrastructure.metrics,
    )


def make_exchange(infrastructure: Infrastructure, registers: Registers, access: AccessService) -> ExchangeService:
    return ExchangeService(
        access=access,
        tokens=registers.tokens,
        federation=registers.federation,
        catalogue=registers.catalogue,
        pseudonymiser=infrastructure.pseudonymiser,
        recorder=infrastructure.recorder,
        database=infrastructure.database,
        metrics=infrastructure.metrics,
        persons=infrastructure.budgets.person,
    )


def make_impact(infrastructure: Infrastructure, registers: Registers) -> ImpactAnalysis:
    return ImpactAnalysis(
        agreements=registers.agreements,
        log=infrastructure.audit,
        search=infrastructure.audit_search,
        federation=registers.federation,
        catalogue=registers.catalogue,
        relationships=registers.relationships,
        database=infrastructure.database,
        clock=infrastructure.clock,
    )


def make_enforcement(infrastructure: Infrastructure, registers: Registers) -> EnforcementPoint:
    return EnforcementPoint(
        tokens=registers.tokens,
        federation=registers.federation,
        catalogue=registers.catalogue,
        recorder=infrastructure.recorder,
        refusals=infrastructure.refusals,
        database=infrastructure.database,
    )


def make_lists(
    infrastructure: Infrastructure,
    registers: Registers,
    decisions: DecisionService,
    enforcement: EnforcementPoint,
    terms: CurrentTerms,
) -> ArchiveLists:
    addresses = {
        name: ArchiveAddress(place.url, place.credential)
        for name, place in infrastructure.settings.dicomweb_archives.items()
    }
    return ArchiveLists(
        point=enforcement,
        archives=DicomwebArchives(addresses, infrastructure.outbound),
        decisions=decisions,
        acting=make_acting(infrastructure, registers),
        policy=registers.agreements.compiled,
        catalogue=registers.catalogue,
        recorder=infrastructure.recorder,
        terms=terms,
        clock=infrastructure.clock,
        metrics=infrastructure.metrics,
    )


def make_tenants(infrastructure: Infrastructure) -> Tenants:
    """Read every tenant's folder; raises ConfigurationError with the faults of all of them."""
    return Tenants(
        held=[
            (tenant, _tenant_engine(infrastructure, tenant)) for tenant in read_tenants(infrastructure.settings.tenants)
        ],
        pseudonymiser=infrastructure.pseudonymiser,
        recorder=infrastructure.recorder,
        clock=infrastructure.clock,
        metrics=infrastructure.metrics,
    )


def _tenant_engine(infrastructure: Infrastructure, tenant: Tenant) -> TenantEngine:
    settings = infrastructure.settings
    if settings.opa_url is None:
        return RegorusTenantEngine(tenant.policy)
    return OpaTenantEngine(settings.opa_url, tenant.policy, settings.engine_timeout, outbound=infrastructure.outbound)


def _reads_today(search: AuditSearch) -> ReadsToday:
    """Count what an AI service was let to read since midnight in London."""

    def count(session: Session, service: str, now: datetime) -> int:
        midnight = now.astimezone(LONDON).replace(hour=0, minute=0, second=0, microsecond=0)
        query = Query(subject=service, kind=EventKind.DECISION, outcome=Outcome.SUCCESS, since=midnight)
        return search.count_in(session, query)

    return count
