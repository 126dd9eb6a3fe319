"""Another process of the service changes the terms: whatever decides here knows at its very next question.

No job runs here that would take the change up in passing.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from governance.agreements import Actor
from governance.bootstrap import Services, build
from governance.jobs import Runtime
from governance.settings import from_environment
from governance.simulation import network, showcase
from tests.worlds.region import DIRECT_CARE, RegionWorld, seed_home

OFFICE = Actor("the-office", "service", None)
WHY = "To see whether everybody hears."


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RegionWorld]:
    made = RegionWorld(seed_home(tmp_path / "home", "http://127.0.0.1:8080", "http://127.0.0.1:9"))
    made.feed_showcase()
    yield made
    made.close()


@pytest.fixture
def other(world: RegionWorld) -> Iterator[Services]:
    made = build(from_environment(world.home.environment()), world.clock)
    runtime = Runtime(made)
    runtime.start(jobs=False)
    yield made
    runtime.stop()


def ask(world: RegionWorld, path: str, body: dict[str, Any]) -> Any:
    form = {"grant_type": "client_credentials", "scope": "access.evaluate"}
    token = world.post_form("/oauth/token", form | world.parties.proof(network.EXPLORER, world.now)).get_json()
    return world.client.post(path, json=body, headers={"Authorization": f"Bearer {token['access_token']}"})


def test_an_evaluation_knows(world: RegionWorld, other: Services) -> None:
    decisions = []
    for step in (None, "suspend", "activate"):
        if step:
            getattr(other.registers.agreements, step)(DIRECT_CARE, 1, OFFICE, WHY)
        decisions.append(ask(world, "/access/v1/evaluation", showcase.question()).get_json()["decision"])
    assert decisions == [True, False, True]


def test_a_search_knows(world: RegionWorld, other: Services) -> None:
    body = showcase.question() | {"resource": {"type": "study"}}
    before = ask(world, "/access/v1/search/resource", body).get_json()["results"]
    other.registers.agreements.suspend(DIRECT_CARE, 1, OFFICE, WHY)
    after = ask(world, "/access/v1/search/resource", body).get_json()["results"]
    assert showcase.SHARED_STUDY in {study["id"] for study in before}
    assert showcase.SHARED_STUDY not in {study["id"] for study in after}


def test_an_emergency_request_knows(world: RegionWorld, other: Services) -> None:
    question = showcase.question(showcase.SEALED_STUDY)
    denied = ask(world, "/access/v1/evaluation", question).get_json()["context"]
    reasoned = question | {"context": question["context"] | {"break_glass": {"reason": "Unconscious after a fall"}}}
    offer = denied["access_request"]
    body = reasoned | {
        "requested_access": {"emergency": True},
        "denial": {"binding_token": offer["binding_token"], "expires_at": offer["expires_at"]},
    }
    other.registers.agreements.suspend(DIRECT_CARE, 1, OFFICE, WHY)
    refused = ask(world, "/access/v1/request", body)
    assert refused.status_code == 400, refused.get_data(as_text=True)
    assert refused.get_json()["type"].endswith(":not_requestable")


def test_the_revision_that_a_token_is_held_to_is_the_one_in_force(world: RegionWorld, other: Services) -> None:
    """An exchange gives a token out only if the terms are still those of its decision."""
    access = world.services.uses.access
    before = access.current_revision()
    other.registers.agreements.suspend(DIRECT_CARE, 1, OFFICE, WHY)
    assert access.revision == before
    assert access.current_revision() == other.uses.access.revision != before
