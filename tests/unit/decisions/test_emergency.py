"""What a permit by breaking the glass carries, and which uses a person must review."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.decisions import Obligation, review_sample
from governance.decisions.emergency import Approval, Emergency, emergency_of, review_all

ALERT = Obligation(
    "care/1/break_glass_alert",
    "notification",
    {"cause": "break_glass.granted", "notify": ["owner_privacy_officer"], "owners": ["RRK"], "minutes": 30},
)
REVIEW = Obligation(
    "care/1/break_glass_review", "review", {"share": 0.5, "minutes": 30, "overridden": [], "approval": None}
)
OWN = Obligation("care/1/1", "notification", {"cause": "break_glass.granted"})
NAMES = [f"use-{number}" for number in range(2_000)]


def test_the_use_is_read_from_its_obligations() -> None:
    found = emergency_of([OWN, ALERT, REVIEW])
    assert found == Emergency(30, 0.5, ("owner_privacy_officer",), ("RRK",), None)
    granted = Obligation(REVIEW.id, REVIEW.type, dict(REVIEW.properties) | {"approval": {"id": "g", "until": 9}})
    rested = emergency_of([granted, ALERT])
    assert rested is not None
    assert rested.approval == Approval("g", 9)


def test_an_agreements_own_notification_is_no_use_of_break_glass() -> None:
    assert emergency_of([]) is None
    assert emergency_of([OWN]) is None
    assert emergency_of([ALERT]) is None


@given(st.text(max_size=40), st.floats(0, 1))
def test_a_use_is_always_answered_alike(name: str, share: float) -> None:
    assert review_sample(b"k" * 32)(name, share) == review_sample(b"k" * 32)(name, share)
    assert review_sample(b"k" * 32)(name, 1.0)
    assert not review_sample(b"k" * 32)(name, 0.0)
    assert review_all(name, share)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_stated_share_is_drawn_and_a_larger_one_draws_the_same_and_more(share: float) -> None:
    sample = review_sample(b"k" * 32)
    chosen = {name for name in NAMES if sample(name, share)}
    assert abs(len(chosen) / len(NAMES) - share) < 0.05
    assert chosen <= {name for name in NAMES if sample(name, share + 0.05)}


def test_another_key_draws_others() -> None:
    mine, theirs = review_sample(b"k" * 32), review_sample(b"l" * 32)
    assert [mine(name, 0.5) for name in NAMES] != [theirs(name, 0.5) for name in NAMES]
