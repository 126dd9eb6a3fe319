"""The whole service on a real OPA server: it decides there, denies when OPA is gone, and recovers by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from governance.decisions import PolicySource
from governance.simulation import network, showcase
from governance.vocabulary import Scope
from tests.peers.opa import OpaServer, engine_at
from tests.worlds.region import DIRECT_CARE, RegionWorld, seed_home

QUESTION = {
    "subject": {
        "type": "practitioner",
        "id": showcase.REPORTER,
        "properties": {"role": "consultant_radiologist", "ods": "RKB", "assurance": 3},
    },
    "action": {"name": "read"},
    "resource": {"type": "study", "id": showcase.SHARED_STUDY},
}


@pytest.fixture
def own_opa(opa: str) -> Iterator[OpaServer]:
    """Run an OPA that this test may stop."""
    server = OpaServer(opa)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def world(own_opa: OpaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RegionWorld]:
    home = seed_home(tmp_path / "home", "http://127.0.0.1:8080", "http://127.0.0.1:9")
    made = RegionWorld(home, engine=engine_at(own_opa.url, PolicySource.from_directory(), 5.0))
    made.feed_showcase()
    yield made
    made.close()


def test_the_service_decides_at_opa_denies_without_it_and_recovers(world: RegionWorld, own_opa: OpaServer) -> None:
    form = {"grant_type": "client_credentials", "scope": Scope.ACCESS_EVALUATE.value}
    token = world.post_form("/oauth/token", form | world.parties.proof(network.EXPLORER, world.now)).get_json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}

    def ask() -> dict:
        return world.client.post("/access/v1/evaluation", json=QUESTION, headers=headers).get_json()

    assert ask()["context"]["agreement"] == {"id": DIRECT_CARE, "version": 1, "clause": "4.1"}
    assert world.client.get("/readyz").status_code == 200
    own_opa.stop()
    denied = ask()
    assert denied["decision"] is False
    assert denied["context"]["reasons"] == ["engine.unavailable"]
    unready = world.client.get("/readyz")
    assert unready.status_code == 503
    assert unready.get_json()["parts"]["policy_engine"] is False
    own_opa.start()  # empty: it has lost its policies and its data
    assert ask()["decision"] is True
    assert world.client.get("/readyz").status_code == 200
