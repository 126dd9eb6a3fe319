"""Agreements out and in over HTTP: in three formats, asked for in two ways, all or nothing."""

import json

import pytest
import yaml
from flask import Flask

from governance.agreements.documents import parse
from governance.agreements.packing import Format
from governance.bootstrap import Services
from governance.vocabulary import Scope
from tests.worlds.agreement_callers import AgreementsApi
from tests.worlds.agreements import OFFICE, World, document

YAML, JSON, LINES = "application/yaml", "application/json", "application/x-ndjson"


@pytest.fixture
def api(app: Flask, services: Services) -> AgreementsApi:
    """Speak to the agreements of a running service."""
    return AgreementsApi(app, services)


@pytest.fixture
def packed(services: Services, elsewhere: World) -> str:
    """Give what another service exported: two versions, signed."""
    elsewhere.active()
    elsewhere.active(version=2)
    return "".join(json.dumps(item) + "\n" for item in elsewhere.service.transfer.register())


@pytest.mark.parametrize("media_type", [YAML, JSON, LINES])
def test_out_and_in_again(api: AgreementsApi, packed: str, media_type: str) -> None:
    answer = api.send("/import", packed, LINES, "QHL")
    assert answer.status_code == 201, answer.get_json()
    assert [(one["version"], one["status"]) for one in answer.get_json()["versions"]] == [(1, "signed"), (2, "signed")]
    whole = api.fetch("/export", "QHL", Accept=media_type)
    assert (whole.status_code, whole.mimetype, whole.headers["Vary"]) == (200, media_type, "Accept")
    again = api.send("/import", whole.data, media_type, "QHL")
    assert again.get_json() == answer.get_json()
    assert api.fetch("/export", "QHL", Accept=media_type).data == whole.data


def test_one_version_or_all(api: AgreementsApi, packed: str) -> None:
    api.send("/import", packed, LINES, "QHL")
    path = "/agreements/two-trusts/export"
    (newest,) = yaml.safe_load_all(api.get(path).data)
    assert newest["agreement"]["version"] == 2
    assert {line["ods"] for line in newest["signatures"]} == {"RKB", "RRK"}
    (first,) = api.get(f"{path}?version=1&format=json").get_json()
    assert first["agreement"]["version"] == 1
    lines = parse(api.get(f"{path}?all_versions=true&format=ndjson").text, "answer", Format.NDJSON)
    assert [one["agreement"]["version"] for one in lines] == [1, 2]


def test_what_is_wrong_is_named_and_nothing_arrives(api: AgreementsApi) -> None:
    body = yaml.safe_dump_all([document(), document({"/dpia": ""}, id="bad"), {"agreement": document({"/title": ""})}])
    answer = api.send("/import", body, YAML, "QHL")
    assert answer.status_code == 400
    assert {one["pointer"] for one in answer.get_json()["errors"]} == {"/1/dpia", "/2/agreement/title"}
    assert api.get("/agreements", "QHL").get_json()["agreements"] == []


@pytest.mark.parametrize(
    ("body", "media_type", "status", "reason"),
    [
        ("id: [", YAML, 400, "input.invalid"),
        (b"\xff", YAML, 400, "body.malformed"),
        ("{}", "text/plain", 415, "http.unsupported_media_type"),
        (b"x" * (16 * 1024 * 1024 + 1), JSON, 413, "http.request_entity_too_large"),
    ],
)
def test_what_cannot_be_read_says_why(
    api: AgreementsApi, body: bytes | str, media_type: str, status: int, reason: str
) -> None:
    answer = api.send("/import", body, media_type)
    assert (answer.status_code, answer.get_json()["reason"]) == (status, reason)


def test_a_format_there_is_not_says_so(api: AgreementsApi) -> None:
    assert api.fetch("/export", Accept="text/csv").status_code == 406
    assert api.get("/export?format=csv").status_code == 400
    assert api.get("/agreements/two-trusts/export?all_versions=true&version=1").status_code == 400
    assert api.get("/agreements/two-trusts/export").status_code == 404


def test_a_trust_gives_and_gets_its_own(api: AgreementsApi, services: Services, packed: str) -> None:
    refused = api.send("/import", packed, LINES, "RRK")
    assert refused.status_code == 400
    assert {one["pointer"] for one in refused.get_json()["errors"]} == {
        "/0/signatures/0/key_id",
        "/1/signatures/0/key_id",
    }
    assert api.send("/import", packed, LINES, "RNA").status_code == 403
    services.registers.agreements.load([document()], OFFICE)
    assert len(list(yaml.safe_load_all(api.get("/export", "RKB").data))) == 1
    assert api.get("/export", "RNA").data == b""
    assert api.get("/agreements/two-trusts/export", "RNA").status_code == 404


def test_scopes_are_asked_for(api: AgreementsApi) -> None:
    assert api.get("/export", scopes=(Scope.AGREEMENTS_WRITE,)).status_code == 403
    assert api.post("/import", [], scopes=(Scope.AGREEMENTS_READ,)).status_code == 403
