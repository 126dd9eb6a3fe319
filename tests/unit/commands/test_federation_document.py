"""The network from a document: what it says of AI manifests and their approval."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from governance.bootstrap import Services
from governance.commands.federation import register
from governance.errors import InvalidInput
from governance.simulation import network
from governance.simulation.credentials import Credentials
from tests.worlds.basics import NOON

TRUSTS = {"RRK": "University Hospitals Birmingham", "RKB": "Coventry and Warwickshire"}


def demo_network() -> dict[str, Any]:
    credentials = {client_id: Credentials.made(client_id) for client_id in network.client_ids(list(TRUSTS))}
    addresses = network.Addresses("http://127.0.0.1:8080", "http://127.0.0.1:8081")
    return network.federation(addresses, TRUSTS, credentials, [], "imaging-governance")


def test_a_manifest_is_approved_since_the_day_the_document_says(services: Services) -> None:
    document = demo_network()
    for _ in range(2):  # the second time changes nothing
        assert register(services, document)["manifests"] == len(network.AI_VERSIONS)
    with services.infrastructure.database.reading() as session:
        manifest = services.registers.federation.manifest(session, network.AI_SERVICE)
    assert manifest is not None
    assert manifest.approved_at == network.AI_APPROVED_AT
    assert manifest.approved_on(NOON - timedelta(days=400))
    assert not manifest.approved_on(network.AI_APPROVED_AT - timedelta(days=1))


def test_a_manifest_without_a_day_is_not_approved(services: Services) -> None:
    document = demo_network()
    for manifest in document["manifests"]:
        del manifest["approved_at"]
    register(services, document)
    with services.infrastructure.database.reading() as session:
        assert not any(one.approved for one in services.registers.federation.manifests(session))


@pytest.mark.parametrize("said", ["2026-11-24T12:00:01Z", "2026-01-05T09:00:00", "soon"])
def test_an_approval_that_is_not_an_instant_of_the_past_loads_nothing(services: Services, said: str) -> None:
    document = demo_network()
    document["manifests"][0]["approved_at"] = said
    with pytest.raises(InvalidInput) as refused:
        register(services, document)
    assert [fault.path for fault in refused.value.faults] == ["/manifests/0/approved_at"]
    with services.infrastructure.database.reading() as session:
        assert services.registers.federation.trusts(session) == ()


def test_an_issuer_is_the_address_that_the_identity_provider_gives_itself() -> None:
    issuers = {row["ods"]: row["issuer"] for row in demo_network()["identity_providers"]}
    assert issuers == {ods: f"http://127.0.0.1:8081/{ods}" for ods in TRUSTS}


def test_the_network_of_the_guide_can_be_loaded_as_it_is_shown(services: Services) -> None:
    guide = (Path(__file__).resolve().parents[3] / "docs" / "integrators.md").read_text()
    blocks = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    shown = [document for block in blocks if "{{" not in block and "clients" in (document := yaml.safe_load(block))]
    assert [register(services, document)["clients"] for document in shown] == [3, 1, 1]
    with services.infrastructure.database.reading() as session:
        archive = services.registers.federation.archive(session, "https://archive.rrk.example/dicom-web")
    assert archive is not None
    assert archive.client_id == "archive-rrk"
