"""The intake beside its own log and quarantine, or as services have it, but at another time."""

import uuid
from collections.abc import Collection, Mapping

from governance.audit import AuditLog, Recorder, Source
from governance.bootstrap import Services
from governance.clock import Clock
from governance.edges import DECISION_LOG
from governance.intake import SYSLOG, Intake
from governance.intake.overflow import Overflow
from governance.intake.quarantine import Quarantine
from governance.pseudonyms import Pseudonymiser
from governance.telemetry import Metrics
from governance.vocabulary import SYSTEM


def make_intake(
    log: AuditLog,
    quarantine: Quarantine,
    pseudonymiser: Pseudonymiser,
    clock: Clock,
    metrics: Metrics,
    trusts: Collection[str] = ("RRK", "RKB"),
    sources: Mapping[str, str] | None = None,
) -> Intake:
    """Make an intake that knows some trusts and sources."""
    return Intake(
        audit=log,
        quarantine=quarantine,
        overflow=Overflow(Recorder(log, clock, Source(SYSTEM, "QHL"), lambda: str(uuid.uuid4())), clock),
        pseudonymiser=pseudonymiser,
        clock=clock,
        trusts=lambda: trusts,
        sources=sources or {},
        metrics=metrics,
        kept_carriers=(SYSLOG, DECISION_LOG),
    )


def intake_at(services: Services, clock: Clock) -> Intake:
    """Give the intake of services at the time of another clock."""
    under = services.infrastructure
    return make_intake(under.audit, services.uses.quarantine, under.pseudonymiser, clock, under.metrics)
