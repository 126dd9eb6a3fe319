"""Twenty thousand random requests under a hundred random sets of agreements: the two engines never differ.

The embedded engine is asked one by one, OPA for several answers in one question. What the numbers must hold at least is
asserted, so that the test cannot come to say nothing.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from governance.decisions import Answer, OpaEngine, RegorusEngine
from tests.policy.test_tables import policy_reasons
from tests.worlds.policy_sampler import DIRECT_CARE, Sampler

POLICIES, REQUESTS = 100, 200
SEED = 20_261_124
# The least share of all requests that must be so, by a wide margin.
SHARES = {
    "permit": 0.25,
    "deny": 0.25,
    "no clause comes into question": 0.02,
    "a person": 0.4,
    "an AI service": 0.08,
    "an AI service, permitted": 0.02,
    "a service, permitted": 0.005,
    "break-glass": 0.01,
    "a claimed relationship": 0.002,
    "requestable": 0.02,
    "with obligations": 0.1,
    "a search without a study": 0.01,
    "several custodians": 0.01,
    "beyond direct care, permitted": 0.02,
    "opt-out": 0.003,
}


def kinds(request: Any, answer: Answer) -> list[str]:
    """Give what a request and its answer are examples of."""
    kind, effect = request["subject"]["type"], "permit" if answer.permit else "deny"
    reasons = {reason.value for reason in answer.reasons}
    named = {
        effect: True,
        "no clause comes into question": answer.agreement is None,
        "a person": kind == "practitioner",
        "an AI service": kind == "ai_service",
        "an AI service, permitted": kind == "ai_service" and answer.permit,
        "a service, permitted": kind == "service" and answer.permit,
        "break-glass": "break_glass.granted" in reasons,
        "a claimed relationship": "relationship.self_claimed" in reasons,
        "requestable": answer.requestable,
        "with obligations": answer.permit and bool(answer.obligations),
        "a search without a study": request["action"] == "search" and not request["resource"]["known"],
        "several custodians": len(request["resource"]["custodians"]) > 1,
        "beyond direct care, permitted": answer.permit and request["purpose"] not in DIRECT_CARE,
        "opt-out": bool(reasons & {"opt_out.applies", "opt_out.unknown"}),
    }
    return [name for name, holds in named.items() if holds] + [f"reason {reason}" for reason in reasons]


@pytest.mark.peer
def test_twenty_thousand_random_requests_never_differ(embedded: RegorusEngine, opa_engine: OpaEngine) -> None:
    seen: Counter[str] = Counter()
    with ThreadPoolExecutor(1) as beside:
        for seed in range(SEED, SEED + POLICIES):
            sampler = Sampler(seed)
            data = sampler.policy()
            asked = [sampler.request(data) for _ in range(REQUESTS)]
            embedded.load(data)
            opa_engine.load(data)
            waiting = beside.submit(opa_engine.evaluate_all, asked)
            ours = [embedded.evaluate(request) for request in asked]
            for request, one, other in zip(asked, ours, waiting.result(), strict=True):
                assert one == other, (seed, request)
                seen.update(kinds(request, one))
    total = POLICIES * REQUESTS
    assert seen["permit"] + seen["deny"] == total >= 20_000
    assert {name: seen[name] / total for name, least in SHARES.items() if seen[name] < least * total} == {}
    assert policy_reasons() == {name.removeprefix("reason ") for name in seen if name.startswith("reason ")}
