"""Budgets: a minute's worth at once, then as much as comes in; one spender's debt is nobody else's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import TooManyRequests
from governance.refusals import Budget


class Seconds:
    """A clock that runs forward when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def spent(budget: Budget, spender: object, most: int = 10_000) -> int:
    """Spend until there is nothing left, and give how often."""
    for number in range(most):
        try:
            budget.spend(spender)
        except TooManyRequests:
            return number
    return most


@pytest.mark.parametrize("a_minute", [1, 2, 60, 1_000])
def test_a_minutes_worth_may_be_spent_at_once_and_then_evenly(a_minute: int) -> None:
    seconds = Seconds()
    budget = Budget("rate.test", a_minute, seconds)
    assert spent(budget, "one") == a_minute
    seconds.now += 60 / a_minute + 0.001
    assert spent(budget, "one") == 1
    seconds.now += 60.001
    assert spent(budget, "one") == a_minute


def test_waiting_as_long_as_it_says_is_enough_and_asking_meanwhile_costs_nothing() -> None:
    seconds = Seconds()
    budget = Budget("rate.test", 6, seconds)
    spent(budget, "one")
    for _ in range(50):
        with pytest.raises(TooManyRequests) as caught:
            budget.spend("one")
    assert (caught.value.reason, caught.value.retry_after) == ("rate.test", 10)
    seconds.now += caught.value.retry_after
    budget.check("one")
    budget.spend("one")


def test_nobody_spends_anothers() -> None:
    budget = Budget("rate.test", 5, Seconds())
    assert spent(budget, ("viewer", "192.0.2.66")) == 5
    assert spent(budget, ("viewer", "192.0.2.1")) == 5


def test_a_share_below_one_is_one() -> None:
    assert spent(Budget("rate.test", 0.25, Seconds()), "one") == 1


def test_memory_is_bounded_and_the_deepest_in_debt_are_remembered() -> None:
    seconds = Seconds()
    budget = Budget("rate.test", 60, seconds, most=100)
    assert spent(budget, "debtor") == 60
    for number in range(5_000):
        budget.spend(f"stranger-{number}")
        assert budget.spenders <= 100
    with pytest.raises(TooManyRequests):
        budget.check("debtor")
    seconds.now += 120
    for number in range(200):
        budget.spend(f"later-{number}")
    budget.check("debtor")


@given(st.lists(st.floats(min_value=0, max_value=30), min_size=1, max_size=200), st.integers(1, 120))
def test_in_no_minute_more_than_two_minutes_worth_is_spent(pauses: list[float], a_minute: int) -> None:
    seconds = Seconds()
    budget, times = Budget("rate.test", a_minute, seconds), list[float]()
    for pause in pauses:
        seconds.now += pause
        try:
            budget.spend("one")
        except TooManyRequests:
            continue
        times.append(seconds.now)
    for began in times:
        assert sum(began <= at < began + 60 for at in times) <= 2 * a_minute


@given(st.integers(1, 1_000), st.integers(1, 300))
def test_whoever_keeps_to_the_budget_never_waits(a_minute: int, requests: int) -> None:
    seconds = Seconds()
    budget = Budget("rate.test", a_minute, seconds)
    for _ in range(requests):
        budget.spend("one")
        seconds.now += 60 / a_minute
