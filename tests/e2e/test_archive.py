"""A real image access, whole: a DICOMweb client of one trust, the real archive of another, and everything between.

Orthanc holds real DICOM files behind a real nginx, which asks the service, a process of its own, about each request.
"""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests
from dicomweb_client import DICOMwebClient
from pydicom import Dataset

from governance.bootstrap import build
from governance.settings import from_environment
from governance.simulation import network
from governance.simulation.archive import CT, MR, READABLE, SELF_READ, UNREADABLE, Archive, GatewayPlan
from governance.simulation.programs import free_port
from governance.simulation.showcase import REPORTER, SELF
from tests.worlds.region import DIRECT_CARE, SHORT_PURPOSE, VIEWER
from tests.worlds.running_service import TIMEOUT, RunningService, eventually

OCTETS = ("application/octet-stream",)  # Orthanc takes no list of transfer syntaxes beside it
pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("e2e")]


def viewer(archive: Archive, token: str | None) -> DICOMwebClient:
    """Open the archive as a viewer does."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return DICOMwebClient(archive.dicomweb, headers=headers)


def status_of(archive: Archive, path: str, token: str | None) -> int:
    """Ask the gateway for a path below the DICOMweb service, and give the status."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = requests.get(archive.dicomweb + path, headers=headers, timeout=TIMEOUT)
    return answer.status_code


@pytest.fixture(scope="session")
def short_token(running_service: RunningService, archive: Archive) -> str:
    """Get a token that lives a second, long before the test that needs it dead."""
    return running_service.token(REPORTER, UNREADABLE.study_uid, purpose=SHORT_PURPOSE)


@pytest.fixture
def token(running_service: RunningService, archive: Archive, short_token: str) -> str:
    """Get RKB's radiologist's token for the study that is on their worklist."""
    return running_service.token(REPORTER, READABLE.study_uid)


def test_a_radiologist_of_another_trust_reads_the_study(archive: Archive, token: str) -> None:
    client = viewer(archive, token)
    (read,) = client.retrieve_study(READABLE.study_uid)
    assert read.SOPInstanceUID == READABLE.instance_uid
    assert np.array_equal(read.pixel_array, READABLE.dataset.pixel_array)
    (listed,) = client.search_for_studies(search_filters={"StudyInstanceUID": READABLE.study_uid})
    assert Dataset.from_json(listed).StudyInstanceUID == READABLE.study_uid
    (series,) = client.search_for_series(READABLE.study_uid)
    assert Dataset.from_json(series).SeriesInstanceUID == READABLE.series_uid
    (described,) = client.retrieve_study_metadata(READABLE.study_uid)
    assert described["00080060"]["Value"] == ["CT"]
    pixels = described["7FE00010"]["BulkDataURI"]
    assert pixels.startswith(archive.dicomweb)
    assert client.retrieve_bulkdata(pixels, media_types=OCTETS) == [READABLE.dataset.PixelData]
    place = (READABLE.study_uid, READABLE.series_uid, READABLE.instance_uid)
    (frame,) = client.retrieve_instance_frames(*place, frame_numbers=[1], media_types=OCTETS)
    assert frame == READABLE.dataset.PixelData
    assert client.retrieve_instance_rendered(*place, media_types=("image/png",)).startswith(b"\x89PNG")


def test_the_access_is_in_the_log_under_its_decision_token_and_agreement(
    running_service: RunningService, archive: Archive
) -> None:
    answer = running_service.exchange(REPORTER, READABLE.study_uid)
    viewer(archive, answer.json()["access_token"]).retrieve_study(READABLE.study_uid)
    auditor = running_service.surface(network.EXPLORER)
    (seen,) = auditor.get(f"/audit/v1/events?kind=access&source_id={network.archive_id('RRK')}&limit=1")["events"]
    chain = seen["authority"]
    assert chain["agreement_id"] == DIRECT_CARE
    found = auditor.get(f"/audit/v1/events?decision_id={chain['decision_id']}&order=oldest")["events"]
    assert [event["kind"] for event in found] == ["decision", "token", "access"]
    assert found[1]["authority"] == found[2]["authority"] == chain
    assert found[2]["outcome"] == "success"
    assert found[2]["subject"]["ods"] == "RKB"
    assert found[2]["resource"]["custodian"] == "RRK"
    assert found[0]["detail"]["clause"] == "4.1"
    place = f"{running_service.url}/audit/v1/events/{found[2]['index']}/proof"
    headers = {"Authorization": f"Bearer {auditor.bearer()}", "Accept": "text/plain"}
    proof = requests.get(place, headers=headers, timeout=TIMEOUT)
    assert proof.text.startswith(f"c2sp.org/tlog-proof@v1\nindex {found[2]['index']}\n")


def test_the_privacy_officer_sees_the_access_and_follows_its_chain(
    running_service: RunningService, archive: Archive, token: str
) -> None:
    viewer(archive, token).retrieve_study_metadata(READABLE.study_uid)
    auditor = running_service.surface(network.EXPLORER)
    (seen,) = auditor.get(f"/audit/v1/events?kind=access&source_id={network.archive_id('RRK')}&limit=1")["events"]
    officer = running_service.sign_in("ig.officer.rrk")
    page = officer.get(f"{running_service.url}/console/events/{seen['index']}", timeout=TIMEOUT)
    assert page.status_code == 200
    for said in ("Coventry and Warwickshire", "Chain of authority", seen["authority"]["decision_id"], DIRECT_CARE):
        assert said in page.text
    assert READABLE.study_uid not in page.text
    decision = officer.get(
        f"{running_service.url}/console/decisions/{seen['authority']['decision_id']}", timeout=TIMEOUT
    )
    assert decision.status_code == 200
    assert "4.1" in decision.text


def test_who_opens_their_own_study_raises_an_alert(running_service: RunningService, archive: Archive) -> None:
    own = running_service.token(SELF, SELF_READ.study_uid)
    viewer(archive, own).retrieve_study(SELF_READ.study_uid)
    soc = running_service.surface(network.SOC)

    def alert() -> dict[str, object] | None:
        alerts = soc.get("/alerts/v1/alerts?rule=self_access")["alerts"]
        return alerts[0] if alerts else None

    raised = eventually(alert, "the alert on a look at one's own record")
    assert raised["state"] == "new"
    assert raised["agreement_ids"] == [DIRECT_CARE]
    assert set(raised["trusts"]) == {"RKB", "RRK"}  # type: ignore[call-overload]
    assert "this is their own record" in str(raised["evidence"])
    for known in (SELF, SELF_READ.study_uid, "9999000002"):
        assert known not in str(raised)


def test_without_a_token_nobody_reads(archive: Archive) -> None:
    with pytest.raises(requests.HTTPError, match="401"):
        viewer(archive, None).retrieve_study(READABLE.study_uid)
    with pytest.raises(requests.HTTPError, match="401"):
        viewer(archive, "x.y.z").retrieve_study(READABLE.study_uid)


def test_a_token_reads_no_other_study(archive: Archive, token: str) -> None:
    client = viewer(archive, token)
    with pytest.raises(requests.HTTPError, match="403"):
        client.retrieve_study(UNREADABLE.study_uid)
    with pytest.raises(requests.HTTPError, match="403"):
        client.search_for_studies()
    with pytest.raises(requests.HTTPError, match="403"):
        client.search_for_instances(SELF_READ.study_uid)
    with pytest.raises(requests.HTTPError, match="403"):
        client.store_instances([READABLE.dataset])


def test_who_has_no_reason_to_look_gets_no_token(running_service: RunningService, archive: Archive) -> None:
    refused = running_service.exchange(REPORTER, UNREADABLE.study_uid)
    assert (refused.status_code, refused.json()["error"]) == (403, "access_denied")


def test_a_revoked_token_reads_nothing(running_service: RunningService, archive: Archive) -> None:
    own = running_service.token(REPORTER, READABLE.study_uid)
    client = viewer(archive, own)
    assert client.retrieve_study_metadata(READABLE.study_uid)
    form = {"token": own, **running_service.parties.proof(VIEWER, int(time.time()))}
    assert requests.post(f"{running_service.url}/oauth/revoke", data=form, timeout=TIMEOUT).status_code == 200
    with pytest.raises(requests.HTTPError, match="401"):
        client.retrieve_study_metadata(READABLE.study_uid)


@pytest.fixture
def suspended(running_service: RunningService, archive: Archive) -> Iterator[str]:
    """Suspend the agreement under a token that just worked, and activate it again afterwards."""
    token = running_service.token(REPORTER, READABLE.study_uid)
    assert status_of(archive, f"/studies/{READABLE.study_uid}/metadata", token) == 200
    office = running_service.surface(network.EXPLORER)
    move = {"version": 1, "reason": "Under review after an incident."}
    office.post(f"/agreements/v1/agreements/{DIRECT_CARE}/suspend", move)
    yield token
    office.post(f"/agreements/v1/agreements/{DIRECT_CARE}/activate", {"version": 1})
    path = f"/studies/{READABLE.study_uid}/metadata"

    def restored() -> bool:  # a token of the very second of the suspension is dead too
        fresh = running_service.exchange(REPORTER, READABLE.study_uid).json().get("access_token")
        return fresh is not None and status_of(archive, path, fresh) == 200

    eventually(restored, "the return of the agreement")


def test_a_token_under_a_suspended_agreement_reads_nothing(
    running_service: RunningService, archive: Archive, suspended: str
) -> None:
    with pytest.raises(requests.HTTPError, match="401"):
        viewer(archive, suspended).retrieve_study(READABLE.study_uid)
    refused = running_service.exchange(REPORTER, READABLE.study_uid)
    assert (refused.status_code, refused.json()["error"]) == (403, "access_denied")


@pytest.mark.parametrize(
    "path",
    [
        "/studies/{ct}#/../{mr}/metadata",
        "/studies/{ct}/../{mr}/metadata",
        "/studies/{ct}/%2e%2e/{mr}/metadata",
        "/studies?StudyInstanceUID={ct}&0020000d={mr}",
        "/studies?StudyInstanceUID={ct}&20,d={mr}",
        "/studies?StudyInstanceUID={ct}#&0020000d={mr}",
        "/studies?StudyInstanceUID={ct}&StudyInstanceUID=",
        "/studies/{ct}/metadata?_method=delete",
    ],
)
def test_no_spelling_of_a_url_reaches_another_study(
    running_service: RunningService, archive: Archive, path: str
) -> None:
    """Orthanc itself answers most of these with the other study; they are sent as they stand, as no client would."""
    token = running_service.token(REPORTER, READABLE.study_uid)
    asked = urlsplit(archive.dicomweb).path + path.format(ct=CT.study_uid, mr=MR.study_uid)
    answer = raw_get(archive, asked, token)
    assert answer.split(b" ", 2)[1] == b"403", answer[:200]
    assert MR.study_uid.encode() not in answer


def test_the_gateway_shows_nothing_but_studies(archive: Archive, token: str) -> None:
    for path in ("/instances", "/studies", "/system", "/", "/dicom-web/", "/dicom-web/instances", "/_enforce", "/app/"):
        answer = requests.get(archive.gateway.address + path, headers={"Authorization": f"Bearer {token}"}, timeout=5)
        assert answer.status_code == 404, path
    archived = archive.dicomweb + f"/studies/{READABLE.study_uid}"
    headers = {"Authorization": f"Bearer {token}", "X-HTTP-Method-Override": "DELETE"}
    assert requests.get(archived + "/metadata", headers=headers, timeout=TIMEOUT).status_code == 200
    assert requests.delete(archived, headers=headers, timeout=TIMEOUT).status_code == 403


def test_there_is_no_way_round_the_gateway(archive: Archive, token: str) -> None:
    direct = f"http://{archive.orthanc.address}/dicom-web/studies/{READABLE.study_uid}"
    assert requests.get(direct, timeout=5).status_code == 401
    assert requests.get(direct, headers={"Authorization": f"Bearer {token}"}, timeout=5).status_code == 401


def test_the_archive_stays_closed_when_nobody_decides(archive: Archive, token: str) -> None:
    folder = archive.gateway.folder / "orphan"
    nowhere = f"http://127.0.0.1:{free_port()}"
    orphan = GatewayPlan(
        folder, free_port(), nowhere, "archive-rrk", "x", archive.orthanc.address, archive.orthanc.credential
    )
    with orphan.start():
        url = f"{orphan.address}/dicom-web/studies/{READABLE.study_uid}"
        answer = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert b"DICM" not in answer.content


def test_the_log_of_all_this_is_whole(running_service: RunningService, archive: Archive) -> None:
    checked = running_service.command("verify-log", "--quiet")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "The log is whole." in checked.stdout


def test_an_expired_token_reads_nothing(archive: Archive, short_token: str) -> None:
    path = f"/studies/{UNREADABLE.study_uid}/metadata"
    assert eventually(lambda: status_of(archive, path, short_token) == 401, "the end of a token of one second")


def raw_get(archive: Archive, target: str, token: str) -> bytes:
    """Send a request line as it is, which no HTTP library would, and give the whole answer."""
    host, port = "127.0.0.1", archive.gateway.port
    with socket.create_connection((host, port), timeout=TIMEOUT) as connection:
        request = f"GET {target} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n"
        connection.sendall(request.encode())
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_a_page_of_a_registered_origin_reads_the_archive_and_no_other_page_does(
    running_service: RunningService, archive: Archive, token: str
) -> None:
    """As a browser asks: a preflight without a token, then the request with it."""
    own, other = "https://viewer.rkb.example", "https://evil.example"
    services = build(from_environment(running_service.home.environment()))
    try:
        with services.infrastructure.database.transaction() as session:
            registered = services.registers.federation.client(session, VIEWER)
            assert registered is not None
            services.registers.federation.register_client(session, replace(registered, origins=(own,)))
    finally:
        services.infrastructure.database.dispose()
    study = f"{archive.dicomweb}/studies/{READABLE.study_uid}/metadata"
    wanted = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}

    def preflight(address: str, origin: str) -> str | None:
        answer = requests.options(address, headers=wanted | {"Origin": origin}, timeout=TIMEOUT)
        assert answer.status_code == 204, answer.text
        return answer.headers.get("Access-Control-Allow-Origin")

    eventually(lambda: preflight(study, own) == own, "the origin's registration")
    assert preflight(f"{archive.dicomweb}/studies", own) == own
    assert preflight(study, other) is None
    for bearer, status in ((token, 200), ("x.y.z", 401)):
        for origin in (own, other):
            headers = {"Origin": origin, "Authorization": f"Bearer {bearer}"}
            answer = requests.get(study, headers=headers, timeout=TIMEOUT)
            assert answer.status_code == status
            assert answer.headers.get("Access-Control-Allow-Origin") == (own if origin == own else None)
            assert "Origin" in answer.headers["Vary"]
