"""What a tenant's engine does when something is wrong: a denial with a reason, and a search without an answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from governance.bootstrap import build
from governance.clock import FixedClock
from governance.decisions import OpaTenantEngine, PolicySource, RegorusTenantEngine, TenantPolicy
from governance.errors import ConfigurationError
from governance.jobs import Runtime
from governance.server import create_app
from governance.settings import Settings
from governance.tenants import read_tenant
from tests.peers.opa import OpaServer, open_host
from tests.worlds.tenants import CERTIFICATION, TenantWorld, question

ASKED = question("alice", "read", "record-1")


@pytest.fixture
def server(opa: str) -> Iterator[OpaServer]:
    made = OpaServer(opa)
    made.start()
    yield made
    made.stop()


def served(settings: Settings, clock: FixedClock) -> Iterator[TenantWorld]:
    services = build(settings, clock)
    runtime = Runtime(services)
    runtime.start(jobs=False)
    yield TenantWorld(create_app(services), services)
    runtime.stop()


@pytest.fixture
def at_opa(settings: Settings, clock: FixedClock, server: OpaServer) -> Iterator[TenantWorld]:
    yield from served(settings.replaced(tenants=(str(CERTIFICATION),), opa_url=server.url, engine_timeout=10.0), clock)


def spoilt(folder: Path, body: str) -> Path:
    """Write a tenant whose rule says something strange."""
    (folder / "tenant.yaml").write_text(
        "name: strange\ntitle: Strange\nentrypoint: data.tenants.strange.answer\nclients: ['*']\nsearch: [subject]\n"
    )
    (folder / "data.yaml").write_text(
        "entities:\n  subjects: [{type: user, id: alice}]\n  resources: [{type: record, id: record-1}]\n"
        "  actions: [{name: read}]\n"
    )
    (folder / "strange.rego").write_text(f"package tenants.strange\n\nimport rego.v1\n\n{body}\n")
    return folder


def test_an_opa_that_is_away_denies_and_one_that_lost_its_memory_is_given_it_again(
    at_opa: TenantWorld, server: OpaServer
) -> None:
    assert at_opa.decide("certification", ASKED) is True
    server.stop()
    answer = at_opa.ask("certification", "evaluation", ASKED).get_json()
    assert (answer["decision"], answer["context"]["reasons"]) == (False, ["engine.unavailable"])
    assert at_opa.services.infrastructure.audit.entry(answer["context"]["log_index"]).detail["reasons"] == [
        "engine.unavailable"
    ]
    search = at_opa.ask("certification", "search/subject", ASKED)
    assert (search.status_code, search.get_json()["reason"]) == (503, "search.undecided")
    server.start()
    assert at_opa.decide("certification", ASKED) is True


def test_a_service_does_not_start_with_a_tenant_that_opa_refuses(
    settings: Settings, clock: FixedClock, server: OpaServer, tmp_path: Path
) -> None:
    bad = spoilt(tmp_path, "answer := count(1)")
    with pytest.raises(ConfigurationError, match=r"refused by the OPA server: .*invalid argument"):
        build(settings.replaced(tenants=(str(CERTIFICATION), str(bad)), opa_url=server.url), clock)


def test_a_tenant_whose_opa_is_down_at_the_start_denies_and_comes_up_by_itself(
    settings: Settings, clock: FixedClock, server: OpaServer
) -> None:
    server.stop()
    away = settings.replaced(tenants=(str(CERTIFICATION),), opa_url=server.url, engine_timeout=10.0)
    for world in served(away, clock):
        answer = world.ask("certification", "evaluation", ASKED).get_json()
        assert (answer["decision"], answer["context"]["reasons"]) == (False, ["engine.unavailable"])
        assert world.ask("certification", "search/subject", ASKED).status_code == 503
        assert world.http.get("/readyz").status_code == 503
        server.start()
        assert world.decide("certification", ASKED) is True


def test_an_opa_that_holds_other_rules_is_given_the_right_ones(server: OpaServer) -> None:
    tenant = read_tenant(CERTIFICATION)
    member = {"properties": {}}
    asked = {name: given | member for name, given in ASKED.items()} | {"context": {}, "now": 0}
    older = TenantPolicy(
        "certification", PolicySource.from_directory(CERTIFICATION), tenant.policy.entrypoint, {"readers": []}
    )
    assert OpaTenantEngine(open_host(server.url), older).value(asked) is False
    assert OpaTenantEngine(open_host(server.url), tenant.policy).value(asked) is True
    assert RegorusTenantEngine(older).value(asked) is False


@pytest.mark.parametrize(
    ("body", "reasons", "status"),
    [
        ("answer if input.never", ["engine.undefined"], 200),
        ('answer := "yes"', ["engine.invalid_answer"], 503),
        ('answer := {"decision": "yes"}', ["engine.invalid_answer"], 503),
        ('answer := {"decision": true, "more": 1}', ["engine.invalid_answer"], 503),
    ],
)
def test_what_is_no_answer_is_a_denial(
    settings: Settings, clock: FixedClock, tmp_path: Path, body: str, reasons: list[str], status: int
) -> None:
    made = settings.replaced(tenants=(str(spoilt(tmp_path, body)),))
    for world in served(made, clock):
        answer = world.ask("strange", "evaluation", ASKED).get_json()
        assert (answer["decision"], answer["context"]["reasons"]) == (False, reasons)
        assert world.ask("strange", "search/subject", ASKED).status_code == status
        assert world.ask("strange", "search/action", ASKED).status_code == 404  # a search it does not offer


def test_the_rules_may_say_why_and_know_what_time_it_is(settings: Settings, clock: FixedClock, tmp_path: Path) -> None:
    body = 'answer := {"decision": true, "context": {"at": input.now, "id": "mine"}}'
    for world in served(settings.replaced(tenants=(str(spoilt(tmp_path, body)),)), clock):
        context = world.ask("strange", "evaluation", ASKED).get_json()["context"]
        assert context["at"] == int(clock.now().timestamp())
        assert context["id"] != "mine"  # where the decision is recorded is ours to say
