"""Two people whom two trusts call the same, over HTTP and with real identity tokens: neither inherits of the other."""

from datetime import timedelta
from typing import Any

import pytest

from governance.simulation import network, showcase
from governance.simulation.identity_provider import load_accounts
from governance.vocabulary import EventKind
from tests.worlds.access_requests import Caller, request_of
from tests.worlds.region import RegionWorld

NAME = "clinician.rkb"  # has an account at RKB's issuer, and nothing that ties them to anybody
STUDY = showcase.UNRELATED_STUDY
RKB, RRK = network.viewer_id("RKB"), network.viewer_id("RRK")


@pytest.fixture
def world(region: RegionWorld) -> RegionWorld:
    """Have RRK a member of staff who is called like RKB's clinician, with a place on the worklist."""
    today = region.clock.now().date()
    patient = next(row["patient"] for row in showcase.studies(load_accounts(), today) if row["id"] == STUDY)
    staff = {"id": NAME, "ods": "RRK", "role": "clinician", "team_ids": ["night"]}
    region.feed("/relationships/v1/staff", [staff | {"training_valid_to": str(today + timedelta(days=9))}])
    region.feed("/relationships/v1/edges", [showcase.worklist("w-1", NAME, patient, STUDY, today)])
    return region


def question(study: str = STUDY, **properties: Any) -> dict[str, Any]:
    return {
        "subject": {"type": "practitioner", "id": NAME, "properties": {"assurance": 3} | properties},
        "action": {"name": "read"},
        "resource": {"type": "study", "id": study},
        "context": {"purpose": "TREAT"},
    }


def reasons(world: RegionWorld, client_id: str, **properties: Any) -> list[str]:
    return list(Caller(world, client_id).evaluate(question(**properties))["context"]["reasons"])


def test_a_token_of_one_trust_has_no_tie_of_the_others_person(world: RegionWorld) -> None:
    answer = world.exchange(NAME, STUDY)
    assert answer.status_code == 403, answer.get_data(as_text=True)
    assert answer.get_json()["reasons"] == ["relationship.none"]


def test_each_trusts_viewer_asks_about_its_own(world: RegionWorld) -> None:
    assert reasons(world, RKB) == ["relationship.none"]
    assert "relationship.none" not in reasons(world, RRK)
    explorer = network.EXPLORER
    assert reasons(world, explorer, ods="RKB") == ["relationship.none"]
    assert "relationship.none" not in reasons(world, explorer, ods="RRK")
    assert "subject.unknown" in reasons(world, explorer), "two are called so, and the question does not say which"


def test_a_tie_that_names_the_issuer_is_that_of_the_issuers_person(world: RegionWorld) -> None:
    today = world.clock.now().date()
    patient = next(row["patient"] for row in showcase.studies(load_accounts(), today) if row["id"] == STUDY)
    edge = showcase.worklist("w-1", NAME, patient, STUDY, today) | {"issuer": f"{world.home.identity}/RKB"}
    world.feed("/relationships/v1/edges", [edge])
    assert world.exchange(NAME, STUDY).status_code == 200
    assert reasons(world, RKB) == ["agreement.permits"]
    assert reasons(world, network.EXPLORER, issuer=f"{world.home.identity}/RKB") == ["agreement.permits"]


def test_an_issuer_that_names_nobody_so_is_not_taken_for_the_trusts_own(world: RegionWorld) -> None:
    for issuer in (f"{world.home.identity}/RWP", "https://cis2.example"):
        for client_id in (RKB, network.EXPLORER):
            assert "subject.unknown" in reasons(world, client_id, issuer=issuer)


def test_the_subjects_that_are_found_are_those_of_the_tie(world: RegionWorld) -> None:
    for client_id in (RKB, network.EXPLORER):
        body = question() | {"subject": {"type": "practitioner", "properties": {"assurance": 3, "ods": "RKB"}}}
        answer = world.client.post("/access/v1/search/subject", json=body, headers=Caller(world, client_id).headers)
        assert answer.get_json()["results"] == []


def test_what_is_claimed_or_granted_for_one_is_no_use_to_the_other(world: RegionWorld) -> None:
    claimed = question()
    claimed["context"]["self_claim"] = {"reason": "On call, transferred tonight"}
    assert Caller(world, RKB).evaluate(claimed)["decision"] is True
    assert reasons(world, RKB) == ["relationship.none"]
    own, sealed = Caller(world, RKB), question(showcase.SEALED_STUDY)
    denied = own.evaluate(sealed)
    if denied["context"]["requestable"]:
        assert own.send(request_of(denied, sealed)).status_code == 201
    assert Caller(world, RRK).evaluate(sealed)["context"].get("approval") is None
    other = Caller(world, network.EXPLORER).evaluate(question(showcase.SEALED_STUDY, ods="RRK"))
    assert other["context"].get("approval") is None


def test_the_log_says_for_which_trust_each_acted(world: RegionWorld) -> None:
    before = world.size
    reasons(world, RKB)
    reasons(world, RRK)
    acted = [event.subject.ods for event in world.events(before, kind=EventKind.DECISION) if event.subject]
    assert acted == ["RKB", "RRK"]


def test_an_issuer_that_cannot_speak_for_the_trust_is_a_fault_of_the_line(world: RegionWorld) -> None:
    form = {"grant_type": "client_credentials", **world.parties.proof(network.FEEDS, world.now)}
    token = world.post_form("/oauth/token", form).get_json()["access_token"]
    line = '{"id": "x", "ods": "RRK", "role": "clinician", "issuer": "%s"}'
    for issuer in (f"{world.home.identity}/RKB", "https://nobody.example"):
        answer = world.client.post(
            "/relationships/v1/staff",
            data=line % issuer,
            content_type="application/x-ndjson",
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.get_json()["accepted"] == 0, answer.get_data(as_text=True)
