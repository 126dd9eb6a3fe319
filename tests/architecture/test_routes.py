"""Every route says who may call it and describes itself; the OpenAPI document is valid and matches the routes."""

import re

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from governance.web.authentication import rule_of
from governance.web.openapi import build, operation_of


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
    document = build(app, "http://127.0.0.1:8080")
    OpenAPIV31SpecValidator(document).validate()
    described = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    served = {
        (re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        if operation_of(app.view_functions[rule.endpoint]) is not None
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert described == served


@pytest.mark.parametrize("path", ["/metrics", "/audit/v1/events", "/alerts/v1/alerts", "/log/checkpoint"])
def test_nobody_gets_nothing(app: Flask, path: str) -> None:
    answer = app.test_client().get(path)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.get_json()["reason"] == "credential.missing"
