"""An engine's value is an answer, or it is refused."""

from typing import Any

import pytest

from governance.decisions.decision import InvalidAnswer, parse_answer
from governance.decisions.obligations import FULFILLED_HERE, Obligation, unsupported
from governance.vocabulary import ReasonCode

PERMIT: dict[str, Any] = {
    "permit": True,
    "reasons": ["agreement.permits"],
    "obligations": [{"id": "care/1/1", "type": "watermark", "properties": {"text": "shared"}}],
    "agreement": {"id": "care", "version": 3, "clause": "1", "token_seconds": 60, "act_depth": 1},
    "requestable": False,
    "revision": "r-1",
}
DENY: dict[str, Any] = PERMIT | {"permit": False, "reasons": ["role.not_covered", "action.not_covered"]}


def test_a_permit_is_read() -> None:
    answer = parse_answer(PERMIT)
    assert answer.permit
    assert answer.reasons == (ReasonCode.AGREEMENT_PERMITS,)
    assert answer.obligations == (Obligation("care/1/1", "watermark", {"text": "shared"}),)
    assert answer.agreement is not None
    assert (answer.agreement.version, answer.agreement.token_seconds, answer.agreement.act_depth) == (3, 60, 1)


def test_a_denial_is_read_with_its_reasons_sorted() -> None:
    answer = parse_answer(DENY | {"requestable": True})
    assert answer.reasons == (ReasonCode.ACTION_NOT_COVERED, ReasonCode.ROLE_NOT_COVERED)
    assert answer.requestable


@pytest.mark.parametrize(
    "broken",
    [
        None,
        True,
        [],
        {},
        PERMIT | {"extra": 1},
        {key: value for key, value in PERMIT.items() if key != "revision"},
        PERMIT | {"permit": 1},
        PERMIT | {"permit": "true"},
        PERMIT | {"permit": None},
        PERMIT | {"reasons": "agreement.permits"},
        PERMIT | {"reasons": ["no.such_code"]},
        PERMIT | {"reasons": [None]},
        PERMIT | {"reasons": []},
        PERMIT | {"reasons": ["agreement.permits", "role.not_covered"]},
        PERMIT | {"agreement": None},
        PERMIT | {"agreement": {"id": "care"}},
        PERMIT | {"agreement": PERMIT["agreement"] | {"token_seconds": True}},
        PERMIT | {"agreement": PERMIT["agreement"] | {"token_seconds": 60.5}},
        PERMIT | {"obligations": {}},
        PERMIT | {"obligations": [{"id": "x", "type": "y"}]},
        PERMIT | {"obligations": [{"id": "x", "type": 1, "properties": {}}]},
        PERMIT | {"requestable": True},
        PERMIT | {"revision": None},
        DENY | {"reasons": []},
        DENY | {"reasons": ["agreement.permits"]},
    ],
)
def test_anything_else_is_refused(broken: object) -> None:
    with pytest.raises(InvalidAnswer):
        parse_answer(broken)


def test_obligations_nobody_honours() -> None:
    watermark = Obligation("a", "watermark", {})
    told = [Obligation("b", kind, {}) for kind in sorted(FULFILLED_HERE)]
    assert unsupported([watermark, *told], frozenset()) == (watermark,)
    assert unsupported([watermark, *told], frozenset({"watermark"})) == ()
    assert unsupported([watermark, *told], None) == ()
