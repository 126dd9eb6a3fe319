"""The engine contract: what ``governance.decisions.engine`` promises, held by every engine; and what each adds."""

import gc
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from governance.agreements import PolicyData
from governance.decisions import Engine, EngineFault, OpaEngine, PolicySource, RegorusEngine
from governance.decisions._regorus_engine import _CELL
from governance.vocabulary import ReasonCode
from tests.policy.conftest import OpaServer
from tests.worlds.policy import REQUEST, changed, policy_data

OPEN = policy_data({"care/1": {}}, revision="open")
SHUT = policy_data({"care/1": {"actions": ["search"]}}, revision="shut")
EngineMaker = Callable[[], Engine]


@pytest.fixture(params=["embedded", pytest.param("opa", marks=pytest.mark.peer)])
def make(request: pytest.FixtureRequest, policies: PolicySource) -> EngineMaker:
    """Make a new engine of each kind; each OPA engine speaks to the one server."""
    if request.param == "embedded":
        return lambda: RegorusEngine(policies)
    server: OpaServer = request.getfixturevalue("opa_server")
    return lambda: OpaEngine(server.url, policies, timeout=10)


def reason_of(engine: Engine) -> ReasonCode:
    with pytest.raises(EngineFault) as caught:
        engine.evaluate(REQUEST)
    return caught.value.reason


def test_before_any_data_there_is_no_answer(make: EngineMaker) -> None:
    engine = make()
    assert engine.revision == ""
    assert reason_of(engine) is ReasonCode.ENGINE_UNDEFINED
    assert not engine.health().ok


def test_an_answer_carries_the_revision_it_was_computed_with(make: EngineMaker) -> None:
    engine = make()
    for data, permit in ((OPEN, True), (SHUT, False), (OPEN, True)):
        engine.load(data)
        answer = engine.evaluate(REQUEST)
        assert (answer.permit, answer.revision, engine.revision) == (permit, data.revision, data.revision)
    assert engine.health().ok
    assert engine.health().revision == "open"


def test_several_inputs_have_an_answer_each_in_their_order(make: EngineMaker) -> None:
    engine = make()
    assert [one.reason for one in engine.evaluate_all([REQUEST] * 2)] == [ReasonCode.ENGINE_UNDEFINED] * 2
    engine.load(OPEN)
    inputs = [changed(REQUEST, {"purpose": "HRESCH"}) if place % 3 == 0 else REQUEST for place in range(40)]
    answers = engine.evaluate_all(inputs)
    assert answers == [engine.evaluate(one) for one in inputs]
    assert {answer.permit for answer in answers} == {True, False}
    assert engine.evaluate_all([]) == []


def test_what_was_answered_before_a_load_is_not_answered_after_it(make: EngineMaker) -> None:
    engine = make()
    for data, permit in ((OPEN, True), (OPEN, True), (SHUT, False), (OPEN, True)):
        engine.load(data)
        assert [engine.evaluate(REQUEST).permit for _ in range(3)] == [permit] * 3
        assert [answer.permit for answer in engine.evaluate_all([REQUEST] * 3)] == [permit] * 3


def test_data_without_its_revision_is_refused_and_the_old_stays(make: EngineMaker) -> None:
    engine = make()
    engine.load(OPEN)
    if isinstance(engine, RegorusEngine):
        with pytest.raises(EngineFault):
            engine.load(PolicyData("other", {**OPEN.document, "revision": "mismatch"}))
        assert engine.revision == "open"
        assert engine.evaluate(REQUEST).permit


def test_threads_never_see_a_mixture(make: EngineMaker) -> None:
    """Permit belongs to ``open`` and denial to ``shut``; threads decide while the data is swapped under them."""
    engine = make()
    engine.load(OPEN)
    mixed: list[tuple[bool, str]] = []
    stop = threading.Event()

    def decide() -> None:
        while not stop.is_set():
            answer = engine.evaluate(REQUEST)
            if (answer.permit, answer.revision) not in {(True, "open"), (False, "shut")}:
                mixed.append((answer.permit, answer.revision))

    threads = [threading.Thread(target=decide) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(10):
        engine.load(SHUT if turn % 2 == 0 else OPEN)
    stop.set()
    for thread in threads:
        thread.join()
    assert mixed == []
    assert engine.evaluate(REQUEST).revision == "open"


def test_every_thread_picks_up_the_new_revision(make: EngineMaker) -> None:
    engine = make()
    engine.load(OPEN)
    first, second = threading.Barrier(3), threading.Barrier(3)
    seen: list[tuple[str, str]] = []

    def decide() -> None:
        before = engine.evaluate(REQUEST).revision
        first.wait()
        second.wait()
        seen.append((before, engine.evaluate(REQUEST).revision))

    threads = [threading.Thread(target=decide) for _ in range(2)]
    for thread in threads:
        thread.start()
    first.wait()
    engine.load(SHUT)
    second.wait()
    for thread in threads:
        thread.join()
    assert seen == [("open", "shut")] * 2


def test_policies_are_ordered_by_their_imports(policies: PolicySource) -> None:
    paths = [path for path, _ in policies.modules]
    assert set(paths[-2:]) == {"imaging/decision/decision.rego", "imaging/filter/filter.rego"}
    assert paths.index("imaging/subject/subject.rego") < paths.index("imaging/assurance/assurance.rego")


def test_a_ring_of_imports_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.rego").write_text("package a\n\nimport data.b\n")
    (tmp_path / "b.rego").write_text("package b\n\nimport data.a\n")
    with pytest.raises(ValueError, match="ring"):
        PolicySource.from_directory(tmp_path)


def test_no_policies_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no policies"):
        PolicySource.from_directory(tmp_path)


def test_policies_that_do_not_compile_stop_the_start() -> None:
    with pytest.raises(EngineFault):
        RegorusEngine(PolicySource((("a.rego", "package a\nbroken if {"),), ""))


def test_a_machine_is_dropped_by_the_thread_that_made_it(
    policies: PolicySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine goes while threads that asked it live on: nothing is left to another thread, and nothing is kept."""
    lost: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lost.append)
    held: list[int] = []

    def ask_five_engines(turn: threading.Barrier) -> None:
        for _ in range(5):
            turn.wait()  # there is an engine
            engines[0].evaluate(REQUEST)
            turn.wait()  # it was asked
            turn.wait()  # it is gone
        held.append(len(_CELL.machines))

    engines: list[RegorusEngine] = []
    turn = threading.Barrier(3)
    threads = [threading.Thread(target=ask_five_engines, args=(turn,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        engines.append(RegorusEngine(policies))
        engines[0].load(OPEN)
        turn.wait()
        turn.wait()
        engines.clear()
        gc.collect()
        turn.wait()
    for thread in threads:
        thread.join()
    gc.collect()
    assert lost == []
    assert held == [1, 1]  # the last, until the thread makes another or ends


# What the OPA engine adds


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
    engine = OpaEngine(own_server.url, policies, timeout=10)
    engine.load(OPEN)
    own_server.stop()
    assert reason_of(engine) is ReasonCode.ENGINE_UNAVAILABLE
    assert not engine.health().ok
    own_server.start()  # with nothing in its memory
    assert engine.evaluate(REQUEST).permit
    assert engine.health().ok


@pytest.mark.peer
def test_several_inputs_wait_for_a_server_that_lost_its_memory(own_server: OpaServer, policies: PolicySource) -> None:
    engine = OpaEngine(own_server.url, policies, timeout=10)
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
    engine, other = (OpaEngine(own_server.url, policies, timeout=10) for _ in range(2))
    engine.load(SHUT)
    other.load(OPEN)
    assert reason_of(engine) is ReasonCode.POLICY_STALE
    assert not engine.health().ok
    assert other.evaluate(REQUEST).permit


@pytest.mark.peer
def test_data_put_there_by_another_is_replaced_when_patience_ends(
    own_server: OpaServer, policies: PolicySource
) -> None:
    engine, other = (OpaEngine(own_server.url, policies, timeout=10, patience=0) for _ in range(2))
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
    engine = OpaEngine(own_server.url, policies, timeout=10)
    engine.load(OPEN)
    assert engine.evaluate(REQUEST).permit
    held = requests.get(f"{own_server.url}/v1/policies", timeout=5).json()["result"]
    assert {policy["id"]: policy["raw"] for policy in held} == dict(policies.modules)


@pytest.mark.peer
def test_a_failed_load_leaves_the_old_data_in_force(own_server: OpaServer, policies: PolicySource) -> None:
    engine = OpaEngine(own_server.url, policies, timeout=10)
    engine.load(OPEN)
    own_server.stop()
    with pytest.raises(EngineFault):
        engine.load(SHUT)
    assert engine.revision == "open"


@pytest.mark.parametrize(
    "url", ["", "opa", "ftp://opa:8181", "http://", "http://opa/v1", "http://opa:port", "file:///tmp/opa"]
)
def test_a_url_that_is_none_is_refused(url: str, policies: PolicySource) -> None:
    with pytest.raises(ValueError, match=r"URL|[Pp]ort"):
        OpaEngine(url, policies)


@contextmanager
def impostor(status: int, body: bytes) -> Iterator[OpaEngine]:
    """Serve one fixed answer to every decision, and take any policy and data; give an engine loaded with ``OPEN``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(200, b'{"result": []}')

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(204 if "/data/" in self.path else 200, b"" if "/data/" in self.path else b"{}")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(status, body)

        def answer(self, code: int, content: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        engine = OpaEngine(f"http://127.0.0.1:{server.server_port}", PolicySource.from_directory(), timeout=5)
        engine.load(OPEN)
        yield engine
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


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
    with socket.create_server(("127.0.0.1", 0)) as silent:
        engine = OpaEngine(f"http://127.0.0.1:{silent.getsockname()[1]}", policies, timeout=0.05)
        engine._data = OPEN  # what it would hold had the server answered once
        assert reason_of(engine) is ReasonCode.ENGINE_TIMEOUT
        asked = connections(silent)
        assert [one.reason for one in engine.evaluate_all([REQUEST] * 100)] == [ReasonCode.ENGINE_TIMEOUT] * 100
        assert connections(silent) == asked, "after a time-out nothing more is asked"


def connections(server: socket.socket) -> int:
    """Take what has connected to a server meanwhile; gives how many."""
    server.setblocking(False)
    taken = 0
    with suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            taken += 1
    return taken


def test_the_environments_proxy_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    with impostor(200, json.dumps({"result": ANSWER}).encode()) as engine:
        assert engine.evaluate(REQUEST).permit
