"""What the OPA engine adds to the contract: a server that stops, forgets, is changed by others or talks nonsense."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import requests

from governance.decisions import EngineFault, PolicySource
from governance.vocabulary import ReasonCode
from tests.fakes.opa_impostor import impostor
from tests.peers.opa import OpaServer, engine_at
from tests.worlds.policy import OPEN, REQUEST, SHUT, changed, reason_of


@pytest.fixture
def own_server(opa: str) -> Iterator[OpaServer]:
    """Give an OPA of the test's own, which it may stop, wipe and change."""
    server = OpaServer(opa)
    server.start()
    yield server
    server.stop()


@pytest.mark.peer
def test_a_stopped_server_is_unavailable_and_works_again_when_back(
    own_server: OpaServer, policies: PolicySource
) -> None:
    engine = engine_at(own_server.url, policies, 10)
    engine.load(OPEN)
    own_server.stop()
    assert reason_of(engine) is ReasonCode.ENGINE_UNAVAILABLE
    assert not engine.health().ok
    own_server.start()  # with nothing in its memory
    assert engine.evaluate(REQUEST).permit
    assert engine.health().ok


@pytest.mark.peer
def test_several_inputs_wait_for_a_server_that_lost_its_memory(own_server: OpaServer, policies: PolicySource) -> None:
    engine = engine_at(own_server.url, policies, 10)
    engine.load(OPEN)
    own_server.stop()
    faults = engine.evaluate_all([REQUEST] * 40)
    assert {one.reason for one in faults} == {ReasonCode.ENGINE_UNAVAILABLE}
    assert len(faults) == 40
    own_server.start()  # with nothing in its memory
    assert {answer.permit for answer in engine.evaluate_all([REQUEST] * 40)} == {True}
    requests.delete(f"{own_server.url}/v1/data/governance", timeout=5).raise_for_status()
    assert {answer.permit for answer in engine.evaluate_all([REQUEST] * 40)} == {True}


@pytest.mark.peer
def test_data_put_there_by_another_is_stale(own_server: OpaServer, policies: PolicySource) -> None:
    engine, other = (engine_at(own_server.url, policies, 10) for _ in range(2))
    engine.load(SHUT)
    other.load(OPEN)
    assert reason_of(engine) is ReasonCode.POLICY_STALE
    assert not engine.health().ok
    assert other.evaluate(REQUEST).permit


@pytest.mark.peer
def test_data_put_there_by_another_is_replaced_when_patience_ends(
    own_server: OpaServer, policies: PolicySource
) -> None:
    engine, other = (engine_at(own_server.url, policies, 10, patience=0) for _ in range(2))
    engine.load(SHUT)
    other.load(OPEN)
    assert not engine.evaluate(REQUEST).permit
    assert engine.health().ok
    assert other.health().ok  # by then it has put its own back


@pytest.mark.peer
def test_policies_that_are_not_ours_are_replaced_and_removed(own_server: OpaServer, policies: PolicySource) -> None:
    left_over = "package imaging.extra\n\nx := 1\n"
    tampered = 'package imaging.hours\n\nfailures(_, _) := {"hours.outside"}\n'
    for path, text in (("imaging/extra.rego", left_over), ("imaging/hours/hours.rego", tampered)):
        requests.put(f"{own_server.url}/v1/policies/{path}", data=text, timeout=5).raise_for_status()
    engine = engine_at(own_server.url, policies, 10)
    engine.load(OPEN)
    assert engine.evaluate(REQUEST).permit
    held = requests.get(f"{own_server.url}/v1/policies", timeout=5).json()["result"]
    assert {policy["id"]: policy["raw"] for policy in held} == dict(policies.modules)


@pytest.mark.peer
def test_a_failed_load_leaves_the_old_data_in_force(own_server: OpaServer, policies: PolicySource) -> None:
    engine = engine_at(own_server.url, policies, 10)
    engine.load(OPEN)
    own_server.stop()
    with pytest.raises(EngineFault):
        engine.load(SHUT)
    assert engine.revision == "open"


@pytest.mark.peer
def test_a_server_behind_a_unix_socket_decides_alike(opa: str, tmp_path: Path, policies: PolicySource) -> None:
    path = tmp_path / "opa.sock"
    server = OpaServer(opa, path)
    server.start()
    try:
        engine = engine_at(f"unix:{path}", policies, 10)
        engine.load(OPEN)
        assert engine.evaluate(REQUEST).permit
        server.stop()
        assert reason_of(engine) is ReasonCode.ENGINE_UNAVAILABLE
    finally:
        server.stop()


@pytest.mark.parametrize(
    "url", ["", "opa", "ftp://opa:8181", "http://", "http://opa/v1", "http://opa:port", "file:///tmp/opa", "unix:"]
)
def test_a_url_that_is_none_is_refused(url: str, policies: PolicySource) -> None:
    with pytest.raises(ValueError, match=r"URL|[Pp]ort"):
        engine_at(url, policies)


ANSWER = {
    "permit": True,
    "reasons": ["agreement.permits"],
    "obligations": [],
    "agreement": {"id": "care", "version": 1, "clause": "1", "token_seconds": 60, "act_depth": 0},
    "requestable": False,
    "revision": "open",
}


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, b"{}", ReasonCode.ENGINE_UNDEFINED),
        (200, b"[]", ReasonCode.ENGINE_UNDEFINED),
        (200, b"not json", ReasonCode.ENGINE_INVALID_ANSWER),
        (200, b'{"result": true}', ReasonCode.ENGINE_INVALID_ANSWER),
        (200, b'{"result": {"permit": true}}', ReasonCode.ENGINE_INVALID_ANSWER),
        (200, json.dumps({"result": ANSWER | {"reasons": []}}).encode(), ReasonCode.ENGINE_INVALID_ANSWER),
        (200, json.dumps({"result": ANSWER | {"permit": "yes"}}).encode(), ReasonCode.ENGINE_INVALID_ANSWER),
        (200, json.dumps({"result": ANSWER | {"agreement": None}}).encode(), ReasonCode.ENGINE_INVALID_ANSWER),
        (200, json.dumps({"result": ANSWER | {"reasons": ["x.y"]}}).encode(), ReasonCode.ENGINE_INVALID_ANSWER),
        (200, json.dumps({"result": ANSWER | {"revision": "shut"}}).encode(), ReasonCode.POLICY_STALE),
        (500, b'{"code": "internal_error"}', ReasonCode.ENGINE_UNAVAILABLE),
        (401, b"", ReasonCode.ENGINE_UNAVAILABLE),
        (302, b"", ReasonCode.ENGINE_INVALID_ANSWER),
    ],
)
def test_a_server_that_talks_nonsense_is_no_permit(status: int, body: bytes, reason: ReasonCode) -> None:
    with impostor(status, body) as engine:
        assert reason_of(engine) is reason


@pytest.mark.parametrize(
    ("result", "reasons"),
    [
        ([ANSWER, ANSWER], [None, None]),
        ([ANSWER, {"permit": True}], [None, ReasonCode.ENGINE_INVALID_ANSWER]),
        ([ANSWER, ANSWER | {"revision": "shut"}], [ReasonCode.POLICY_STALE] * 2),
        ([ANSWER], [ReasonCode.ENGINE_INVALID_ANSWER] * 2),
        ([ANSWER] * 3, [ReasonCode.ENGINE_INVALID_ANSWER] * 2),
        (ANSWER, [ReasonCode.ENGINE_INVALID_ANSWER] * 2),
    ],
)
def test_of_several_answers_nonsense_is_no_permit(result: object, reasons: list[ReasonCode | None]) -> None:
    with impostor(200, json.dumps({"result": result}).encode()) as engine:
        found = engine.evaluate_all([REQUEST, changed(REQUEST, {"action": "search"})])
    assert [one.reason if isinstance(one, EngineFault) else None for one in found] == reasons


def test_the_impostor_can_speak_well() -> None:
    with impostor(200, json.dumps({"result": ANSWER}).encode()) as engine:
        assert engine.evaluate(changed(REQUEST, {})).permit


def test_a_server_that_never_answers_is_a_timeout(policies: PolicySource) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, ExitStack() as taken:
        engine = engine_at(f"http://127.0.0.1:{silent.getsockname()[1]}", policies, 0.05)
        engine._data = OPEN  # what it would hold had the server answered once
        engine._holding.fault = None
        assert reason_of(engine) is ReasonCode.ENGINE_TIMEOUT
        asked = connections(silent, taken)
        assert [one.reason for one in engine.evaluate_all([REQUEST] * 100)] == [ReasonCode.ENGINE_TIMEOUT] * 100
        assert asked + connections(silent, taken) < 10, "after a time-out nothing more is asked"


def connections(server: socket.socket, taken: ExitStack) -> int:
    """Take what has connected to a server meanwhile, and say nothing to it; gives how many."""
    server.setblocking(False)
    count = 0
    with suppress(BlockingIOError):
        while True:
            taken.enter_context(server.accept()[0])
            count += 1
    return count


def test_the_environments_proxy_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    with impostor(200, json.dumps({"result": ANSWER}).encode()) as engine:
        assert engine.evaluate(REQUEST).permit
