"""The two engines never differ: on random clauses, on rubbish, on each attribute missing or broken."""

from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from governance.decisions import Answer, Engine, OpaEngine, RegorusEngine
from governance.vocabulary import ReasonCode
from tests.worlds.policy import REQUEST, changed, policy_data
from tests.worlds.policy_worlds import (
    JSON,
    NEEDED,
    RUBBISH,
    WORLDS,
    Request,
    World,
    data_of,
    requests,
)

ROUNDS, REQUESTS_A_ROUND = 200, 10  # 2,000 requests
SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
# A world in which every attribute of the base request is asked for.
STRICT = {"care/1": {"body_parts": ["HEAD"], "hours": {"from_minute": 480, "to_minute": 1080}}}
STRICT_INDEX = {"RKB": {"RRK": {"HRESCH": ["care/1"]}}}
STRICT_REQUEST = changed(REQUEST, {"purpose": "HRESCH", "patient.opt_out": False})


def answered(engine: Engine, request: Any) -> Answer:
    """Give the answer to a request; a fault would fail the test, so nothing may crash an engine."""
    return engine.evaluate(request)


@pytest.mark.peer
@settings(max_examples=ROUNDS, deadline=None, suppress_health_check=SHARED)
@given(world=WORLDS, asked=st.lists(requests(), min_size=REQUESTS_A_ROUND, max_size=REQUESTS_A_ROUND))
def test_two_thousand_random_requests_never_differ(
    embedded: RegorusEngine, opa_engine: OpaEngine, world: World, asked: list[Request]
) -> None:
    data = data_of(world)
    embedded.load(data)
    opa_engine.load(data)
    for request in asked:
        answer = answered(embedded, request)
        event("permit" if answer.permit else "deny")
        assert answer == answered(opa_engine, request)


@pytest.mark.peer
@settings(max_examples=300, deadline=None, suppress_health_check=SHARED)
@given(rubbish=RUBBISH)
def test_rubbish_is_denied_by_both_alike(embedded: RegorusEngine, opa_engine: OpaEngine, rubbish: Any) -> None:
    data = policy_data(STRICT, STRICT_INDEX)
    for engine in (embedded, opa_engine):
        if engine.revision != data.revision:
            engine.load(data)
    answer = answered(embedded, rubbish)
    assert not answer.permit
    assert answer == answered(opa_engine, rubbish)


@pytest.mark.peer
@settings(max_examples=600, deadline=None, suppress_health_check=SHARED)
@given(path=st.sampled_from(sorted(NEEDED)), rubbish=JSON, missing=st.booleans())
def test_a_broken_attribute_is_denied_by_both_alike(
    embedded: RegorusEngine, opa_engine: OpaEngine, path: str, rubbish: Any, missing: bool
) -> None:
    data = policy_data(STRICT, STRICT_INDEX, revision="strict")
    for engine in (embedded, opa_engine):
        if engine.revision != data.revision:
            engine.load(data)
    request = changed(STRICT_REQUEST, {} if missing else {path: _wrong(path, rubbish)})
    if missing:
        _remove(request, path)
    answer = answered(embedded, request)
    assert not answer.permit
    assert answer == answered(opa_engine, request)


def test_the_strict_request_is_permitted_as_it_stands(embedded: RegorusEngine) -> None:
    embedded.load(policy_data(STRICT, STRICT_INDEX))
    assert answered(embedded, STRICT_REQUEST).permit


@settings(max_examples=600, deadline=None, suppress_health_check=SHARED)
@given(world=WORLDS, request=requests())
def test_a_grant_never_opens_more_than_a_stated_reason(embedded: RegorusEngine, world: World, request: Request) -> None:
    """And only under the clause it was given for, while that clause allows it."""
    silent = changed(request, {"context.break_glass_reason": None})
    embedded.load(data_of(world))
    held = answered(embedded, silent)
    event("broken" if ReasonCode.BREAK_GLASS_GRANTED in held.reasons else "not broken")
    if not held.permit:
        return
    assert answered(embedded, changed(silent, {"context.break_glass_reason": "arrest", "grants": []})).permit
    if ReasonCode.BREAK_GLASS_GRANTED in held.reasons:
        assert held.agreement is not None
        key = f"{held.agreement.id}/{held.agreement.clause}"
        assert key in {grant["clause"] for grant in silent["grants"]}
        assert not answered(embedded, changed(silent, {"grants": []})).permit


def _wrong(path: str, rubbish: Any) -> Any:
    """Give the rubbish, or something of another type where it happens to be of the right one."""
    right = NEEDED[path]
    if right is int and isinstance(rubbish, int | float):
        return {"number": rubbish}
    return [rubbish] if type(rubbish) is right and right is not list else _not_a_list(rubbish, right)


def _not_a_list(rubbish: Any, right: type) -> Any:
    return {"list": rubbish} if right is list and isinstance(rubbish, list) else rubbish


def _remove(request: Request, path: str) -> None:
    *parents, last = path.split(".")
    inner = request
    for parent in parents:
        inner = inner[parent]
    del inner[last]
