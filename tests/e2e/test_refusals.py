"""Refusals by a service of two workers, asked over its own sockets: no strange address, two events a run."""

import re
import socket
import time
import uuid
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
import requests

from governance.audit.event import RecordedEvent
from governance.bootstrap import build
from governance.settings import from_environment
from governance.simulation import network
from governance.tokens import dpop
from tests.worlds.running_service import TIMEOUT, RunningService
from tests.worlds.tokens import KeyPair

pytestmark = [pytest.mark.xdist_group("e2e")]
REFUSALS = 60
_COUNT = re.compile(r'^governance_refusals_total\{kind="node_auth",reason="token.signature"\} ([0-9.]+)$', re.MULTILINE)
SPELLINGS = (
    "//evil.example/console/",
    "//evil.example",
    "///evil.example/",
    "/console//evil.example",
    "//evil.example/%2e%2e",
    "/%2f%2fevil.example/",
    "/\\evil.example/",
    "/console",
    "//console/sign-in",
    "/console/sign-in/",
    "http://evil.example/console/",
    "http://evil.example//console/alerts",
)


def raw(service: RunningService, target: str) -> tuple[int, str]:
    """Send a request line as it is, with a foreign Host, and give the status and where the answer leads."""
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), TIMEOUT) as line:
        line.sendall(f"GET {target} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(65_536), b"")).decode("latin-1")
    head = answer.partition("\r\n\r\n")[0]
    location = re.search(r"^location: (.*)$", head, re.MULTILINE | re.IGNORECASE)
    return int(head.split()[1]), location[1].strip() if location else "/"


@pytest.mark.parametrize("target", SPELLINGS)
def test_no_spelling_leads_to_a_foreign_host(running_service: RunningService, target: str) -> None:
    status, location = raw(running_service, target)
    assert status < 500
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))


def logged(service: RunningService) -> list[RecordedEvent]:
    """Give the refusals of signatures that are in the log."""
    services = build(from_environment(service.home.environment()))
    try:
        found = services.infrastructure.audit.read(0, 100_000)
    finally:
        services.infrastructure.database.dispose()
    return [event for event in found if event.detail.get("reason") == "token.signature"]


def test_each_worker_opens_one_run_and_all_of_them_count(running_service: RunningService) -> None:
    client_id = network.viewer_id("RKB")
    stranger = KeyPair.ec(running_service.parties.credentials(client_id).jwks()["keys"][0]["kid"])
    claims = {"iss": client_id, "sub": client_id, "aud": f"{running_service.url}/oauth/token", "exp": 4_000_000_000}
    form = {"grant_type": "client_credentials", "client_assertion": stranger.sign(claims | {"jti": "forged"})}
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    for _ in range(REFUSALS):  # a connection each: any worker may take it
        answer = requests.post(
            f"{running_service.url}/oauth/token", data=form | {"client_assertion_type": kind}, timeout=TIMEOUT
        )
        assert answer.status_code == 401
    bearer = running_service.surface(network.SOC).bearer()
    scraped = requests.get(
        f"{running_service.url}/metrics", headers={"Authorization": f"Bearer {bearer}"}, timeout=TIMEOUT
    )
    count = _COUNT.search(scraped.text)
    assert count is not None
    assert float(count[1]) == REFUSALS
    opened = [event for event in logged(running_service) if "count" not in event.detail]
    assert 1 <= len(opened) <= 2
    assert {event.detail["claimed"] for event in opened} == {client_id}


def test_a_proof_names_the_path_as_it_was_sent(running_service: RunningService) -> None:
    """The server in front of Flask decodes the path: ``%2F`` and ``/`` are two resources to a proof of possession."""
    surface = running_service.surface(network.FEEDS)
    key = KeyPair.ec("dpop")
    endpoint = f"{running_service.url}/oauth/token"
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": surface.assertion(),
    }
    answer = requests.post(endpoint, data=form, headers=_proof(key, "POST", endpoint), timeout=TIMEOUT)
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    plain, encoded = "/agreements/v1/agreements/wm-direct-care", "/agreements/v1/agreements/wm%2Ddirect-care"
    for sent, named, status in (
        (encoded, encoded, 403),
        (plain, plain, 403),
        (encoded, plain, 401),
        (plain, encoded, 401),
    ):
        proof = _proof(key, "GET", running_service.url + named, token)
        assert get(running_service, sent, proof | {"Authorization": f"DPoP {token}"}) == status, (sent, named)


def get(service: RunningService, path: str, headers: dict[str, str]) -> int:
    """Ask for a path exactly as it is written, and give the status."""
    address = urlsplit(service.url)
    line = HTTPConnection(str(address.hostname), address.port, timeout=TIMEOUT)
    try:
        line.request("GET", path, headers=headers)
        return line.getresponse().status
    finally:
        line.close()


def _proof(key: KeyPair, method: str, url: str, token: str | None = None) -> dict[str, str]:
    claims = {"htm": method, "htu": url, "iat": int(time.time()), "jti": uuid.uuid4().hex}
    if token is not None:
        claims["ath"] = dpop.token_hash(token)
    header = {"typ": "dpop+jwt", "jwk": key.key.as_dict(private=False), "kid": None}
    return {"DPoP": key.sign(claims, **header)}
