"""Every service of a process, made in an order in which each finds what it needs."""

from governance import __version__
from governance.access import CurrentTerms
from governance.bootstrap._infrastructure import make_ground, make_rooms
from governance.bootstrap._uses import (
    make_access,
    make_access_requests,
    make_alerts,
    make_bundles,
    make_decisions,
    make_detection,
    make_edge_watch,
    make_enforcement,
    make_engine,
    make_exchange,
    make_impact,
    make_lists,
    make_search,
    make_tenants,
)
from governance.clock import Clock, SystemClock
from governance.decisions import (
    Engine,
)
from governance.edges import EdgeIntake, Edges
from governance.intake.quarantine import Quarantine
from governance.settings import Settings
from governance.web import Services, readiness


def build(settings: Settings, clock: Clock | None = None, engine: Engine | None = None) -> Services:
    """Make the services of a process; nothing runs yet, and the database has its newest schema.

    Args:
        settings: validated settings.
        clock: the one clock; the machine's when none is given.
        engine: a policy engine; made from the settings when none is given.
    """
    ground = make_ground(settings, clock or SystemClock())
    rooms = make_rooms(ground)
    decisions = make_decisions(ground, rooms, engine or make_engine(settings))
    terms = CurrentTerms(ground.database, decisions, rooms.agreements.catch_up)
    access = make_access(ground, rooms, decisions, terms)
    bundles = make_bundles(ground, rooms)
    edges = Edges(ground.database, rooms.federation, ground.clock, lambda: bundles.revision, settings.edge_stale_after)
    quarantine = Quarantine(ground.database, ground.pseudonymiser, ground.vault, ground.clock)
    enforcement = make_enforcement(ground, rooms)
    alerts = make_alerts(ground, rooms)
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
        access_requests=make_access_requests(ground, rooms, decisions, terms),
        emergency=rooms.emergency,
        search=make_search(ground, rooms, decisions, terms),
        exchange=make_exchange(ground, rooms, access),
        impact=make_impact(ground, rooms),
        enforcement=enforcement,
        lists=make_lists(ground, rooms, decisions, enforcement, terms),
        bundles=bundles,
        edges=edges,
        edge_intake=EdgeIntake(ground.audit, quarantine, ground.clock, ground.metrics),
        edge_watch=make_edge_watch(ground, edges, alerts),
        tenants=make_tenants(ground),
        tokens=rooms.tokens,
        client_methods=rooms.client_methods,
        alerts=alerts,
        detection=make_detection(ground, rooms, alerts),
        metrics=ground.metrics,
    )
    ground.metrics.watch(lambda: readiness.snapshot(services), __version__)
    return services
