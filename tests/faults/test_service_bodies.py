"""Bodies that never end, connections that say nothing: they hold up nobody else, nor the end of the service."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
import requests

from governance.commands._demo_home import DemoHome
from governance.commands.serving import GRACE
from tests.worlds.served import BATCH, PATIENCE, Service, feeds, lines, running, said, seeded_home

UNFINISHED = 60
IDLE = 100
MARGIN = 5.0  # seconds that a busy machine may add to what is promised
PROMPT = 10.0  # seconds in which a request is answered that nothing holds up
SLOW = {"GOVERNANCE_THREADS": "4"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> DemoHome:
    return seeded_home(tmp_path_factory.mktemp("bodies") / "home")


@pytest.fixture(scope="module")
def service(home: DemoHome) -> Iterator[Service]:
    with running(home, SLOW) as process:
        yield process


@pytest.fixture
def links(home: DemoHome) -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def connect(home: DemoHome, links: ExitStack, said_first: bytes = b"") -> socket.socket:
    address = urlsplit(home.service)
    assert address.hostname
    assert address.port
    link = links.enter_context(socket.create_connection((address.hostname, address.port), timeout=PATIENCE))
    link.sendall(said_first)
    return link


def unfinished(home: DemoHome, links: ExitStack, path: str = "/audit/v1/events") -> socket.socket:
    """Begin a request whose body does not come."""
    head = f"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{"
    return connect(home, links, head.encode())


def answer_of(link: socket.socket) -> tuple[int, bytes]:
    """Read an answer to the end of the connection."""
    received = b""
    while part := link.recv(65_536):
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def send(home: DemoHome, bearer: str, number: int) -> requests.Response:
    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/x-ndjson"}
    return requests.post(
        f"{home.service}/audit/v1/events", data=lines(9, number * BATCH), headers=headers, timeout=PROMPT
    )


@pytest.mark.usefixtures("service")
def test_bodies_that_do_not_end_and_silent_connections_hold_up_nobody(home: DemoHome, links: ExitStack) -> None:
    bearer = feeds(home).bearer()
    for number in range(IDLE):
        connect(home, links, b"" if number % 2 else b"GET /healthz HTTP/1.1\r\nHost: h")
    held = [unfinished(home, links) for _ in range(UNFINISHED)]
    for number in range(5):
        assert send(home, bearer, number).status_code == 200
        assert requests.get(f"{home.service}/readyz", timeout=PROMPT).status_code == 200
    answers = [answer_of(link) for link in held]
    assert {status for status, _ in answers} == {408, 503}
    assert {json.loads(body)["reason"] for _, body in answers} == {"body.late", "body.crowded"}


@pytest.mark.usefixtures("service")
def test_a_body_that_is_too_long_is_refused_before_it_is_read(home: DemoHome, links: ExitStack) -> None:
    head = b"POST /audit/v1/events HTTP/1.1\r\nHost: here\r\nContent-Length: 99999999999\r\n\r\n{"
    status, body = answer_of(connect(home, links, head))
    assert (status, json.loads(body)["reason"]) == (413, "body.too_long")


def test_a_stop_is_not_held_up_by_bodies_that_do_not_end(home: DemoHome, service: Service, links: ExitStack) -> None:
    """It comes last: the service of this module is stopped by it."""
    held = [unfinished(home, links) for _ in range(4)]
    heads = [connect(home, links, b"GET /healthz HTTP/1.1\r\nHost: h") for _ in range(4)]
    assert heads
    asked = time.monotonic()
    service.terminate()
    assert service.wait(PATIENCE) == 0, said(home)[-2000:]
    assert time.monotonic() - asked < GRACE + MARGIN
    for link in held:
        status, body = answer_of(link)
        assert (status, json.loads(body)["reason"]) == (503, "body.closing")
