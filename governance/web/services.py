"""The typed container of what the composition root built, and how a view reaches it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from governance.access import AccessRequests, AccessService, ExchangeService, SearchService
    from governance.agreements import Agreements
    from governance.alerts import AlertService
    from governance.archives import ArchiveLists, EnforcementPoint
    from governance.audit.event import Source
    from governance.audit.health import LogPosture
    from governance.audit.log import AuditLog
    from governance.audit.search import AuditSearch
    from governance.catalogue import Catalogue
    from governance.clock import Clock
    from governance.detection import DetectionEngine
    from governance.edges import Bundles, EdgeIntake, Edges, EdgeWatch
    from governance.emergency import EmergencyGrants
    from governance.federation import FederationDirectory
    from governance.impact import ImpactAnalysis
    from governance.intake.quarantine import Quarantine
    from governance.pseudonyms import Pseudonymiser, Vault
    from governance.relationships import Relationships
    from governance.settings import Settings
    from governance.storage import Database
    from governance.telemetry import Metrics
    from governance.tenants import Tenants
    from governance.tokens import ClientMethods, TokenService

EXTENSION = "governance"


@dataclass(frozen=True, slots=True)
class Services:
    """Every service a door may use; built once by ``governance.bootstrap``."""

    settings: "Settings"
    clock: "Clock"
    database: "Database"
    pseudonymiser: "Pseudonymiser"
    vault: "Vault"
    source: "Source"
    audit: "AuditLog"
    audit_posture: "LogPosture"
    audit_search: "AuditSearch"
    quarantine: "Quarantine"
    federation: "FederationDirectory"
    catalogue: "Catalogue"
    relationships: "Relationships"
    agreements: "Agreements"
    access: "AccessService"
    access_requests: "AccessRequests"
    emergency: "EmergencyGrants"
    search: "SearchService"
    lists: "ArchiveLists"
    exchange: "ExchangeService"
    impact: "ImpactAnalysis"
    enforcement: "EnforcementPoint"
    bundles: "Bundles"
    edges: "Edges"
    edge_intake: "EdgeIntake"
    edge_watch: "EdgeWatch"
    tenants: "Tenants"
    tokens: "TokenService"
    client_methods: "ClientMethods"
    alerts: "AlertService"
    detection: "DetectionEngine"
    metrics: "Metrics"


def current_services() -> Services:
    """Give the services of the application that handles this request."""
    return cast("Services", current_app.extensions[EXTENSION])
