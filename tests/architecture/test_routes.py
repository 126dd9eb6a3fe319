"""Every route says who may call it and describes itself; the OpenAPI document is valid and matches the routes."""

import json
import re
from typing import Any

import jsonschema
import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel

from governance.api.audit.event_schemas import NativeEvent
from governance.api.audit.fhir_schemas import AuditEventQuery
from governance.api.audit.fhir_search import PARAMETERS as FHIR_PARAMETERS
from governance.api.parameters import GROUPS, PARAMETERS
from governance.formats import native
from governance.web.authentication import rule_of
from governance.web.openapi import build, operation_of
from governance.web.openapi.schemas import definitions


def described(app: Flask) -> dict[str, Any]:
    """Give the document of the application's routes."""
    return build(app, "http://127.0.0.1:8080", PARAMETERS, GROUPS)


def operations(app: Flask) -> list[tuple[str, dict[str, Any]]]:
    """Give every operation of the document with its name."""
    return [
        (f"{method.upper()} {path}", op)
        for path, methods in described(app)["paths"].items()
        for method, op in methods.items()
    ]


def test_every_route_declares_who_may_call_it(app: Flask) -> None:
    silent = [
        f"{rule.rule} ({rule.endpoint})"
        for rule in app.url_map.iter_rules()
        if rule_of(app.view_functions[rule.endpoint]) is None
    ]
    assert silent == []


def test_a_public_route_says_why(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        declared = rule_of(app.view_functions[rule.endpoint])
        assert declared is not None
        assert declared.scope is not None or (declared.why_public and len(declared.why_public) > 10)


def test_every_api_route_describes_itself(app: Flask) -> None:
    silent = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if not rule.rule.startswith(("/console", "/static", "/assets"))
        and operation_of(app.view_functions[rule.endpoint]) is None
    ]
    assert silent == []


def test_the_document_is_valid_openapi_and_names_exactly_the_routes(app: Flask) -> None:
    document = described(app)
    OpenAPIV31SpecValidator(document).validate()
    named = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    served = {
        (re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        if operation_of(app.view_functions[rule.endpoint]) is not None
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert named == served


@pytest.mark.parametrize("path", ["/metrics", "/audit/v1/events", "/alerts/v1/alerts", "/log/checkpoint"])
def test_nobody_gets_nothing(app: Flask, path: str) -> None:
    answer = app.test_client().get(path)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.get_json()["reason"] == "credential.missing"


def test_every_body_and_answer_has_a_schema_and_every_refusal_its_status(app: Flask) -> None:
    poor = []
    for name, op in operations(app):
        contents = [
            op.get("requestBody", {}).get("content", {}),
            *(a.get("content", {}) for a in op["responses"].values()),
        ]
        poor += [name for content in contents for media in content.values() if not media["schema"]]
        expected = {"401", "403"} if op["security"] else set()
        expected |= {"400", "413", "415"} if "requestBody" in op else set()
        expected |= {"404"} if any(one["in"] == "path" for one in op["parameters"]) else set()
        poor += [f"{name}: {status}" for status in sorted(expected - set(op["responses"]))]
    assert poor == []


def test_every_operation_is_in_a_group_and_every_group_has_operations(app: Flask) -> None:
    assert {tag for _, op in operations(app) for tag in op["tags"]} == {group.tag for group in GROUPS}


def test_every_described_path_parameter_is_one(app: Flask) -> None:
    used = {one["name"] for _, op in operations(app) for one in op["parameters"] if one["in"] == "path"}
    assert used == set(PARAMETERS)


def test_two_schemas_of_one_name_are_refused() -> None:
    def made(field: type) -> type[BaseModel]:
        return type("Action", (BaseModel,), {"__annotations__": {"name": field}, "__module__": f"of_{field.__name__}"})

    with pytest.raises(ValueError, match="share a name: of_int__Action, of_str__Action"):
        definitions([made(int), made(str)])


def test_every_example_is_valid_by_its_schema(app: Flask) -> None:
    document = described(app)
    checked = 0
    for op in (op for _, op in operations(app)):
        for media in op.get("requestBody", {}).get("content", {}).values():
            if "example" not in media:
                continue
            schema = media.get("x-itemSchema", media["schema"]) | {"components": document["components"]}
            lines = "x-itemSchema" in media
            values = [json.loads(line) for line in media["example"].splitlines()] if lines else [media["example"]]
            for value in values:
                jsonschema.validate(value, schema)
                checked += 1
    assert checked > 10


def test_the_described_event_is_the_one_that_is_read() -> None:
    def members(model: type[BaseModel]) -> set[str]:
        return {field.alias or name for name, field in model.model_fields.items()}

    read = {
        "NativeEvent": native._EVENT,
        "EventAuthority": native._AUTHORITY,
        "EventEmergency": native._BREAK_GLASS,
        "EventResource": native._RESOURCE,
        "EventSource": native._SOURCE,
        "EventSubject": native._SUBJECT,
    }
    schemas = NativeEvent.model_json_schema()
    shown = {name: set(part["properties"]) for name, part in schemas["$defs"].items() if "properties" in part}
    assert shown | {"NativeEvent": set(schemas["properties"])} == {name: set(known) for name, known in read.items()}
    assert members(AuditEventQuery) == set(FHIR_PARAMETERS)
