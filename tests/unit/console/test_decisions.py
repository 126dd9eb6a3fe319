"""A decision's answer, read out of whatever its event says."""

from typing import Any

import pytest

from governance.audit.event import Authority, RecordedEvent, Source
from governance.console._decisions import answer_of
from governance.vocabulary import EventKind, Outcome
from tests.worlds.basics import NOON

WHOLE: dict[str, Any] = {
    "action": "read",
    "agreement_version": 3,
    "asked_by": "viewer",
    "clause": "4.1",
    "obligations": ["watermark"],
    "permit": True,
    "reasons": ["agreement.permits"],
    "revision": "ab" * 32,
}


def decision(outcome: Outcome, detail: dict[str, Any]) -> RecordedEvent:
    """Make the recorded event of a decision."""
    return RecordedEvent(
        index=1,
        recorded_at=NOON,
        leaf_hash=b"",
        id="d-1",
        time=NOON,
        source=Source("imaging-governance", "RRK"),
        kind=EventKind.DECISION,
        outcome=outcome,
        authority=Authority("d-1", None, "two-trusts"),
        detail=detail,
    )


def test_a_whole_answer_is_told_in_words() -> None:
    answer = answer_of(decision(Outcome.SUCCESS, WHOLE))
    assert answer.permit
    assert answer.action == "look at images"
    assert answer.reasons == (("agreement.permits", "The agreement allows it."),)
    assert answer.obligations == ("Mark the images with who opened them.",)
    assert (answer.agreement_id, answer.version, answer.clause) == ("two-trusts", "3", "4.1")


@pytest.mark.parametrize(
    ("outcome", "detail", "permit"),
    [
        (Outcome.SUCCESS, {}, True),
        (Outcome.SUCCESS, {"permit": True}, True),
        (Outcome.SUCCESS, {"permit": False}, False),
        (Outcome.MINOR, {}, False),
        (Outcome.MINOR, {"permit": True}, False),
    ],
)
def test_an_answer_allows_only_when_nothing_says_otherwise(
    outcome: Outcome, detail: dict[str, Any], permit: bool
) -> None:
    assert answer_of(decision(outcome, detail)).permit is permit


@pytest.mark.parametrize(
    "detail",
    [
        {},
        {"reasons": "agreement.permits", "obligations": {"a": 1}, "action": ["read"], "clause": None},
        {"reasons": [1, None, {"x": "y"}], "agreement_version": True, "revision": 1.5},
    ],
)
def test_a_detail_of_another_shape_is_left_out(detail: dict[str, Any]) -> None:
    answer = answer_of(decision(Outcome.SUCCESS, detail))
    assert answer.reasons == ()
    assert answer.obligations == ()
    assert answer.action == "use images"
    assert (answer.version, answer.clause, answer.revision) == (None, None, None)
