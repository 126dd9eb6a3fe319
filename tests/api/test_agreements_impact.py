"""Impact analysis over HTTP: asked with a document or a step, answered with counts, and recorded."""

import importlib
from typing import Any

import pytest
from flask import Flask

from governance.bootstrap import Services
from governance.clock import FixedClock
from governance.vocabulary import EventKind, Scope
from tests.worlds.agreement_callers import AgreementsApi
from tests.worlds.impact import AGREEMENT, ImpactWorld, terms

STEP = {"agreement_id": AGREEMENT, "version": 1, "transition": "suspend"}


@pytest.fixture
def world(services: Services, clock: FixedClock) -> ImpactWorld:
    """Decide a few accesses."""
    made = ImpactWorld(services, clock)
    made.ask()
    made.ask("nurse")
    return made


@pytest.fixture
def api(app: Flask, world: ImpactWorld) -> AgreementsApi:
    """Speak to the agreements of a running service."""
    return AgreementsApi(app, world.services)


def asked(world: ImpactWorld, **fields: Any) -> dict[str, Any]:
    """Ask about everything so far."""
    return {"since": world.began.isoformat(), "until": world.clock.now().isoformat(), **fields}


def test_a_suspension_is_told_before_it_is_made(world: ImpactWorld, api: AgreementsApi) -> None:
    answer = api.post("/impact", asked(world, **STEP), "QHL")
    assert answer.status_code == 200, answer.get_json()
    body = answer.get_json()
    assert (body["decisions"], body["loses"], body["gains"], body["still_denied"]) == (2, 1, 0, 1)
    assert body["not_reproduced"] == {"denied_then": 0, "other_revision": 0, "permitted_then": 0}
    (change,) = body["changes"]
    (example,) = change.pop("examples")
    assert change == {
        "effect": "loses",
        "trust": "RKB",
        "custodian": "RRK",
        "role": "clinician",
        "purpose": "TREAT",
        "action": "read",
        "decisions": 1,
        "reasons": {"agreement.not_active": 1},
    }
    entry = world.services.infrastructure.audit.entry(example["log_index"])
    assert entry.authority.decision_id == example["decision_id"]
    assert "Supposing two-trusts version 1 were suspended." in body["summary"]
    assert world.services.registers.agreements.get(AGREEMENT).in_force


def test_the_look_is_recorded_without_what_was_looked_for(world: ImpactWorld, api: AgreementsApi) -> None:
    body = api.post("/impact", asked(world, **STEP)).get_json()
    entry = world.services.infrastructure.audit.entry(body["recorded_as"])
    assert entry.kind is EventKind.AUDIT_READ
    assert entry.detail["door"] == "/agreements/v1/impact"
    assert entry.detail["returned"] == 2
    assert entry.subject is not None
    assert entry.subject.ods == "RRK"


def test_a_draft_and_what_goes_with_it(world: ImpactWorld, api: AgreementsApi) -> None:
    wider = terms({"/clauses/0/recipients": {"roles": ["clinician", "nurse"]}}, version=2)
    body = api.post("/impact", asked(world, agreement=wider, examples=0)).get_json()
    assert (body["gains"], body["loses"]) == (1, 0)
    assert body["changes"][0]["examples"] == []
    body = api.post(
        "/impact", asked(world, agreement=wider | {"id": "successor", "version": 1}, also=[STEP])
    ).get_json()
    assert (body["gains"], body["loses"]) == (1, 0)


def test_a_trust_is_told_of_its_own(world: ImpactWorld, api: AgreementsApi) -> None:
    assert api.post("/impact", asked(world, **STEP), "RKB").get_json()["loses"] == 1
    stranger = api.post("/impact", asked(world, **STEP), "RL4")
    assert (stranger.status_code, stranger.get_json()["reason"]) == (404, "agreement.unknown")
    stranger = api.post("/impact", asked(world, agreement=terms()), "RL4")
    assert (stranger.status_code, stranger.get_json()["reason"]) == (403, "agreement.not_a_party")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({}, "/"),
        ({"agreement_id": AGREEMENT}, "/"),
        (STEP | {"agreement": {}}, "/"),
        (STEP | {"transition": "sign"}, "/transition"),
        (STEP | {"examples": 21}, "/examples"),
        (STEP | {"since": "2026-01-01T00:00:00"}, "/since"),
        (STEP | {"since": "2020-01-01T00:00:00Z"}, "/since"),
        (STEP | {"colour": "red"}, "/colour"),
        ({"agreement": terms({"/title": ""})}, "/agreement/title"),
        (STEP | {"also": [{"agreement": terms({"/dpia": ""})}]}, "/also/0/agreement/dpia"),
    ],
)
def test_a_question_that_cannot_be_asked_is_named_by_its_member(
    world: ImpactWorld, api: AgreementsApi, fields: dict[str, Any], pointer: str
) -> None:
    answer = api.post("/impact", asked(world, **fields))
    assert answer.status_code == 400
    assert pointer in [error["pointer"] for error in answer.get_json()["errors"]]


def test_what_is_not_in_force_cannot_end(world: ImpactWorld, api: AgreementsApi) -> None:
    answer = api.post("/impact", asked(world, **STEP, also=[STEP]))
    assert (answer.status_code, answer.get_json()["reason"]) == (409, "agreement.not_in_force")


def test_reading_agreements_is_what_it_takes(world: ImpactWorld, api: AgreementsApi) -> None:
    assert api.post("/impact", asked(world, **STEP), scopes=(Scope.AGREEMENTS_READ,)).status_code == 200
    assert api.post("/impact", asked(world, **STEP), scopes=(Scope.AGREEMENTS_WRITE,)).status_code == 403
    assert api.http.post("/agreements/v1/impact", json=asked(world, **STEP)).status_code == 401


def test_a_period_too_busy_for_a_request_is_refused(
    world: ImpactWorld, api: AgreementsApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.import_module("governance.api.agreements.impact"), "DECISIONS_MAXIMUM", 1)
    answer = api.post("/impact", asked(world, **STEP))
    assert answer.status_code == 400
    assert "command line" in answer.get_json()["errors"][0]["detail"]


def test_policies_are_never_taken_from_a_request(world: ImpactWorld, api: AgreementsApi) -> None:
    answer = api.post("/impact", asked(world, policies={"decision.rego": "package imaging.decision"}, **STEP), "QHL")
    assert answer.status_code == 400
    assert [fault["pointer"] for fault in answer.get_json()["errors"]] == ["/policies"]
