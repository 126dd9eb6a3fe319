"""The engine contract: what ``governance.decisions.engine`` promises, held by every engine."""

import gc
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from governance.agreements import PolicyData
from governance.decisions import Engine, EngineFault, PolicySource, RegorusEngine
from governance.decisions._regorus_engine import _CELL
from governance.vocabulary import ReasonCode
from tests.peers.opa import OpaServer, engine_at
from tests.worlds.policy import OPEN, REQUEST, SHUT, changed, reason_of

EngineMaker = Callable[[], Engine]


@pytest.fixture(params=["embedded", pytest.param("opa", marks=pytest.mark.peer)])
def make(request: pytest.FixtureRequest, policies: PolicySource) -> EngineMaker:
    """Make a new engine of each kind; each OPA engine speaks to the one server."""
    if request.param == "embedded":
        return lambda: RegorusEngine(policies)
    server: OpaServer = request.getfixturevalue("opa_server")
    return lambda: engine_at(server.url, policies, 10)


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

    def ask_five_engines(turn: threading.Barrier, requester: str) -> None:
        for _ in range(5):
            turn.wait()  # there is an engine
            engines[0].evaluate({**REQUEST, "subject": {"ods": requester}})  # asked by nobody else: it is evaluated
            turn.wait()  # it was asked
            turn.wait()  # it is gone
        held.append(len(_CELL.machines))

    engines: list[RegorusEngine] = []
    turn = threading.Barrier(3)
    threads = [threading.Thread(target=ask_five_engines, args=(turn, ods)) for ods in ("RRK", "RL4")]
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
