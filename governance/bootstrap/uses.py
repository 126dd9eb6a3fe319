"""The use cases of a process, each handed what it needs and no more.

A new one is a field and a line of :func:`make_uses`; what takes more wiring has a function in a module beside this one.
"""

from dataclasses import dataclass

from governance.access import AccessRequests, AccessService, CurrentTerms, ExchangeService, SearchService
from governance.alerts import AlertService
from governance.archives import ArchiveLists, EnforcementPoint
from governance.bootstrap import _asking as asking
from governance.bootstrap import _deciding as deciding
from governance.bootstrap import _registering as registering
from governance.bootstrap import _watching as watching
from governance.bootstrap.infrastructure import Infrastructure
from governance.bootstrap.registers import Registers
from governance.decisions import Engine, OpaHost
from governance.detection import DetectionEngine, Explanations
from governance.detection.sampling import Sampling
from governance.edges import Bundles, Edges, EdgeWatch
from governance.erasure import Erasure, LegalHolds
from governance.impact import ImpactAnalysis
from governance.inquiries import Inquiries, Outbox, Tending
from governance.intake import Intake
from governance.intake.clearing import Clearing
from governance.intake.quarantine import Quarantine
from governance.registers import ContextFeeds, Endings, Registrations, StudyActs
from governance.tenants import Tenants


@dataclass(frozen=True, slots=True)
class Uses:
    """What can be asked of the service."""

    access: AccessService
    access_requests: AccessRequests
    search: SearchService
    exchange: ExchangeService
    impact: ImpactAnalysis
    enforcement: EnforcementPoint
    lists: ArchiveLists
    tenants: Tenants
    opa: OpaHost | None
    bundles: Bundles
    edges: Edges
    edge_watch: EdgeWatch
    intake: Intake
    quarantine: Quarantine
    clearing: Clearing
    alerts: AlertService
    inquiries: Inquiries
    inquiry_outbox: Outbox
    inquiry_tending: Tending
    detection: DetectionEngine
    explanations: Explanations
    sampling: Sampling
    holds: LegalHolds
    erasure: Erasure
    registrations: Registrations
    endings: Endings
    feeds: ContextFeeds
    study_acts: StudyActs


def make_uses(infrastructure: Infrastructure, registers: Registers, engine: Engine | None) -> Uses:
    """Make every use case; the order is that of who gets changed terms first (this process, then tokens, edges)."""
    settings, database, clock = infrastructure.settings, infrastructure.database, infrastructure.clock
    opa = deciding.make_opa(infrastructure)
    decisions = deciding.make_decisions(infrastructure, registers, engine or deciding.make_engine(opa))
    terms = CurrentTerms(database, decisions, registers.agreements)
    access = deciding.make_access(infrastructure, registers, decisions, terms)
    bundles = watching.make_bundles(infrastructure, registers)
    edges = Edges(database, registers.federation, clock, lambda: bundles.revision, settings.edge_stale_after)
    quarantine = Quarantine(database, infrastructure.pseudonymiser, infrastructure.vault, clock)
    enforcement = deciding.make_enforcement(infrastructure, registers)
    explanations = watching.make_explanations(registers)
    alerts = watching.make_alerts(infrastructure, registers, explanations)
    outbox = asking.make_outbox(infrastructure, registers)
    holds = watching.make_holds(infrastructure, registers, alerts)
    return Uses(
        access=access,
        access_requests=deciding.make_access_requests(infrastructure, registers, decisions, terms),
        search=deciding.make_search(infrastructure, registers, decisions, terms),
        exchange=deciding.make_exchange(infrastructure, registers, access),
        impact=deciding.make_impact(infrastructure, registers),
        enforcement=enforcement,
        lists=deciding.make_lists(infrastructure, registers, decisions, enforcement, terms),
        tenants=deciding.make_tenants(infrastructure, opa),
        opa=opa,
        bundles=bundles,
        edges=edges,
        edge_watch=watching.make_edge_watch(infrastructure, edges, alerts),
        intake=watching.make_intake(infrastructure, registers, quarantine),
        quarantine=quarantine,
        clearing=Clearing(quarantine, infrastructure.recorder, database),
        alerts=alerts,
        inquiries=asking.make_inquiries(infrastructure, registers, alerts, outbox),
        inquiry_outbox=outbox,
        inquiry_tending=asking.make_tending(infrastructure, registers, outbox),
        detection=watching.make_detection(infrastructure, registers, alerts, explanations),
        explanations=explanations,
        sampling=watching.make_sampling(infrastructure, registers, alerts),
        holds=holds,
        erasure=watching.make_erasure(infrastructure, registers, alerts, holds),
        registrations=registering.make_registrations(infrastructure, registers),
        endings=registering.make_endings(infrastructure, registers),
        feeds=registering.make_feeds(infrastructure, registers),
        study_acts=registering.make_study_acts(infrastructure, registers),
    )
