"""Pages of registered origins may read decisions and the gate's answers; a browser's preflight needs no token."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from governance.federation.origins import FRESH
from governance.server import create_asgi
from governance.simulation import network, showcase
from tests.worlds.feeds import ContextWorld
from tests.worlds.loops import run
from tests.worlds.region import RegionWorld, seed_home

VIEWER, STRANGER = "https://viewer.rkb.example", "https://evil.example"
PATHS = (
    "/access/v1/evaluation",
    "/access/v1/evaluations",
    "/access/v1/search/resource",
    "/enforce/nginx",
    "/enforce/envoy/dicom-web/studies/1.2.3",
    "/dicomweb/archive-rrk/studies",
)
CREDENTIALS = "Access-Control-Allow-Credentials"
ORIGIN = "Access-Control-Allow-Origin"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegionWorld]:
    home = seed_home(tmp_path_factory.mktemp("cors") / "home", "http://127.0.0.1:8080", "http://127.0.0.1:9")
    made = RegionWorld(home)
    made.feed_showcase()
    register(made, (VIEWER,))
    yield made
    made.close()


def register(world: RegionWorld, origins: tuple[str, ...]) -> None:
    """Register origins with the viewer of RKB, as its operator would."""
    services = world.services
    with services.infrastructure.database.transaction() as session:
        viewer = services.registers.federation.client(session, network.viewer_id("RKB"))
        assert viewer is not None
        services.registers.federation.register_client(session, replace(viewer, origins=origins))


def preflight(client: FlaskClient, path: str, origin: str, method: str = "POST") -> Any:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization",
    }
    return client.options(path, headers=asked)


@pytest.mark.parametrize("path", PATHS)
def test_a_preflight_is_answered_without_a_token(world: RegionWorld, path: str) -> None:
    answer = preflight(world.client, path, VIEWER)
    assert (answer.status_code, answer.headers[ORIGIN]) == (204, VIEWER)
    assert "authorization" in answer.headers["Access-Control-Allow-Headers"].lower()
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "Origin" in answer.headers["Vary"]
    assert CREDENTIALS not in answer.headers


@pytest.mark.parametrize(
    "origin", [STRANGER, "null", "*", VIEWER.upper(), VIEWER + ".evil.example", VIEWER + ":443", ""]
)
@pytest.mark.parametrize("path", PATHS)
def test_no_other_origin_is_let_in(world: RegionWorld, path: str, origin: str) -> None:
    for answer in (
        preflight(world.client, path, origin),
        world.client.post(path, json={}, headers={"Origin": origin}),
        world.client.get(path, headers={"Origin": origin}),
    ):
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")]
        assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize("path", PATHS)
def test_a_registered_origin_reads_refusals_too(world: RegionWorld, path: str) -> None:
    answer = world.client.open(path, method="POST" if path.startswith("/access") else "GET", headers={"Origin": VIEWER})
    assert answer.status_code in {401, 403}
    assert answer.headers[ORIGIN] == VIEWER
    assert "X-Governance-Reason" in answer.headers["Access-Control-Expose-Headers"]
    assert CREDENTIALS not in answer.headers


@pytest.mark.parametrize("path", ["/console/sign-in", "/oauth/token", "/audit/v1/events", "/federation/v1/clients"])
def test_nothing_else_answers_another_origin(world: RegionWorld, path: str) -> None:
    for answer in (preflight(world.client, path, VIEWER), world.client.get(path, headers={"Origin": VIEWER})):
        assert ORIGIN not in answer.headers


def test_the_event_loop_answers_as_flask_does(world: RegionWorld) -> None:
    form = {"grant_type": "client_credentials", "scope": "access.evaluate"}
    proven = world.post_form("/oauth/token", form | world.parties.proof(network.EXPLORER, world.now))
    bearer = f"Bearer {proven.get_json()['access_token']}"
    headers = {"authorization": bearer, "content-type": "application/json"}
    body = json.dumps(showcase.question()).encode()
    for origin, held in ((VIEWER, True), (STRANGER, False), (None, False)):
        for _ in range(2):  # the first reads the register in Flask, the second need not
            sent = headers | ({"origin": origin} if origin else {})
            found = evaluate(world, sent, body)
            assert found["status"] == 200
            assert found["headers"].get("access-control-allow-origin") == (origin if held else None)
            assert "origin" in found["headers"]["vary"].lower()
            assert CREDENTIALS.lower() not in found["headers"]


def evaluate(world: RegionWorld, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """Ask over ASGI."""
    answered: dict[str, Any] = {}

    async def ask() -> None:
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/access/v1/evaluation",
            "raw_path": b"/access/v1/evaluation",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()]
            + [(b"content-length", str(len(body)).encode())],
            "server": ("127.0.0.1", 8080),
            "client": ("127.0.0.1", 1),
        }
        parts = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            return parts.pop() if parts else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answered["status"] = message["status"]
                answered["headers"] = {name.decode(): value.decode() for name, value in message["headers"]}

        await create_asgi(world.services, world.app)(scope, receive, send)

    run(ask())
    return answered


def test_an_origin_that_is_taken_away_is_refused_within_a_second(world: RegionWorld) -> None:
    clock = [1_000.0]
    world.services.registers.origins._seconds = lambda: clock[0]
    world.services.registers.origins._read = None
    assert preflight(world.client, PATHS[0], VIEWER).headers[ORIGIN] == VIEWER
    register(world, ())
    try:
        clock[0] += FRESH
        assert ORIGIN not in preflight(world.client, PATHS[0], VIEWER).headers
    finally:
        register(world, (VIEWER,))
        world.services.registers.origins._read = None


NO_ORIGINS = (
    "http://viewer.example",
    "https://viewer.example/",
    "https://viewer.example:443",
    "https://Viewer.example",
    "https://*.example",
    "*",
    "null",
    "https://user@viewer.example",
    "https://viewer.example?x",
    "ftp://viewer.example",
    "",
)


def test_only_an_origin_can_be_registered(context_world: ContextWorld) -> None:
    body = {
        "client_id": "v1",
        "ods": "RKB",
        "name": "Viewer",
        "kind": "service",
        "jwks": {"keys": [context_world.key.public]},
    }
    for origin in NO_ORIGINS:
        answer = context_world.post("/federation/v1/clients", body | {"origins": [origin]})
        assert answer.status_code == 400, origin
        assert answer.get_json()["errors"][0]["pointer"] == "/origins/0"
    good = ["https://viewer.example", "https://viewer.example:8443", "http://127.0.0.1:3000", "http://localhost:3000"]
    taken = context_world.post("/federation/v1/clients", body | {"origins": good})
    assert taken.status_code < 300, taken.get_data(as_text=True)
    services = context_world.services
    with services.infrastructure.database.reading() as session:
        assert services.registers.federation.origins(session) == set(good)
