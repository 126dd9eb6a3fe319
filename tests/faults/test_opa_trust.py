"""Somebody else changes a real OPA, or it asks nobody who they are: what it says then opens nothing.

Most tests look at once (``look``) instead of waiting for the interval. One lets the interval find the change, within a
generous multiple of it.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from governance.decisions import OpaAccess, OpaEngine, OpaHost, OpaTenantEngine, PolicySource, TenantPolicy
from governance.outbound import ClientCertificate, Outbound, Peers
from governance.tenants import read_tenant
from governance.vocabulary import ReasonCode
from tests.peers.opa import AUTHORIZATION, Guard, OpaServer, open_host
from tests.worlds.basics import NOON
from tests.worlds.certificates import Certificate
from tests.worlds.policy import OPEN, REQUEST, SHUT, reason_of
from tests.worlds.tenants import CERTIFICATION, question

TOKEN = "a-token-of-the-tests-0123456789-QRSTUVWXYZ"
PATIENCE = 60.0  # seconds within which what must happen has happened
PERMITS = (
    "package imaging.decision\n\nimport rego.v1\n\n"
    'answer := {"permit": true, "reasons": ["agreement.permits"], "obligations": [], "requestable": false, '
    '"agreement": {"id": "care", "version": 1, "clause": "1", "token_seconds": 60, "act_depth": 0}, '
    '"revision": data.governance.revision}\n\nanswers := [answer | some _ in input.requests]\n'
)
ENTRY = "policies/imaging/decision/decision.rego"
DENIED = {member: {**given, "properties": {}} for member, given in question("eve", "read", "record-1").items()} | {
    "context": {},
    "now": 0,
}


@pytest.fixture
def server(opa: str) -> Iterator[OpaServer]:
    made = OpaServer(opa)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def guarded(opa: str) -> Iterator[OpaServer]:
    """Run an OPA with token authentication and its own authorization policy."""
    made = OpaServer(opa, guard=Guard(token=TOKEN))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def policies() -> PolicySource:
    return PolicySource.from_directory()


class Watched:
    """An engine at a server that anybody may change, whose answer should be a denial."""

    def __init__(self, server: OpaServer, policies: PolicySource, **more: float) -> None:
        self.host = OpaHost(server.url, 10.0, may_be_open=True, **more)
        self.engine = OpaEngine(self.host, policies)
        self.engine.load(SHUT)
        assert not self.engine.evaluate(REQUEST).permit


def until(look: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def differences(host: OpaHost) -> list[tuple[str, str]]:
    """Take what a host found to differ since it was last asked."""
    found: list[tuple[str, str]] = []
    host.hand_over(lambda *one: found.append(one))
    return found


# Changed by somebody else


def test_a_denial_that_was_made_a_permit_is_found_within_the_interval(
    server: OpaServer, policies: PolicySource
) -> None:
    watched = Watched(server, policies, interval=1.0)
    server.put(ENTRY, PERMITS)
    began = time.monotonic()
    until(lambda: not watched.engine.evaluate(REQUEST).permit, "the change is not found")
    assert time.monotonic() - began < 20 * 1.0
    until(lambda: server.held() == dict(policies.modules), "the rules are not given again")
    assert not any(watched.engine.evaluate(REQUEST).permit for _ in range(20))
    assert ("network", "rules") in differences(watched.host)


def test_rules_that_differ_are_told_given_again_and_read_back(server: OpaServer, policies: PolicySource) -> None:
    told: list[tuple[str, str]] = []
    host = OpaHost(server.url, 10.0, may_be_open=True, interval=60.0, observe=lambda *seen: told.append(seen))
    engine = OpaEngine(host, policies)
    engine.load(SHUT)
    server.put(ENTRY, PERMITS)
    assert engine.evaluate(REQUEST).permit  # under the same revision: nothing in the answer shows it
    host.look()
    assert not engine.evaluate(REQUEST).permit
    assert told == [("network", "rules")]
    assert differences(host) == told
    assert differences(host) == []
    assert server.held() == dict(policies.modules)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("policies/imaging/extra.rego", "package imaging.extra\n\nx := 1\n"),
        ("policies/elsewhere", "package imaging\n\nimport rego.v1\n\nhours.opened := 1\n"),
        ("policies/elsewhere", "package imaging.hours\n\nimport rego.v1\n\nopened := 1\n"),
        ("policies/elsewhere", "package governance.index\n\nRRK := 1\n"),
    ],
)
def test_a_module_that_could_answer_in_our_place_is_taken_away(
    server: OpaServer, policies: PolicySource, place: str, text: str
) -> None:
    watched = Watched(server, policies, interval=60.0)
    server.put(place, text)
    watched.host.look()
    assert differences(watched.host) == [("network", "rules")]
    assert server.held() == dict(policies.modules)
    assert not watched.engine.evaluate(REQUEST).permit


def test_a_module_of_somebody_elses_own_may_stay(server: OpaServer, policies: PolicySource) -> None:
    watched = Watched(server, policies, interval=60.0)
    server.put("policies/theirs", "package theirs\n\nx := 1\n")
    watched.host.look()
    assert differences(watched.host) == []
    assert "theirs" in server.held()


def test_data_that_was_changed_under_its_revision_is_given_again(server: OpaServer, policies: PolicySource) -> None:
    watched = Watched(server, policies, interval=60.0)
    server.put("data/governance/clauses/care%2F1/actions", '["search", "read"]')
    assert watched.engine.evaluate(REQUEST).permit
    watched.host.look()
    assert differences(watched.host) == [("network", "data")]
    assert not watched.engine.evaluate(REQUEST).permit


@pytest.mark.parametrize(
    ("place", "text", "what"),
    [
        ("data/revocations", '{"agreements": {"care": 9}, "as_of": 1}', "data"),
        ("policies/zz", 'package revocations\n\nimport rego.v1\n\nagreements := {"care": 9}\n', "rules"),
    ],
)
def test_nothing_may_be_where_the_rules_look_for_revocations(
    server: OpaServer, policies: PolicySource, place: str, text: str, what: str
) -> None:
    watched = Watched(server, policies, interval=60.0)
    watched.engine.load(OPEN)
    server.put(place, text)
    assert not watched.engine.evaluate(REQUEST).permit
    watched.host.look()
    assert differences(watched.host) == [("network", what)]
    assert watched.engine.evaluate(REQUEST).permit
    assert requests.get(f"{server.url}/v1/data/revocations", timeout=10).json() == {}


def test_a_deleted_rule_is_a_difference(server: OpaServer, policies: PolicySource) -> None:
    watched = Watched(server, policies, interval=60.0)
    requests.delete(f"{server.url}/v1/{ENTRY}", timeout=10).raise_for_status()
    watched.host.look()
    assert differences(watched.host) == [("network", "rules")]
    assert server.held() == dict(policies.modules)


def test_a_restarted_empty_server_is_given_everything_and_no_difference_is_told(
    server: OpaServer, policies: PolicySource
) -> None:
    watched = Watched(server, policies, interval=60.0)
    server.stop()
    server.start()
    watched.host.look()
    assert differences(watched.host) == []
    assert not watched.engine.evaluate(REQUEST).permit
    assert server.held() == dict(policies.modules)
    assert watched.host.trusted() == {"network": True}


def test_a_server_that_cannot_be_looked_at_is_not_asked_for_longer_than_the_interval(
    server: OpaServer, policies: PolicySource
) -> None:
    host = OpaHost(server.url, 1.0, may_be_open=True, interval=0.2)
    engine = OpaEngine(host, policies)
    engine.load(OPEN)
    server.hang()
    try:
        until(lambda: host.trusted() == {"network": False}, "a look that was not made goes on to count")
        assert reason_of(engine) is ReasonCode.ENGINE_TIMEOUT
    finally:
        server.resume()
    until(lambda: engine.health().ok, "it does not recover")
    assert engine.evaluate(REQUEST).permit


def test_two_processes_each_find_the_change(server: OpaServer, policies: PolicySource) -> None:
    first, second = (Watched(server, policies, interval=60.0) for _ in range(2))
    server.put(ENTRY, PERMITS)
    first.host.look()
    second.host.look()  # by then the first has put things right, and the second has nothing to put
    for watched in (first, second):
        assert not watched.engine.evaluate(REQUEST).permit
    assert differences(first.host) == [("network", "rules")]
    assert differences(second.host) == []


# A tenant's


def test_a_tenants_rules_and_data_are_read_back_too(server: OpaServer) -> None:
    policy = read_tenant(CERTIFICATION).policy
    host = open_host(server.url)
    engine = OpaTenantEngine(host, policy)
    assert engine.value(DENIED) is False
    for place, text, what in (
        (
            "policies/tenants/certification/policy/records.rego",
            "package tenants.certification\n\nallowed := true\n",
            "rules",
        ),
        ("policies/sideways", "package tenants\n\nimport rego.v1\n\nother.allowed := true\n", "rules"),
        ("data/tenant_data/certification/readers", '["alice", "bob", "eve"]', "data"),
    ):
        server.put(place, text)
        host.look()
        assert differences(host) == [("certification", what)], place
        assert engine.value(DENIED) is False
    assert server.held() == dict(policy.modules)


def test_data_beside_a_tenants_rules_is_never_read(server: OpaServer, tmp_path: Path) -> None:
    (tmp_path / "p.rego").write_text(
        "package tenants.own\n\nimport rego.v1\n\ndefault allowed := false\n\nallowed if {\n"
        "\tsome name, value in data.tenants.own\n\tname == value\n}\n"
    )
    (tmp_path / "tenant.yaml").write_text(
        "name: own\ntitle: Own\nentrypoint: data.tenants.own.allowed\nclients: ['*']\n"
    )
    with pytest.raises(Exception, match="rules of its own"):
        read_tenant(tmp_path)


def test_what_opa_makes_of_a_tenants_rules_is_held_to_their_bounds(server: OpaServer, tmp_path: Path) -> None:
    """The embedded engine's parser and OPA's are two: whatever passes the first unseen is found in the second."""
    (tmp_path / "p.rego").write_text("package tenants.own\n\nimport rego.v1\n\nallowed := opa.runtime().env\n")
    policy = TenantPolicy("own", PolicySource.from_directory(tmp_path), "data.tenants.own.allowed", {})
    with pytest.raises(Exception, match=r"may not call opa\.runtime"):
        OpaTenantEngine(open_host(server.url), policy)
    assert not any(name.startswith("tenants/own/") for name in server.held())


# Who may speak to it


def test_a_server_without_authorization_is_refused(server: OpaServer, policies: PolicySource) -> None:
    told: list[tuple[str, str]] = []
    engine = OpaEngine(OpaHost(server.url, 10.0, observe=lambda *seen: told.append(seen)), policies)
    with pytest.raises(Exception, match="without authorization") as refused:
        engine.load(OPEN)
    assert refused.value.reason is ReasonCode.ENGINE_UNTRUSTED
    assert server.held() == {}
    assert "without authorization" in engine.health().detail
    assert told[0] == ("server", "open")


def test_a_server_that_asks_for_a_token_is_used_with_it(guarded: OpaServer, policies: PolicySource) -> None:
    host = OpaHost(guarded.url, 10.0, OpaAccess(TOKEN))
    engine = OpaEngine(host, policies)
    engine.load(OPEN)
    assert engine.evaluate(REQUEST).permit
    assert engine.evaluate_all([REQUEST] * 3) == [engine.evaluate(REQUEST)] * 3
    assert engine.health().ok
    guarded.put(ENTRY, PERMITS.replace("true", "false", 1))
    host.look()
    assert differences(host) == [("network", "rules")]
    assert engine.evaluate(REQUEST).permit
    assert OpaTenantEngine(host, read_tenant(CERTIFICATION).policy).value(DENIED) is False


@pytest.mark.parametrize("token", [None, "another" * 8])
def test_without_its_token_the_server_gives_nothing(
    guarded: OpaServer, policies: PolicySource, token: str | None
) -> None:
    engine = OpaEngine(OpaHost(guarded.url, 10.0, OpaAccess(token)), policies)
    with pytest.raises(Exception, match="refused"):
        engine.load(OPEN)
    assert not engine.health().ok


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_a_server_that_lets_anybody_change_it_by_one_method_is_refused(
    opa: str, tmp_path: Path, policies: PolicySource, method: str
) -> None:
    rules = tmp_path / "authz.rego"
    rules.write_text(f'{AUTHORIZATION.read_text()}\nallow if input.method == "{method}"\n')
    server = OpaServer(opa, guard=Guard(token=TOKEN, authorization=rules))
    server.start()
    try:
        engine = OpaEngine(OpaHost(server.url, 10.0, OpaAccess(TOKEN)), policies)
        with pytest.raises(Exception, match="without authorization") as refused:
            engine.load(OPEN)
    finally:
        server.stop()
    assert refused.value.reason is ReasonCode.ENGINE_UNTRUSTED


def test_authorization_that_is_lost_is_found_and_comes_back(guarded: OpaServer, policies: PolicySource) -> None:
    host = OpaHost(guarded.url, 10.0, OpaAccess(TOKEN), interval=60.0)
    engine = OpaEngine(host, policies)
    engine.load(OPEN)
    guard = guarded.guard
    guarded.stop()
    guarded.guard = Guard()
    guarded.start()
    host.look()
    assert reason_of(engine) is ReasonCode.ENGINE_UNTRUSTED
    assert differences(host) == [("server", "open")]
    assert guarded.held() == {}, "nothing is put where anybody may change it"
    guarded.stop()
    guarded.guard = guard
    guarded.start()
    assert engine.evaluate(REQUEST).permit


def test_a_server_that_asks_for_a_certificate_is_used_with_it(opa: str, tmp_path: Path, policies: PolicySource) -> None:
    certificate, key = Certificate.made("opa", NOON).write(tmp_path, "server")
    shown = [Certificate.made(name, NOON).write(tmp_path, name) for name in ("service", "stranger")]
    server = OpaServer(opa, guard=Guard(tls=(certificate, key, shown[0][0])))
    server.start()
    outbound = Outbound(Peers(own=[server.url]), authorities=Path(certificate))
    try:
        ours, theirs = (OpaAccess(certificate=ClientCertificate(*map(Path, pair))) for pair in shown)
        engine = OpaEngine(OpaHost(server.url, 10.0, ours, outbound=outbound), policies)
        engine.load(OPEN)
        assert engine.evaluate(REQUEST).permit
        for access in (theirs, OpaAccess()):
            stranger = OpaEngine(OpaHost(server.url, 10.0, access, outbound=outbound), policies)
            with pytest.raises(Exception, match="OPA server"):
                stranger.load(OPEN)
    finally:
        server.stop()
