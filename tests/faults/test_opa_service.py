"""The whole service at a real OPA: away at the start, changed by somebody else, or open to everybody.

What the service says then: denials with their reason, readiness, metrics, and one record of each difference.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from governance.audit import Query
from governance.bootstrap import Services, build
from governance.clock import FixedClock
from governance.decisions import PolicySource
from governance.jobs import Runtime
from governance.jobs.opa import watch_opa
from governance.jobs.ticker import Job, Ticker
from governance.server import create_app
from governance.settings import Settings
from governance.simulation import network, showcase
from governance.vocabulary import EventKind
from tests.peers.opa import Guard, OpaServer, engine_at
from tests.worlds.region import RegionWorld, seed_home
from tests.worlds.tenants import CERTIFICATION, TenantWorld, question

TOKEN = "a-token-of-the-tests-0123456789-QRSTUVWXYZ"
PATIENCE = 60.0  # seconds within which what must happen has happened
ASKED = question("eve", "read", "record-1")
LETS_EVERYBODY = "package tenants.certification\n\nallowed := true\n"
RULES = "policies/tenants/certification/policy/records.rego"


@pytest.fixture
def server(opa: str) -> Iterator[OpaServer]:
    """Give an OPA that is not started yet."""
    made = OpaServer(opa)
    yield made
    made.stop()


@pytest.fixture
def guarded(opa: str) -> Iterator[OpaServer]:
    made = OpaServer(opa, guard=Guard(token=TOKEN))
    made.start()
    yield made
    made.stop()


def until(look: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def counted(services: Services, metric: str, **labels: str) -> float:
    return services.infrastructure.metrics.registry.get_sample_value(metric, labels) or 0.0


def test_a_service_whose_opa_is_away_at_the_start_denies_and_recovers_by_itself(
    server: OpaServer, tmp_path: Path
) -> None:
    home = seed_home(tmp_path / "home", "http://127.0.0.1:8080", "http://127.0.0.1:9")
    world = RegionWorld(home, engine=engine_at(server.url, PolicySource.from_directory(), 5.0))
    agreements = world.services.registers.agreements
    job = Ticker([Job("policy", 0.1, lambda: agreements.refresh() is None)], world.services.infrastructure.metrics)
    try:
        world.feed_showcase()
        form = {"grant_type": "client_credentials", "scope": "access.evaluate"}
        answer = world.post_form("/oauth/token", form | world.parties.proof(network.EXPLORER, world.now))
        headers = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}

        def ask() -> tuple[bool, list[str]]:
            asked = world.client.post("/access/v1/evaluation", json=showcase.question(), headers=headers)
            assert asked.status_code == 200, asked.get_data(as_text=True)
            return asked.get_json()["decision"], asked.get_json()["context"]["reasons"]

        assert ask() == (False, ["engine.unavailable"])
        unready = world.client.get("/readyz")
        assert unready.status_code == 503
        assert unready.get_json()["parts"]["policy_engine"] is False
        assert unready.get_json()["parts"]["audit_log"] is True
        job.start()
        server.start()
        until(lambda: ask() == (True, ["agreement.permits"]), "the service does not recover")
        assert world.client.get("/readyz").status_code == 200
    finally:
        job.stop()
        world.close()


@pytest.fixture
def built(settings: Settings, clock: FixedClock) -> Iterator[Callable[..., TenantWorld]]:
    """Serve with changed settings, the certification tenant among them."""
    runtimes = []

    def make(**changes: object) -> TenantWorld:
        services = build(settings.replaced(tenants=(str(CERTIFICATION),), engine_timeout=10.0, **changes), clock)
        runtime = Runtime(services)
        runtime.start(jobs=False)
        runtimes.append(runtime)
        return TenantWorld(create_app(services), services)

    yield make
    for runtime in runtimes:
        runtime.stop()


def test_outside_the_demo_a_server_without_authorization_is_not_asked(
    server: OpaServer, built: Callable[..., TenantWorld]
) -> None:
    server.start()
    world = built(opa_url=server.url, profile="production")
    answer = world.ask("certification", "evaluation", ASKED).get_json()
    assert (answer["decision"], answer["context"]["reasons"]) == (False, ["engine.untrusted"])
    assert world.http.get("/readyz").get_json()["parts"]["policy_engine"] is False
    assert counted(world.services, "governance_engine_differences_total", holder="server", what="open") >= 1
    assert counted(world.services, "governance_engine_trusted", holder="network") == 0
    assert server.held() == {}


def test_outside_the_demo_a_server_that_knows_the_service_decides(
    guarded: OpaServer, built: Callable[..., TenantWorld]
) -> None:
    world = built(opa_url=guarded.url, profile="production", opa_token=TOKEN)
    assert world.decide("certification", question("alice", "read", "record-1")) is True
    assert world.http.get("/readyz").status_code == 200
    assert counted(world.services, "governance_engine_trusted", holder="network") == 1
    assert counted(world.services, "governance_engine_trusted", holder="certification") == 1


def test_what_somebody_else_changed_is_recorded_counted_and_put_right(
    server: OpaServer, built: Callable[..., TenantWorld]
) -> None:
    server.start()
    world = built(opa_url=server.url, opa_check_interval=60.0)
    opa = world.services.uses.opa
    assert opa is not None
    server.put(RULES, LETS_EVERYBODY)
    watch_opa(opa, world.services)
    watch_opa(opa, world.services)
    assert world.decide("certification", ASKED) is False
    found = world.services.infrastructure.audit_search.find(Query(kind=EventKind.SECURITY_ALERT), 10)
    assert [event.detail for event in found] == [{"engine": "opa", "holder": "certification", "differs": "rules"}]
    assert counted(world.services, "governance_engine_differences_total", holder="certification", what="rules") == 1


def test_the_job_finds_the_change_though_nobody_asks(server: OpaServer, settings: Settings, clock: FixedClock) -> None:
    server.start()
    changes = {"tenants": (str(CERTIFICATION),), "opa_url": server.url, "opa_check_interval": 0.4}
    services = build(settings.replaced(**changes), clock)
    runtime = Runtime(services)
    runtime.start()
    try:
        rules = server.held()
        server.put(RULES, LETS_EVERYBODY)
        until(lambda: server.held() == rules, "the rules are not given again")
        until(
            lambda: counted(services, "governance_engine_differences_total", holder="certification", what="rules") == 1,
            "the difference is not counted",
        )
    finally:
        runtime.stop()
