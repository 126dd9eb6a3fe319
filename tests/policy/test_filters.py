"""The filter of an engine: made with the loaded data or not at all, and read with no trust in who answers."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from governance.catalogue import Row
from governance.decisions import Engine, EngineFault, PolicySource, RegorusEngine
from governance.decisions._filter_answers import read_compiled, read_openings
from governance.vocabulary import ReasonCode
from tests.peers.opa import OpaServer, engine_at
from tests.worlds.policy import REQUEST, policy_data

OPEN = policy_data({"care/1": {}, "care/2": {"relationship": "not_required", "modalities": ["MR"]}}, revision="open")
SHUT = policy_data({"care/1": {"actions": ["export"]}}, revision="shut")
KNOWN = {name: REQUEST[name] for name in ("time", "subject", "action", "purpose")}
STUDY: Row = {"study.custodian": ["RRK"], "study.modality": ["CT"], "study.age_days": [3], "study.tie": ["order"]}
UNTIED = {name: values for name, values in STUDY.items() if name != "study.tie"}
EngineMaker = Callable[[], Engine]


@pytest.fixture(params=["embedded", pytest.param("opa", marks=pytest.mark.peer)])
def make(request: pytest.FixtureRequest, policies: PolicySource) -> EngineMaker:
    """Make a new engine of each kind; each OPA engine speaks to the one server."""
    if request.param == "embedded":
        return lambda: RegorusEngine(policies)
    server: OpaServer = request.getfixturevalue("opa_server")
    return lambda: engine_at(server.url, policies, 10)


@pytest.fixture
def own_server(opa: str) -> Iterator[OpaServer]:
    """Run a server that the test may stop."""
    server = OpaServer(opa)
    server.start()
    yield server
    server.stop()


def reason_of(ask: Callable[[], object]) -> ReasonCode:
    with pytest.raises(EngineFault) as caught:
        ask()
    return caught.value.reason


def test_before_any_data_there_is_no_filter(make: EngineMaker) -> None:
    engine = make()
    assert reason_of(lambda: engine.study_filter(KNOWN)) is ReasonCode.ENGINE_UNDEFINED


def test_a_filter_says_its_policy_data_even_when_it_opens_nothing(make: EngineMaker) -> None:
    engine = make()
    for data, opened in ((OPEN, "care/1"), (SHUT, None), (OPEN, "care/1")):
        engine.load(data)
        made = engine.study_filter(KNOWN)
        assert (made.revision, made.clause_of(STUDY)) == (data.revision, opened)


def test_a_filter_names_the_clause_that_opens(make: EngineMaker) -> None:
    engine = make()
    engine.load(OPEN)
    made = engine.study_filter(KNOWN)
    assert made.clause_of(UNTIED) is None
    assert made.clause_of({**UNTIED, "study.modality": ["MR"]}) == "care/2"
    assert made.clause_of({**STUDY, "study.modality": ["MR"]}) == "care/1"
    assert made.clause_of({**STUDY, "study.label": ["sealed"]}) is None
    assert made.clause_of({**STUDY, "study.custodian": ["RNA"]}) is None
    assert made.clause_of({**STUDY, "study.age_days": [366]}) is None
    assert made.clause_of({**STUDY, "study.age_days": [366], "study.age_days_before_order": [365]}) == "care/1"
    assert made.clause_of({**STUDY, "study.age_days": [999], "study.own_tie": ["worklist"]}) == "care/1"


@pytest.mark.peer
def test_a_server_that_stopped_gives_none_and_one_that_forgot_is_told_again(
    own_server: OpaServer, policies: PolicySource
) -> None:
    engine = engine_at(own_server.url, policies, 10)
    engine.load(OPEN)
    own_server.stop()
    assert reason_of(lambda: engine.study_filter(KNOWN)) is ReasonCode.ENGINE_UNAVAILABLE
    own_server.start()  # with nothing in its memory
    assert engine.study_filter(KNOWN).clause_of(STUDY) == "care/1"


@pytest.mark.peer
def test_data_put_there_by_another_is_stale(own_server: OpaServer, policies: PolicySource) -> None:
    engine = engine_at(own_server.url, policies, 10)
    engine.load(OPEN)
    other = {**OPEN.document, "revision": "another"}
    assert requests.put(f"{own_server.url}/v1/data/governance", json=other, timeout=10).ok
    assert reason_of(lambda: engine.study_filter(KNOWN)) is ReasonCode.POLICY_STALE


def _field(name: str, value: Any, operator: str = "eq") -> dict[str, Any]:
    return {"type": "field", "field": f"study.{name}", "operator": operator, "value": value}


def _join(operator: str, *parts: Any) -> dict[str, Any]:
    return {"type": "compound", "operator": operator, "value": list(parts)}


_REVISION, _CLAUSE, _CT = _field("revision", "open"), _field("clause", "care/1"), _field("modality", "CT")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (None, ReasonCode.ENGINE_INVALID_ANSWER),
        ({}, ReasonCode.ENGINE_INVALID_ANSWER),
        (_join("and", _CLAUSE, _CT), ReasonCode.ENGINE_INVALID_ANSWER),  # no policy data said
        (_join("or", _REVISION, _CT), ReasonCode.ENGINE_INVALID_ANSWER),  # opened by no clause
        (_join("or", _REVISION, _join("and", _CLAUSE, _field("clause", "b/1"))), ReasonCode.ENGINE_INVALID_ANSWER),
        (_join("or", _REVISION, _join("and", _field("clause", ["a/1"], "in"))), ReasonCode.ENGINE_INVALID_ANSWER),
        (_join("or", _REVISION, _field("revision", "old"), _CLAUSE), ReasonCode.ENGINE_INVALID_ANSWER),
        (_join("or", _field("revision", "old"), _join("and", _CLAUSE, _CT)), ReasonCode.POLICY_STALE),
        (_field("revision", 7), ReasonCode.POLICY_STALE),
    ],
)
def test_a_compiled_filter_that_is_none_is_a_fault(raw: object, reason: ReasonCode) -> None:
    assert reason_of(lambda: read_compiled(raw, frozenset({"open"}))) is reason


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (None, ReasonCode.ENGINE_INVALID_ANSWER),
        ([], ReasonCode.ENGINE_INVALID_ANSWER),
        ({"revision": "open"}, ReasonCode.ENGINE_INVALID_ANSWER),
        ({"revision": "open", "openings": {"a/1": {}}}, ReasonCode.ENGINE_INVALID_ANSWER),
        ({"revision": "", "openings": {}}, ReasonCode.ENGINE_UNDEFINED),
        ({"revision": "old", "openings": {}}, ReasonCode.POLICY_STALE),
    ],
)
def test_openings_that_are_none_are_a_fault(raw: object, reason: ReasonCode) -> None:
    assert reason_of(lambda: read_openings(raw, frozenset({"open"}))) is reason
