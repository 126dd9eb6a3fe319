"""One more restriction never turns a denial into a permit: each term of a clause, each attribute of a request."""

from collections import Counter

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from governance.agreements import PolicyData
from governance.decisions import RegorusEngine
from tests.worlds.policy import CLAUSE
from tests.worlds.policy_restrictions import NOT_CONDITIONS, RESTRICTIONS, OnClauses, OnRequest, restricted
from tests.worlds.policy_sampler import Sampler
from tests.worlds.policy_worlds import WORLDS, Request, World, data_of, requests

POLICIES, REQUESTS, SEED = 50, 6, 1_124
SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


def test_every_term_of_a_clause_has_a_restriction() -> None:
    narrowed = {rule.path.split(".")[0] for rule in RESTRICTIONS.values() if isinstance(rule, OnClauses)}
    assert narrowed == CLAUSE.keys() - NOT_CONDITIONS


@settings(max_examples=1000, deadline=None, suppress_health_check=SHARED)
@given(world=WORLDS, request=requests(), name=st.sampled_from(sorted(RESTRICTIONS)))
def test_one_more_restriction_never_turns_deny_into_permit(
    embedded: RegorusEngine, world: World, request: Request, name: str
) -> None:
    embedded.load(data_of(world))
    before = embedded.evaluate(request)
    narrower, narrower_request = restricted(name, world, request)
    embedded.load(data_of(narrower, "r-2"))
    after = embedded.evaluate(narrower_request)
    event(f"{'permit' if before.permit else 'deny'} -> {'permit' if after.permit else 'deny'}")
    assert before.permit or not after.permit


def world_of(data: PolicyData) -> World:
    """Give compiled policy data as a world whose clauses can be narrowed."""
    return {part: data.document[part] for part in ("index", "lapsed", "clauses")}


def test_every_restriction_opens_nothing_and_closes_something(embedded: RegorusEngine) -> None:
    closed: Counter[str] = Counter()
    for number in range(POLICIES):
        sampler = Sampler(SEED + number)
        data = sampler.policy()
        world, asked = world_of(data), [sampler.request(data) for _ in range(REQUESTS)]
        embedded.load(data)
        before = [embedded.evaluate(request).permit for request in asked]
        for name in RESTRICTIONS:
            for permitted, after in zip(before, narrowed_answers(embedded, name, world, asked), strict=True):
                assert permitted or not after, (name, SEED + number)
                closed[name] += permitted and not after
    assert {name for name in RESTRICTIONS if not closed[name]} == set()


def narrowed_answers(engine: RegorusEngine, name: str, world: World, asked: list[Request]) -> list[bool]:
    """Decide requests with one restriction more."""
    nowhere: World = {"index": {}, "lapsed": {}, "clauses": {}}
    narrower = world if isinstance(RESTRICTIONS[name], OnRequest) else restricted(name, world, {})[0]
    engine.load(data_of(narrower, "narrower"))
    return [engine.evaluate(restricted(name, nowhere, request)[1]).permit for request in asked]
