"""The watch over the edges: what is amiss becomes one alert of the edge's trust, which hears when it is over."""

from datetime import timedelta

import pytest

from governance.alerts import Alert, AlertQuery, Viewer
from governance.bootstrap import Services
from governance.clock import FixedClock
from governance.edges import EdgeReport
from governance.federation import ServiceClient, Trust
from governance.vocabulary import AlertState, EventKind, Scope, Severity, SubjectType, Verdict
from tests.worlds.tokens import KeyPair

REGION, OFFICER = Viewer("soc", None, person=False), Viewer("s-officer", "RRK", person=True)
EDGE = "edge-a"


@pytest.fixture(autouse=True)
def registered(services: Services) -> None:
    services.registers.agreements.refresh()
    client = ServiceClient(
        EDGE,
        "RRK",
        EDGE,
        SubjectType.SERVICE,
        {"keys": [KeyPair.ec("k").public]},
        frozenset({Scope.BUNDLES_READ.value}),
    )
    with services.infrastructure.database.transaction() as session:
        services.registers.federation.register_trust(session, Trust("RRK", "A trust"))
        services.registers.federation.register_client(session, client)


def say(services: Services, **changes: object) -> None:
    """Report as an edge that is well, but for the changes."""
    well = {
        "revision": services.uses.bundles.revision,
        "instance": "i-1",
        "revocations": services.uses.bundles.bundle("revocations").revision,
    }
    services.uses.edges.report(EDGE, EdgeReport(**(well | changes)))  # type: ignore[arg-type]


def alerts(services: Services) -> list[Alert]:
    """Give the alerts of the edge, oldest first."""
    return sorted(services.uses.alerts.list(REGION, AlertQuery(subject=EDGE)).alerts, key=lambda alert: alert.number)


def signals(services: Services) -> list[str]:
    return [evidence.signal for alert in alerts(services) for evidence in alert.evidence]


def events(services: Services) -> list[tuple[object, object]]:
    found = services.infrastructure.audit.read(0, 1_000)
    return [
        (e.detail["signal"], e.detail["over"])
        for e in found
        if e.kind is EventKind.SECURITY_ALERT and "edge" in e.detail
    ]


def test_an_edge_that_never_reported_and_one_that_is_well_raise_nothing(services: Services, clock: FixedClock) -> None:
    clock.advance(timedelta(days=1))
    assert services.uses.edge_watch.run_once() == 0
    say(services)
    clock.advance(timedelta(seconds=100))
    assert services.uses.edge_watch.run_once() == 0
    assert alerts(services) == []


def test_silence_is_one_alert_that_rises_and_hears_of_its_end(services: Services, clock: FixedClock) -> None:
    say(services)
    clock.advance(timedelta(seconds=301))
    assert services.uses.edge_watch.run_once() == 1
    assert services.uses.edge_watch.run_once() == 0
    (alert,) = alerts(services)
    assert (alert.severity, alert.subject, alert.trusts) == (Severity.MEDIUM, EDGE, ("RRK",))
    (evidence,) = alert.evidence
    assert evidence.signal == "edge_silent"
    assert evidence.expected == "a status every 300 seconds"
    assert str(evidence.observed).startswith("nothing since 20")
    assert EDGE in evidence.sentence
    clock.advance(timedelta(seconds=14_400))
    assert services.uses.edge_watch.run_once() == 0
    assert signals(services) == ["edge_silent", "edge_stale"]
    assert alerts(services)[0].severity is Severity.HIGH
    assert "policy.stale" in alerts(services)[0].evidence[1].sentence
    say(services)
    assert services.uses.edge_watch.run_once() == 0
    assert signals(services) == ["edge_silent", "edge_stale", "edge_silent_over", "edge_stale_over"]
    assert "after 14701 seconds" in alerts(services)[0].evidence[2].sentence
    assert services.uses.edge_watch.run_once() == 0
    began = [("edge_silent", False), ("edge_stale", False)]
    assert events(services) == [*began, ("edge_silent", True), ("edge_stale", True)]


def test_a_closed_alert_stays_closed_and_new_silence_opens_another(services: Services, clock: FixedClock) -> None:
    say(services)
    clock.advance(timedelta(seconds=301))
    services.uses.edge_watch.run_once()
    (first,) = alerts(services)
    services.uses.alerts.close(OFFICER, first.id, Verdict.JUSTIFIED, "the line was dug up")
    assert services.uses.edge_watch.run_once() == 0
    say(services)
    assert services.uses.edge_watch.run_once() == 0
    assert [alert.case.state for alert in alerts(services)] == [AlertState.CLOSED]
    clock.advance(timedelta(seconds=301))
    assert services.uses.edge_watch.run_once() == 1
    assert alerts(services)[1].grouped_under == first.id


def test_an_edge_behind_is_told_of_after_its_time(services: Services, clock: FixedClock) -> None:
    say(services, revision=None, code="bundle_error")
    for _ in range(4):
        clock.advance(timedelta(seconds=30))
        say(services, revision="older", code="bundle_error")
        assert services.uses.edge_watch.run_once() == 0
    clock.advance(timedelta(seconds=30))
    assert services.uses.edge_watch.run_once() == 1
    (alert,) = alerts(services)
    assert (alert.severity, alert.evidence[0].signal) == (Severity.HIGH, "edge_behind")
    assert alert.evidence[0].expected == "the newest within 120 seconds"
    say(services)
    services.uses.edge_watch.run_once()
    assert signals(services) == ["edge_behind", "edge_behind_over"]


def test_lost_decisions_add_up_over_the_runs_of_an_edge_and_never_end(services: Services, clock: FixedClock) -> None:
    def lost() -> tuple[int, object, str]:
        services.uses.edge_watch.run_once()
        (alert,) = alerts(services)
        return services.uses.edges.states()[0].lost, alert.evidence[0].observed, alert.evidence[0].sentence

    say(services, dropped=3)
    assert lost()[:2] == (3, 3)
    say(services, dropped=5)
    assert lost()[:2] == (5, 5)
    say(services, dropped=5)
    assert lost()[:2] == (5, 5)
    say(services, instance="i-2", dropped=2)
    total, observed, sentence = lost()
    assert (total, observed) == (7, 7)
    assert "has dropped 7 decisions" in sentence
    say(services, instance="i-2", dropped=0)
    clock.advance(timedelta(seconds=1))
    assert lost()[:2] == (7, 7)
    assert signals(services) == ["edge_decisions_lost"]


def test_an_edge_that_is_no_longer_registered_is_over(services: Services, clock: FixedClock) -> None:
    say(services)
    clock.advance(timedelta(seconds=301))
    services.uses.edge_watch.run_once()
    bare = ServiceClient(
        EDGE, "RRK", EDGE, SubjectType.SERVICE, {"keys": [KeyPair.ec("k").public]}, frozenset({Scope.AUDIT_WRITE.value})
    )
    with services.infrastructure.database.transaction() as session:
        services.registers.federation.register_client(session, bare)
    services.uses.edge_watch.run_once()
    assert signals(services) == ["edge_silent", "edge_silent_over"]
