"""Wires what watches: what others report, alerts, detection, and the trusts' own OPAs."""

import hmac
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial

from sqlmodel import Session

from governance.alerts import AlertService, EventExplanation
from governance.bootstrap.infrastructure import Infrastructure, new_id
from governance.bootstrap.registers import Registers
from governance.decisions import (
    PolicySource,
)
from governance.detection import (
    BatchExplainer,
    DetectionEngine,
    Explanation,
    Explanations,
    Links,
    LivePast,
    RegionContext,
    default_rules,
    told_by,
)
from governance.detection.sampling import Sampling
from governance.edges import DECISION_LOG, Bundles, EdgeLimits, Edges, EdgeWatch
from governance.erasure import Erasure, LegalHolds
from governance.facts import History
from governance.federation import FederationDirectory, Registered, recorded
from governance.intake import SYSLOG, Intake
from governance.intake.overflow import Overflow
from governance.intake.quarantine import Quarantine
from governance.pseudonyms import Pseudonymiser
from governance.storage import shared_now


def make_intake(infrastructure: Infrastructure, registers: Registers, quarantine: Quarantine) -> Intake:
    """Make the use case that takes all messages; they name trusts of the federation or sources of the settings."""

    def trusts() -> frozenset[str]:
        with infrastructure.database.reading() as session:
            return frozenset(trust.ods for trust in registers.federation.trusts(session))

    return Intake(
        audit=infrastructure.audit,
        quarantine=quarantine,
        overflow=Overflow(infrastructure.recorder, infrastructure.clock),
        pseudonymiser=infrastructure.pseudonymiser,
        clock=infrastructure.clock,
        trusts=trusts,
        sources=infrastructure.settings.syslog_senders,
        metrics=infrastructure.metrics,
        kept_carriers=(SYSLOG, DECISION_LOG),
    )


def make_alerts(infrastructure: Infrastructure, registers: Registers, explanations: Explanations) -> AlertService:
    def explained(session: Session, indexes: Sequence[int]) -> dict[int, EventExplanation]:
        found = explanations.of(session, indexes)
        return {index: _explanation(one) for index, one in found.items()}

    return AlertService(
        database=infrastructure.database,
        recorder=infrastructure.recorder,
        clock=infrastructure.clock,
        revealer=infrastructure.audit,
        search=infrastructure.audit_search,
        patient_of=partial(_patient_of, registers.federation),
        teams_of=partial(_teams_of, registers.federation, infrastructure.pseudonymiser),
        trusts_naming=partial(_trusts_naming, registers.federation),
        explanations=explained,
    )


def _explanation(found: Explanation) -> EventExplanation:
    age = None if found.age is None else found.age.total_seconds()
    return EventExplanation(found.kind.value, found.edge, found.source, age, found.strength)


def make_holds(infrastructure: Infrastructure, registers: Registers, alerts: AlertService) -> LegalHolds:
    return LegalHolds(
        database=infrastructure.database,
        recorder=infrastructure.recorder,
        clock=infrastructure.clock,
        pseudonymiser=infrastructure.pseudonymiser,
        alerts=alerts,
        federation=registers.federation,
        vault=infrastructure.vault,
    )


def make_erasure(
    infrastructure: Infrastructure, registers: Registers, alerts: AlertService, holds: LegalHolds
) -> Erasure:
    return Erasure(
        database=infrastructure.database,
        vault=infrastructure.vault,
        holds=holds,
        alerts=alerts,
        federation=registers.federation,
        relationships=registers.relationships,
        recorder=infrastructure.recorder,
        clock=infrastructure.clock,
        origin=infrastructure.settings.log_origin,
    )


def make_explanations(registers: Registers) -> Explanations:
    return Explanations(lambda session: [trust.ods for trust in registers.federation.trusts(session)])


def make_detection(
    infrastructure: Infrastructure, registers: Registers, alerts: AlertService, explanations: Explanations
) -> DetectionEngine:
    links, history = Links(infrastructure.audit_search), History(infrastructure.vault)

    def context(session: Session) -> RegionContext:
        return RegionContext(
            session,
            history=history,
            relationships=registers.relationships,
            pseudonymiser=infrastructure.pseudonymiser,
            links=links,
        )

    told = told_by(history, explanations, context)
    return DetectionEngine(
        database=infrastructure.database,
        log=infrastructure.audit,
        alerts=alerts,
        revise=alerts.revise,
        rules=default_rules(),
        explainer=BatchExplainer(),
        past=lambda session: LivePast(session, infrastructure.audit_search, told),
        context=context,
        instant=lambda session: shared_now(session, infrastructure.clock.now()),
        holder=new_id(),
        meter=infrastructure.metrics,
        looks=explanations,
        oldest=history.oldest,
    )


def make_sampling(infrastructure: Infrastructure, registers: Registers, alerts: AlertService) -> Sampling:
    """Make the random audit; its key follows from the pseudonym key, which never changes."""
    secret = infrastructure.settings.pseudonym_key.get_secret_value()
    return Sampling(
        database=infrastructure.database,
        recorder=infrastructure.recorder,
        clock=infrastructure.clock,
        alerts=alerts,
        key=hmac.digest(secret, b"imaging-governance/sample/1", "sha256"),
        patient_of=partial(_patient_of, registers.federation),
    )


def make_bundles(infrastructure: Infrastructure, registers: Registers) -> Bundles:
    """Make the bundles for the trusts' own OPAs; subscribed after this service decides on the new terms itself."""
    settings = infrastructure.settings

    def admits(client_id: str, began: datetime) -> bool:
        with infrastructure.database.reading() as session:
            return registers.federation.admits(session, began, (Registered.CLIENT, client_id))

    bundles = Bundles(
        PolicySource.from_directory(),
        registers.bundle_keys.sign,
        min(settings.bundle_waits, settings.threads - 1),
        clock=infrastructure.clock,
        revoked=registers.tokens.revoked,
        stale_after=settings.edge_stale_after,
        admits=admits,
        key=registers.bundle_keys.kid,
    )
    registers.agreements.subscribe(bundles.load)
    return bundles


def make_edge_watch(infrastructure: Infrastructure, edges: Edges, alerts: AlertService) -> EdgeWatch:
    settings = infrastructure.settings
    return EdgeWatch(
        edges=edges,
        alerts=alerts,
        recorder=infrastructure.recorder,
        database=infrastructure.database,
        clock=infrastructure.clock,
        limits=EdgeLimits(settings.edge_silent_after, settings.edge_behind_after, settings.edge_stale_after),
    )


def _patient_of(federation: FederationDirectory, session: Session, subject: str, ods: str | None) -> str | None:
    member = recorded(federation.namesakes(session, subject), ods)
    return member.patient_key if member else None


def _teams_of(
    federation: FederationDirectory, pseudonymiser: Pseudonymiser, session: Session, subject: str, ods: str | None
) -> frozenset[str]:
    member = recorded(federation.namesakes(session, subject), ods)
    return frozenset(map(pseudonymiser.subject, member.team_ids)) if member else frozenset()


def _trusts_naming(
    federation: FederationDirectory, session: Session, names: Collection[str]
) -> dict[str, frozenset[str]]:
    """Give the trusts that have staff, a team or a service of each name."""
    found = dict(federation.trusts_naming(session, names))
    for name in names:
        client = federation.filed_client(session, name)
        if client is not None:
            found[name] = found.get(name, frozenset()) | {client.ods}
    return found
