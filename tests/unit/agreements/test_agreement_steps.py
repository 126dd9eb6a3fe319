"""The lifecycle as a table: every status against every step."""

from datetime import UTC, datetime, timedelta

import pytest

from governance.agreements.lifecycle import Standing, Transition, step
from governance.errors import Conflict
from governance.vocabulary import AgreementStatus as Status

BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
ENDS = datetime(2027, 1, 1, tzinfo=UTC)
DURING, AFTER = BEGINS + timedelta(days=3), ENDS
BOTH = frozenset({"RRK", "RKB"})
ILLEGAL = "agreement.illegal_transition"

TABLE = [
    (Status.DRAFT, "illegal", "illegal", "signed", "terminated", "illegal", "terminated"),
    (Status.SIGNED, "active", "expired", "signed", "terminated", "illegal", "terminated"),
    (Status.ACTIVE, "illegal", "expired", "active", "terminated", "suspended", "terminated"),
    (Status.SUSPENDED, "active", "expired", "suspended", "terminated", "illegal", "terminated"),
    (Status.EXPIRED, "illegal", "illegal", "illegal", "illegal", "illegal", "illegal"),
    (Status.TERMINATED, "illegal", "illegal", "illegal", "illegal", "illegal", "illegal"),
]
STEPS = (
    Transition.ACTIVATE,
    Transition.EXPIRE,
    Transition.SIGN,
    Transition.SUPERSEDE,
    Transition.SUSPEND,
    Transition.TERMINATE,
)
ROWS = [(row[0], taken, after) for row in TABLE for taken, after in zip(STEPS, row[1:], strict=True)]


def standing(status: Status, valid: frozenset[str] = BOTH) -> Standing:
    return Standing(status, BOTH, valid, BEGINS, ENDS)


@pytest.mark.parametrize(("status", "taken", "after"), ROWS)
def test_the_table(status: Status, taken: Transition, after: str) -> None:
    now = AFTER if taken is Transition.EXPIRE else DURING
    if after == "illegal":
        with pytest.raises(Conflict) as refused:
            step(standing(status), taken, now)
        assert refused.value.reason == ILLEGAL
    else:
        assert step(standing(status), taken, now) == after


@pytest.mark.parametrize("status", list(Status))
def test_nothing_is_loaded_twice(status: Status) -> None:
    with pytest.raises(Conflict):
        step(standing(status), Transition.LOAD, DURING)


@pytest.mark.parametrize(
    ("at", "valid", "taken", "reason"),
    [
        (DURING, frozenset({"RRK"}), Transition.ACTIVATE, "agreement.not_signed"),
        (BEGINS - timedelta(microseconds=1), BOTH, Transition.ACTIVATE, "agreement.not_yet_effective"),
        (ENDS, frozenset({"RRK"}), Transition.ACTIVATE, "agreement.not_signed"),
        (ENDS - timedelta(microseconds=1), BOTH, Transition.EXPIRE, "agreement.not_over"),
    ],
)
def test_what_stands_in_the_way_is_said(at: datetime, valid: frozenset[str], taken: Transition, reason: str) -> None:
    with pytest.raises(Conflict) as refused:
        step(standing(Status.SIGNED, valid), taken, at)
    assert refused.value.reason == reason


def test_what_is_over_goes_on_record_as_expired() -> None:
    assert step(standing(Status.DRAFT), Transition.SIGN, ENDS) is Status.SIGNED
    assert step(standing(Status.SIGNED), Transition.ACTIVATE, ENDS) is Status.EXPIRED
    assert step(standing(Status.SUSPENDED), Transition.ACTIVATE, ENDS) is Status.EXPIRED


def test_the_last_signature_signs() -> None:
    assert step(standing(Status.DRAFT, frozenset({"RRK"})), Transition.SIGN, DURING) is Status.DRAFT
    assert step(standing(Status.DRAFT), Transition.SIGN, DURING) is Status.SIGNED


def test_a_draft_may_be_signed_before_its_first_day() -> None:
    assert step(standing(Status.DRAFT), Transition.SIGN, BEGINS - timedelta(days=9)) is Status.SIGNED
