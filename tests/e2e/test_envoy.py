"""The real Envoy before the real archive, configured with the guide's file, asking the service about each request."""

import socket
import time
import uuid
from collections.abc import Iterator

import numpy as np
import pytest
import requests
from dicomweb_client import DICOMwebClient

from governance.simulation import network
from governance.simulation.archive import CT, MR, OWNER, READABLE, Archive
from governance.simulation.programs import free_port
from governance.simulation.showcase import REPORTER
from governance.tokens import dpop
from tests.peers.envoy import EnvoyGateway, envoy_gateway
from tests.worlds.region import DIRECT_CARE, VIEWER
from tests.worlds.running_service import TIMEOUT, RunningService
from tests.worlds.tokens import KeyPair

OCTETS = ("application/octet-stream",)
STUDY = f"/studies/{READABLE.study_uid}"
pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("e2e")]


@pytest.fixture(scope="module")
def envoy(
    running_service: RunningService, archive: Archive, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EnvoyGateway]:
    """Run Envoy in front of RRK's archive."""
    key = running_service.parties.enforcement_key(OWNER)
    with envoy_gateway(tmp_path_factory.mktemp("envoy"), running_service.url, archive.orthanc, key) as running:
        yield running


@pytest.fixture
def token(running_service: RunningService, archive: Archive) -> str:
    """Get RKB's radiologist's token for the study that is on their worklist."""
    return running_service.token(REPORTER, READABLE.study_uid)


def ask(envoy: EnvoyGateway, path: str, token: str | None, method: str = "GET", **headers: str) -> requests.Response:
    """Ask Envoy for a path below the DICOMweb service."""
    sent = ({"Authorization": f"Bearer {token}"} if token else {}) | headers
    return requests.request(method, envoy.dicomweb + path, headers=sent, timeout=TIMEOUT)


def test_a_viewer_reads_the_study_as_it_would_from_any_archive(envoy: EnvoyGateway, token: str) -> None:
    client = DICOMwebClient(envoy.dicomweb, headers={"Authorization": f"Bearer {token}"})
    (read,) = client.retrieve_study(READABLE.study_uid)
    assert np.array_equal(read.pixel_array, READABLE.dataset.pixel_array)
    (listed,) = client.search_for_studies(search_filters={"StudyInstanceUID": READABLE.study_uid}, fields=["PatientID"])
    assert listed["0020000D"]["Value"] == [READABLE.study_uid]
    assert len(client.search_for_series(READABLE.study_uid, fields=["SeriesDescription"])) == 1
    (described,) = client.retrieve_study_metadata(READABLE.study_uid)
    pixels = described["7FE00010"]["BulkDataURI"]
    assert pixels.startswith(envoy.dicomweb)
    assert client.retrieve_bulkdata(pixels, media_types=OCTETS) == [READABLE.dataset.PixelData]
    place = (READABLE.study_uid, READABLE.series_uid, READABLE.instance_uid)
    (frame,) = client.retrieve_instance_frames(*place, frame_numbers=[1], media_types=OCTETS)
    assert frame == READABLE.dataset.PixelData
    assert client.retrieve_instance_rendered(*place, media_types=("image/png",)).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "path",
    [
        "/studies?limit=101&offset=0&fuzzymatching=false&includefield=00081030%2C00080060&StudyInstanceUID={study}",
        "/studies/{study}/series?includefield=0008103E&includefield=00080021",
        "/studies/{study}/series/{series}/metadata",
        "/studies/{study}/series/{series}/instances",
        "/studies/{study}/series/{series}/instances/{instance}/rendered?quality=90",
    ],
)
def test_what_ohif_asks_for_goes_through(envoy: EnvoyGateway, token: str, path: str) -> None:
    filled = path.format(study=READABLE.study_uid, series=READABLE.series_uid, instance=READABLE.instance_uid)
    assert ask(envoy, filled, token).status_code == 200


def test_the_access_is_in_the_log_and_the_client_is_told_its_decision(
    running_service: RunningService, envoy: EnvoyGateway, token: str
) -> None:
    answer = ask(envoy, f"{STUDY}/metadata", token)
    auditor = running_service.surface(network.EXPLORER)
    query = f"/audit/v1/events?kind=access&source_id={network.archive_id(OWNER)}&limit=1"
    (seen,) = auditor.get(query)["events"]
    assert seen["outcome"] == "success"
    assert seen["authority"]["decision_id"] == answer.headers["X-Governance-Decision"]
    assert seen["authority"]["agreement_id"] == DIRECT_CARE


def test_a_refusal_comes_to_the_client_as_the_service_said_it(
    running_service: RunningService, envoy: EnvoyGateway, token: str
) -> None:
    nobody = ask(envoy, STUDY, None)
    assert (nobody.status_code, nobody.headers["X-Governance-Reason"]) == (401, "credential.missing")
    assert nobody.headers["WWW-Authenticate"].startswith("Bearer")
    other = ask(envoy, f"/studies/{MR.study_uid}/metadata", token)
    assert (other.status_code, other.headers["X-Governance-Reason"]) == (403, "enforcement.other_study")
    assert other.headers["Content-Type"] == "application/problem+json"
    assert other.json()["reason"] == "enforcement.other_study"
    assert MR.study_uid not in other.text
    form = {"token": token, **running_service.parties.proof(VIEWER, int(time.time()))}
    assert requests.post(f"{running_service.url}/oauth/revoke", data=form, timeout=TIMEOUT).status_code == 200
    dead = ask(envoy, STUDY, token)
    assert (dead.status_code, dead.headers["X-Governance-Reason"]) == (401, "token.revoked")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_only_reading_goes_through(envoy: EnvoyGateway, token: str, method: str) -> None:
    body = b"--x\r\nContent-Type: application/dicom\r\n\r\n" + b"\0" * 100_000 + b"\r\n--x--"
    sent = {"Authorization": f"Bearer {token}", "Content-Type": "multipart/related; type=application/dicom; boundary=x"}
    answer = requests.request(method, envoy.dicomweb + STUDY, data=body, headers=sent, timeout=TIMEOUT)
    assert (answer.status_code, answer.json()["reason"]) == (403, "enforcement.unreadable")
    assert ask(envoy, f"{STUDY}/metadata", token).status_code == 200, "the study is still there"


def test_head_is_judged_as_reading(envoy: EnvoyGateway, token: str) -> None:
    """What Orthanc answers to HEAD is Orthanc's affair; it is asked only when the token is good."""
    assert "X-Governance-Decision" in ask(envoy, STUDY, token, "HEAD").headers
    assert ask(envoy, STUDY, None, "HEAD").status_code == 401


def test_a_client_cannot_speak_as_the_gateway(envoy: EnvoyGateway, token: str) -> None:
    forged = {"X-Enforcement-Point": "archive-rkb", "X-Enforcement-Key": "x", "X-Original-Origin": "http://x.example"}
    assert ask(envoy, f"{STUDY}/metadata", token, **forged).status_code == 200
    obeyed = ask(envoy, f"{STUDY}/metadata", token, **{"X-HTTP-Method-Override": "DELETE"})
    assert obeyed.status_code == 200
    assert ask(envoy, f"{STUDY}/metadata", token).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/dicom-web/studies/{ct}#/../{mr}/metadata",
        "/dicom-web/studies/{ct}/../{mr}/metadata",
        "/dicom-web/studies/{ct}/%2e%2e/{mr}/metadata",
        "/dicom-web/studies/{ct}/%252e%252e/{mr}/metadata",
        "/dicom-web/studies/{ct}%2f..%2f{mr}/metadata",
        "/dicom-web/studies//{mr}/metadata",
        "//dicom-web/studies/{mr}/metadata",
        "/dicom-web/studies?StudyInstanceUID={ct}&0020000d={mr}",
        "/dicom-web/studies?StudyInstanceUID={ct}&20,d={mr}",
        "/dicom-web/studies?StudyInstanceUID={ct}#&0020000d={mr}",
        "/dicom-web/studies?StudyInstanceUID={ct}&StudyInstanceUID=",
        "/dicom-web/studies/{ct}/metadata?_method=delete",
        "/dicom-web/studies/../instances",
        "/instances",
        "/system",
        "/",
    ],
)
def test_no_spelling_of_a_url_reaches_anything_else(envoy: EnvoyGateway, token: str, path: str) -> None:
    answer = raw_get(envoy, path.format(ct=CT.study_uid, mr=MR.study_uid), token)
    assert answer.split(b" ", 2)[1] in {b"400", b"403", b"404"}, answer[:200]
    assert MR.study_uid.encode() not in answer


def test_a_bound_token_goes_through_with_its_proof_alone(running_service: RunningService, envoy: EnvoyGateway) -> None:
    key = KeyPair.ec("mine")

    def proof(method: str, url: str, **extra: str) -> str:
        claims = {"htm": method, "htu": url, "iat": int(time.time()), "jti": uuid.uuid4().hex, **extra}
        return key.sign(claims, typ="dpop+jwt", jwk=key.key.as_dict(private=False), kid=None)

    endpoint = f"{running_service.url}/oauth/token"
    form = running_service.parties.exchange_form(REPORTER, READABLE.study_uid, int(time.time()))
    asked = requests.post(endpoint, data=form, headers={"DPoP": proof("POST", endpoint)}, timeout=TIMEOUT)
    token = asked.json()["access_token"]
    url = f"{envoy.dicomweb}{STUDY}/metadata"
    bound = {"Authorization": f"DPoP {token}"}
    good = bound | {"DPoP": proof("GET", url, ath=dpop.token_hash(token))}
    assert requests.get(url, headers=bound, timeout=TIMEOUT).status_code == 401
    assert requests.get(url, headers=good, timeout=TIMEOUT).status_code == 200
    assert requests.get(url, headers=good, timeout=TIMEOUT).status_code == 401


def test_the_archive_stays_closed_when_nobody_decides(
    archive: Archive, token: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    with envoy_gateway(tmp_path_factory.mktemp("orphan"), nowhere, archive.orthanc, "x") as orphan:
        answer = ask(orphan, STUDY, token)
    assert answer.status_code == 503
    assert b"DICM" not in answer.content


def test_a_gateway_with_a_wrong_key_lets_nothing_through(
    running_service: RunningService, archive: Archive, token: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with envoy_gateway(tmp_path_factory.mktemp("stranger"), running_service.url, archive.orthanc, "x") as stranger:
        answer = ask(stranger, STUDY, token)
    assert (answer.status_code, answer.headers["X-Governance-Reason"]) == (401, "enforcement.key")


def raw_get(envoy: EnvoyGateway, target: str, token: str) -> bytes:
    """Send a request line as it is, which no HTTP library would, and give the whole answer."""
    with socket.create_connection(("127.0.0.1", envoy.port), timeout=TIMEOUT) as connection:
        lines = [f"GET {target} HTTP/1.1", f"Host: 127.0.0.1:{envoy.port}", "Connection: close"]
        connection.sendall("\r\n".join([*lines, f"Authorization: Bearer {token}", "", ""]).encode())
        return b"".join(iter(lambda: connection.recv(65_536), b""))
