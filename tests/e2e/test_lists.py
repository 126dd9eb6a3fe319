"""Lists of a real archive through a real gateway: a search of all studies finds those that an agreement opens."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from dicomweb_client import DICOMwebClient

from governance.simulation import network
from governance.simulation.archive import READABLE, SELF_READ, UNREADABLE, Archive, GatewayPlan
from governance.simulation.programs import free_port
from governance.simulation.showcase import REPORTER, SELF
from tests.worlds.region import DIRECT_CARE
from tests.worlds.running_service import TIMEOUT, RunningService, eventually

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("e2e")]


@pytest.fixture
def gateway(running_service: RunningService, archive: Archive, tmp_path: Path) -> Iterator[str]:
    """Run a gateway of RRK's archive that passes lists on to the service; gives its DICOMweb address."""
    plan = GatewayPlan(
        tmp_path / "gateway",
        free_port(),
        running_service.url,
        network.archive_id("RRK"),
        running_service.parties.enforcement_key("RRK"),
        archive.orthanc.address,
        archive.orthanc.credential,
        lists=True,
    )
    with plan.start():
        yield f"{plan.address}/dicom-web"


def viewer(gateway: str, token: str) -> DICOMwebClient:
    """Open the archive as a viewer does."""
    return DICOMwebClient(gateway, headers={"Authorization": f"Bearer {token}"})


def listed(gateway: str, token: str) -> list[str]:
    """Search all studies, and give the UIDs of those that are found."""
    return [row["0020000D"]["Value"][0] for row in viewer(gateway, token).search_for_studies()]


def test_a_search_of_all_studies_finds_those_that_an_agreement_opens(
    running_service: RunningService, gateway: str
) -> None:
    token = running_service.token(REPORTER, READABLE.study_uid)
    assert listed(gateway, token) == [READABLE.study_uid]
    assert listed(gateway, running_service.token(SELF, SELF_READ.study_uid)) == [SELF_READ.study_uid]
    client = viewer(gateway, token)
    assert client.search_for_studies(search_filters={"StudyInstanceUID": UNREADABLE.study_uid}) == []
    assert [row["0020000E"]["Value"] for row in client.search_for_series()] == [[READABLE.series_uid]]
    assert [row["00080018"]["Value"] for row in client.search_for_instances()] == [[READABLE.instance_uid]]
    (read,) = client.retrieve_study(READABLE.study_uid)
    assert read.SOPInstanceUID == READABLE.instance_uid
    auditor = running_service.surface(network.EXPLORER)
    (kept,) = auditor.get("/audit/v1/events?kind=query&limit=1")["events"]
    assert (kept["detail"]["listed"], kept["detail"]["shown"], kept["detail"]["held_back"]) == ("instances", 1, 2)


def test_nothing_is_found_after_a_suspension(running_service: RunningService, gateway: str) -> None:
    token = running_service.token(REPORTER, READABLE.study_uid)
    assert listed(gateway, token) == [READABLE.study_uid]
    office = running_service.surface(network.EXPLORER)
    office.post(
        f"/agreements/v1/agreements/{DIRECT_CARE}/suspend", {"version": 1, "reason": "Under review after an incident."}
    )
    try:
        with pytest.raises(requests.HTTPError, match="401"):
            listed(gateway, token)
    finally:
        office.post(f"/agreements/v1/agreements/{DIRECT_CARE}/activate", {"version": 1})

    def restored() -> bool:  # a token of the very second of the suspension is dead too
        fresh = running_service.exchange(REPORTER, READABLE.study_uid).json().get("access_token")
        headers = {"Authorization": f"Bearer {fresh}"}
        return requests.get(f"{gateway}/studies", headers=headers, timeout=TIMEOUT).status_code == 200

    eventually(restored, "the return of the agreement")


def test_the_gateway_gives_no_list_without_a_token_or_in_another_form(
    running_service: RunningService, gateway: str
) -> None:
    assert requests.get(f"{gateway}/studies", timeout=TIMEOUT).status_code == 401
    token = running_service.token(REPORTER, READABLE.study_uid)
    headers = {"Authorization": f"Bearer {token}", "Accept": 'multipart/related; type="application/dicom+xml"'}
    assert requests.get(f"{gateway}/studies", headers=headers, timeout=TIMEOUT).status_code == 406
    assert requests.post(f"{gateway}/studies", headers=headers, timeout=TIMEOUT).status_code == 403
