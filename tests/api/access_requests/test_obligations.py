"""Obligations of a permit by the names of the AuthZEN obligations draft."""

import json

import pytest

from governance.agreements.rehearsal import Signatory, rehearse
from governance.simulation import showcase
from tests.worlds.access_requests import QUESTION, REASON, Caller, changed
from tests.worlds.agreements import OFFICE
from tests.worlds.region import short_agreement


@pytest.mark.parametrize(
    ("supported", "expected"),
    [
        (None, {"notification", "custom"}),
        ([], set()),
        (["notification"], {"notification"}),
        (["notification", "custom", "telepathy"], {"notification", "custom"}),
    ],
)
def test_obligations_go_by_the_names_of_the_draft(
    caller: Caller, supported: list[str] | None, expected: set[str]
) -> None:
    question = changed(QUESTION, context__break_glass={"reason": REASON}, context__supported_obligations=supported)
    answer = caller.evaluate(question)
    assert answer["decision"] is True
    obligations = answer["context"]["obligations"]
    assert {obligation["type"] for obligation in obligations} == expected
    for obligation in obligations:
        properties = obligation["properties"]
        assert properties["fulfilled_by"] == "policy_decision_point"
        assert obligation["type"] != "notification" or {"to", "body", "topic"} <= properties.keys()
        assert obligation["type"] != "custom" or properties["action"] == "review"


@pytest.mark.parametrize(
    ("supported", "permitted"),
    [(None, True), (["watermark"], True), (["custom"], True), (["notification"], False), ([], False)],
)
def test_an_obligation_that_cannot_be_done_denies(caller: Caller, supported: list[str] | None, permitted: bool) -> None:
    agreement = short_agreement(caller.world.clock.now().date()) | {"id": "training-round"}
    agreement["clauses"][0]["purposes"] = ["TRAIN"]
    agreement["clauses"][0]["conditions"]["obligations"] = [{"type": "watermark", "properties": {"text": "shared"}}]
    rows = json.loads(caller.world.home.signatories().read_text())
    signatories = {ods: Signatory(**row) for ods, row in rows.items()}
    rehearse(caller.world.services.registers.agreements, [agreement], signatories, OFFICE)
    question = changed(QUESTION, resource__id=showcase.SHARED_STUDY, context__purpose="TRAIN")
    answer = caller.evaluate(changed(question, context__supported_obligations=supported))
    assert answer["decision"] is permitted
    if permitted:
        (obligation,) = answer["context"]["obligations"]
        assert obligation["type"] == "custom"
        assert obligation["properties"] == {"vendor": "imaging-governance", "action": "watermark", "text": "shared"}
    else:
        assert answer["context"]["reason"] == "obligation.unsupported"
        assert "access_request" not in answer["context"]
