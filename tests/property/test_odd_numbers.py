"""No number, wherever it stands in a request, is a fault of ours: each route answers it, and says which field it is."""

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from governance.bootstrap import Services
from governance.vocabulary import Scope
from tests.worlds.callers import REGION, Callers

JSON, NDJSON = "application/json", "application/x-ndjson"
HUGE = 10**400
BEYOND = (HUGE, 2**63)
WITHIN = (2**63 - 1, -(2**63), 1.5e308)
TEXTS = (
    "9" * 400,
    "-" + "9" * 400,
    "1e400",
    "NaN",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "99999999999999999999-01-01",
    "\u0664\u0662",
)
Path = tuple[str | int, ...]


@pytest.fixture
def caller(app: Flask, services: Services) -> tuple[FlaskClient, dict[str, str]]:
    """Speak as a service of the network's own organisation that holds every scope."""
    callers = Callers(app, services)
    return callers.http, callers.headers("office", REGION, list(Scope))


def example(schema: Mapping[str, Any], document: Mapping[str, Any], depth: int = 0) -> Any:
    """Make a value of a schema, with every member it may have."""
    if "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return example(found, document, depth + 1) if depth < 12 else None
    for either in ("anyOf", "oneOf", "allOf"):
        if either in schema:
            return example(schema[either][0], document, depth)
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        return {name: example(part, document, depth + 1) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [example(schema.get("items", {}), document, depth + 1)]
    return {"integer": 1, "number": 1, "boolean": True, "string": "x"}.get(str(kind), {})


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Give where the values of an example stand, the whole of it first."""
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield from leaves(member, (*path, name))


def put(value: Any, path: Path, new: Any) -> Any:
    """Give an example with one of its values replaced."""
    if not path:
        return new
    made = dict(value) if isinstance(value, dict) else list(value)
    made[path[0]] = put(value[path[0]], path[1:], new)
    return made


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            yield path, method.upper(), described


def fill(path: str, value: str) -> str:
    """Fill the places of a route."""
    return "/".join(value if part.startswith("{") else part for part in path.split("/"))


def answered(answer: TestResponse, what: object) -> None:
    body = answer.get_data(as_text=True)
    assert answer.status_code < 500 or answer.status_code == 503, (what, answer.status_code, body[:300])
    assert '"reason": "internal"' not in body, what


def test_a_number_in_a_body_is_answered_wherever_it_stands(
    caller: tuple[FlaskClient, dict[str, str]],
) -> None:
    http, headers = caller
    document = http.get("/openapi.json").get_json()
    sent = 0
    for path, method, described in operations(document):
        media = described.get("requestBody", {}).get("content", {}).get("application/json")
        if media is None:
            continue
        whole = example(media["schema"], document)
        for place, number in itertools.product(leaves(whole), (*BEYOND, *WITHIN)):
            body = json.dumps(put(whole, place, number))
            answer = http.open(
                fill(path, "1"), method=method, data=body, headers=headers, content_type="application/json"
            )
            answered(answer, (method, path, place))
            if number in BEYOND and answer.status_code == 400 and answer.mimetype == "application/problem+json":
                pointers = [fault["pointer"] for fault in answer.get_json().get("errors", [])]
                assert pointers, (method, path, place)
            sent += 1
    assert sent > 300


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_number_in_an_address_is_answered_wherever_it_stands(
    caller: tuple[FlaskClient, dict[str, str]], text: str
) -> None:
    http, headers = caller
    for path, method, described in operations(http.get("/openapi.json").get_json()):
        if "stream" in path:
            continue
        names = [each["name"] for each in described.get("parameters", []) if each["in"] == "query"]
        for name in [*names, "limit", "offset", "_count", "date"]:
            answer = http.open(fill(path, "1"), method=method, query_string={name: text}, headers=headers)
            answered(answer, (method, path, name))
        if text:
            answered(http.open(fill(path, text[:900]), method=method, headers=headers), (method, path))


FEEDS = {
    "/catalogue/v1/studies": {"id": "1.2.3", "custodians": ["RRK"], "patient": "9990000018", "modality": "CT"},
    "/relationships/v1/edges": {
        "id": "e",
        "kind": "rota",
        "subject": "s",
        "ods": "RRK",
        "from": "2026-01-01T00:00:00Z",
    },
    "/relationships/v1/staff": {"id": "s", "ods": "RRK", "role": "nurse", "surname_share": 0.1},
    "/relationships/v1/patients": {"id": "9990000018", "surname_share": 0.1},
    "/audit/v1/events": {
        "id": "e1",
        "time": "2026-11-24T12:00:00Z",
        "source": {"id": "pacs", "ods": "RRK"},
        "kind": "export",
        "outcome": "success",
        "subject": {"id": "u", "type": "practitioner"},
        "resource": {"patient": "9990000018", "instances": 3},
        "bytes": 7,
    },
}


@pytest.mark.parametrize("path", FEEDS)
def test_a_number_in_a_feed_is_a_fault_of_its_line_that_names_the_field(
    caller: tuple[FlaskClient, dict[str, str]], path: str
) -> None:
    http, headers = caller
    row = FEEDS[path]
    for place, number in itertools.product(leaves(row), BEYOND):
        if not place:
            continue
        answer = http.post(
            path, data=json.dumps(put(row, place, number)), headers=headers, content_type="application/x-ndjson"
        )
        assert answer.status_code == 200, (place, answer.get_data(as_text=True))
        (rejected,) = answer.get_json()["rejected"]
        assert "/".join(map(str, place)) in rejected["reason"], (place, rejected)


def test_in_an_array_of_events_a_number_costs_its_neighbours_nothing(
    caller: tuple[FlaskClient, dict[str, str]],
) -> None:
    http, headers = caller
    good = FEEDS["/audit/v1/events"]
    rows = [good | {"id": "a"}, good | {"id": "b", "bytes": HUGE}, good | {"id": "c"}]
    for body in (json.dumps(rows), json.dumps(rows).replace(str(HUGE), "1e400")):
        answer = http.post("/audit/v1/events", data=body, headers=headers, content_type=JSON).get_json()
        assert answer["accepted"] + answer["duplicates"] == 2
        assert [each["line"] for each in answer["rejected"]] == [2]
        assert "/bytes" in answer["rejected"][0]["reason"]
