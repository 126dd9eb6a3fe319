"""What the embedded engine remembers of one revision is bounded, and what is asked for all the time stays."""

from typing import Any

import pytest

from governance.decisions import PolicySource, RegorusEngine, _regorus_engine
from governance.decisions._regorus_engine import _Generation, _Program
from tests.worlds.policy import OPEN, REQUEST, changed

FEW = 4


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the inputs that are really evaluated, in an engine whose memory is small."""
    monkeypatch.setattr(_regorus_engine, "_ANSWERS", FEW)
    monkeypatch.setattr(_regorus_engine, "_SLICES", FEW)
    inputs: list[str] = []
    value = _Program.value

    def noted(program: _Program, data_json: str, input_json: str) -> object:
        inputs.append(input_json)
        return value(program, data_json, input_json)

    monkeypatch.setattr(_Program, "value", noted)
    return inputs


def other(number: int) -> Any:
    return changed(REQUEST, {"subject.id": f"s-{number}"})


def test_an_answer_that_is_asked_for_all_the_time_is_computed_once(policies: PolicySource, ran: list[str]) -> None:
    engine = RegorusEngine(policies)
    engine.load(OPEN)
    first = engine.evaluate(REQUEST)
    ran.clear()
    for number in range(5 * FEW):
        assert engine.evaluate(other(number)).permit
        assert engine.evaluate(REQUEST) == first
    assert len(ran) == 5 * FEW
    assert engine._current is not None
    assert len(engine._current._answers) <= 2 * FEW
    engine.evaluate(other(0))
    assert len(ran) == 5 * FEW + 1  # the first of the others was forgotten, and is computed anew


@pytest.mark.usefixtures("ran")
def test_a_slice_that_is_used_all_the_time_is_cut_once() -> None:
    generation = _Generation(OPEN)
    first = generation.slice_for(REQUEST)
    for number in range(5 * FEW):
        generation.slice_for(changed(REQUEST, {"purpose": f"P{number}"}))
        assert generation.slice_for(REQUEST) is first
    assert len(generation._slices) <= 2 * FEW
