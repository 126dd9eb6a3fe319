"""Bodies in chunks, without a length (RFC 9112 section 7.1), over the wire: each is read as one with a length is.

1. Orthanc's authorization plugin sends every body so, all over one connection: its five routes give the permits and the
   denials they are for.
2. Every route that takes a body answers the same to it in chunks and with its length, and something else to no body. A
   route that may write is one of those or left out for a reason, so a new one fails the test.
"""

import base64
import json
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
import requests
from flask import Flask

from governance.simulation import network
from governance.simulation.client import ASSERTION_TYPE, Surface
from governance.simulation.credentials import Credentials
from governance.simulation.showcase import REPORTER, SHARED_STUDY, UNRELATED_STUDY
from governance.vocabulary import Scope
from tests.fakes.orthanc_plugin import ORTHANC_ID, Denied, Plugin, in_chunks, study, system
from tests.worlds.region import OWNER
from tests.worlds.running_service import TIMEOUT, RunningService

pytestmark = pytest.mark.xdist_group("e2e")


@pytest.fixture(params=[1, 7], ids=["one chunk", "seven"])
def plugin(running_service: RunningService, request: pytest.FixtureRequest) -> Iterator[Plugin]:
    address = urlsplit(running_service.url)
    with socket.create_connection((str(address.hostname), address.port or 80), timeout=TIMEOUT) as link:
        yield Plugin(running_service.parties, in_chunks(link, running_service.url, request.param))


def test_orthancs_plugin_is_granted_what_a_token_opens_and_nothing_else(
    running_service: RunningService, plugin: Plugin
) -> None:
    token = f"Bearer {running_service.token(REPORTER, SHARED_STUDY)}"
    assert plugin.is_granted(study(SHARED_STUDY, labels=["RRK"]), token) == 0
    for access, given, method in (
        (study(UNRELATED_STUDY), token, "get"),
        (study(SHARED_STUDY), token, "delete"),
        (study(SHARED_STUDY), None, "get"),
        (study(SHARED_STUDY), "Bearer a.b.c", "get"),
        ({"level": "patient", "orthanc-id": ORTHANC_ID, "dicom-uid": "9990000018"}, token, "get"),
        (system("/system"), token, "get"),
    ):
        with pytest.raises(Denied, match="False"):
            plugin.is_granted(access, given, method=method)


def test_orthancs_plugin_learns_whose_token_it_is_and_what_it_opens_to_a_search(
    running_service: RunningService, plugin: Plugin
) -> None:
    token = f"Bearer {running_service.token(REPORTER, SHARED_STUDY, actions=['search'])}"
    known = plugin.profile(token)
    assert (known["groups"], known["permissions"], known["authorized-labels"]) == (["consultant_radiologist"], [], [])
    assert plugin.profile(None)["name"] == "anonymous"
    assert plugin.profile_of_user("somebody") is None
    assert plugin.decode(token) == ({SHARED_STUDY}, "")
    assert plugin.decode("Bearer a.b.c") == (set(), "invalid")


def test_orthancs_plugin_makes_no_link_and_sets_no_role(plugin: Plugin) -> None:
    with pytest.raises(Denied, match="403"):
        plugin.create_token("ohif-viewer-publication", [study(SHARED_STUDY)])
    held = plugin.roles()
    assert plugin.set_roles(held) == held
    held["roles"]["clinician"]["permissions"] = ["view"]
    with pytest.raises(Denied, match="403"):
        plugin.set_roles(held)


def test_orthancs_plugin_with_another_key_or_a_body_that_breaks_off_is_refused(plugin: Plugin) -> None:
    with pytest.raises(Denied, match="400"):
        plugin.send("POST", "/tokens/validate", {"method": "get"})
    plugin.password = "x"
    with pytest.raises(Denied, match="401"):
        plugin.is_granted(study(SHARED_STUDY), None)


WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_NAMED = "all it needs is in its path"
LEFT_OUT = {
    "/access/v1/request/<task_id>/revoke": _NAMED,
    "/agreements/v1/keys/<key_id>/revoke": _NAMED,
    "/alerts/v1/suppressions/<suppression_id>/approve": _NAMED,
    "/console/sign-out": "its form is read as every other one's, and it ends the session that those need",
    "/enforce/envoy/<anything:original>": "Envoy leaves out the body of the request it asks about",
    "/federation/v1/manifests/<service_id>/<version>/approve": _NAMED,
    "/federation/v1/manifests/<service_id>/<version>/withdraw": _NAMED,
    "/federation/v1/sessions/<handle>/end": _NAMED,
    "/fhir/AuditEvent/<identifier>": "nobody changes an event",
}
VALUES = {  # any other one is "none"
    "index": "0",
    "kind": "viewer-instant-link",
    "study_uid": "1.2.3",
    "tenant": "meeting_rooms",
}
_PARAMETER = re.compile(r"{([^{}]+)}")
BODIES = {  # each is refused for what is in it, and no body for what is not
    "application/fhir+json": '{"resourceType": "Basic"}',
    "application/x-ndjson": '{"number": 1}',
    "application/json": '{"number": 1e999}',
    "application/x-www-form-urlencoded": "grant_type=none&token=none&_count=many",
    "application/yaml": "id: [",
}


@dataclass(frozen=True)
class Way:
    """How a route is asked: by whom, and with what body."""

    method: str
    url: str
    headers: dict[str, str]
    text: str
    client: Surface | None = None  # that proves itself in the body

    def body(self) -> bytes:
        """Make a body; a proof is good for one."""
        if self.client is None:
            return self.text.encode()
        proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.client.assertion()}
        return f"{self.text}&{urlencode(proof)}".encode()


def test_every_route_that_takes_a_body_takes_it_in_chunks(
    running_service: RunningService, everybody: Surface, app: Flask
) -> None:
    ways = programs(running_service, everybody) | people(running_service, app)
    writing = {described(rule.rule) for rule in app.url_map.iter_rules() if WRITES & (rule.methods or set())}
    assert writing == ways.keys() | {described(rule) for rule in LEFT_OUT}
    for path, way in ways.items():
        whole, in_one_chunk = answer(way, way.body()), answer(way, iter([way.body()]))
        body = way.body()
        in_two_chunks = answer(way, iter([body[:9], body[9:]]))
        assert in_one_chunk == in_two_chunks == whole, path
        assert answer(way, b"") != whole, path


@pytest.fixture
def everybody(running_service: RunningService, tmp_path: Path) -> Surface:
    """Register a service of the network's office that may do everything."""
    made = Credentials.made("room-panels")  # whom the tenant names
    row = {"client_id": made.client_id, "ods": network.OFFICE, "name": "Everybody", "kind": "service"}
    row |= {"jwks": made.jwks(), "scopes": [scope.value for scope in Scope], "writes_for": "region"}
    file = tmp_path / "everybody.yaml"
    file.write_text(json.dumps({"clients": [row]}))
    done = running_service.command("federation", "load", str(file))
    assert done.returncode == 0, done.stderr
    return Surface(running_service.url, made, ())


def programs(service: RunningService, everybody: Surface) -> dict[str, Way]:
    """Give how each route of the API is asked, by its description of itself."""
    key = f"{network.archive_id(OWNER)}:{service.parties.enforcement_key()}"
    basic, bearer = f"Basic {base64.b64encode(key.encode()).decode()}", f"Bearer {everybody.bearer()}"
    document = requests.get(f"{service.url}/openapi.json", timeout=TIMEOUT).json()
    ways = {}
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            if "requestBody" in told:
                media = next(media for media in BODIES if media in told["requestBody"]["content"])
                who = {"Authorization": basic if path.startswith("/enforce") else bearer}
                proves = path.startswith("/oauth")
                headers = {"Content-Type": media} | ({} if proves else who)
                url = service.url + _filled(path)
                ways[path] = Way(method.upper(), url, headers, BODIES[media], everybody if proves else None)
    return ways


def _filled(path: str) -> str:
    return _PARAMETER.sub(lambda found: VALUES.get(found[1], "none"), path)


def people(service: RunningService, app: Flask) -> dict[str, Way]:
    """Give how each form of the console is sent, by an officer."""
    browser = service.sign_in("ig.officer.rrk")
    home = browser.get(f"{service.url}/console/", timeout=TIMEOUT).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', home)
    assert token is not None
    cookies = "; ".join(f"{each.name}={each.value}" for each in browser.cookies)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookies}
    paths = {
        described(rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/console") and "POST" in (rule.methods or set()) and rule.rule not in LEFT_OUT
    }
    return {path: Way("POST", service.url + _filled(path), headers, f"csrf_token={token[1]}") for path in sorted(paths)}


def described(rule: str) -> str:
    """Write the rule of a route as the API's description does."""
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule)


def answer(way: Way, body: bytes | Iterator[bytes]) -> tuple[int, str]:
    """Give what is said to a body, in chunks if it is an iterator; of a page, its heading."""
    answered = requests.request(way.method, way.url, data=body, headers=way.headers, timeout=TIMEOUT)
    heading = re.search(r"<h1.*?</h1>", answered.text, re.DOTALL)
    return answered.status_code, heading[0] if heading else answered.text
