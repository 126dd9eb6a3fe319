"""Wires what decides: the engine, and each use case that asks it."""

from datetime import datetime
from pathlib import Path

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
    OpaAccess,
    OpaEngine,
    OpaHost,
    OpaTenantEngine,
    PolicyInformationPoint,
    PolicySource,
    RegorusEngine,
    RegorusTenantEngine,
    RulesRefused,
    TenantEngine,
    review_sample,
)
from governance.decisions.pip import ReadsToday
from governance.errors import ConfigurationError, Fault
from governance.impact import ImpactAnalysis
from governance.outbound import ClientCertificate
from governance.tenants import Tenant, Tenants, read_tenants
from governance.vocabulary import EventKind, Outcome


def make_opa(infrastructure: Infrastructure) -> OpaHost | None:
    """Make what stands for the OPA server, if there is one to decide with; nothing is asked of it yet."""
    settings = infrastructure.settings
    if settings.opa_url is None:
        return None
    files = (settings.opa_client_certificate, settings.opa_client_key)
    certificate = ClientCertificate(*map(Path, filter(None, files))) if all(files) else None
    token = settings.opa_token.get_secret_value() if settings.opa_token else None
    return OpaHost(
        settings.opa_url,
        settings.engine_timeout,
        OpaAccess(token, certificate),
        interval=settings.opa_check_interval,
        may_be_open=settings.profile == "demo",
        outbound=infrastructure.outbound,
        observe=lambda holder, what: infrastructure.metrics.engine_differed(holder=holder, what=what),
    )


def make_engine(opa: OpaHost | None) -> Engine:
    policies = PolicySource.from_directory()
    return RegorusEngine(policies) if opa is None else OpaEngine(opa, policies)


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


def make_tenants(infrastructure: Infrastructure, opa: OpaHost | None) -> Tenants:
    """Read every tenant's folder, and let OPA compile it if it is to decide.

    Raises:
        ConfigurationError: with the faults of all of them.
    """
    folders = infrastructure.settings.tenants
    faults: list[Fault] = []
    held: list[tuple[Tenant, TenantEngine]] = []
    for folder, tenant in zip(folders, read_tenants(folders), strict=True):
        try:
            held.append((tenant, _tenant_engine(opa, tenant)))
        except RulesRefused as refused:
            faults.append(Fault(folder, f"is refused by the OPA server: {refused.detail}"))
    if faults:
        raise ConfigurationError(faults)
    return Tenants(
        held=held,
        pseudonymiser=infrastructure.pseudonymiser,
        recorder=infrastructure.recorder,
        clock=infrastructure.clock,
        metrics=infrastructure.metrics,
    )


def _tenant_engine(opa: OpaHost | None, tenant: Tenant) -> TenantEngine:
    return RegorusTenantEngine(tenant.policy) if opa is None else OpaTenantEngine(opa, tenant.policy)


def _reads_today(search: AuditSearch) -> ReadsToday:
    """Count what an AI service was let to read since midnight in London."""

    def count(session: Session, service: str, now: datetime) -> int:
        midnight = now.astimezone(LONDON).replace(hour=0, minute=0, second=0, microsecond=0)
        query = Query(subject=service, kind=EventKind.DECISION, outcome=Outcome.SUCCESS, since=midnight)
        return search.count_in(session, query)

    return count
