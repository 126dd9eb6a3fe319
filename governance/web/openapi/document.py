"""The OpenAPI 3.1 document of every described route."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask
from pydantic import BaseModel
from werkzeug.routing import IntegerConverter, Rule

from governance import __version__
from governance.web.authentication import rule_of
from governance.web.openapi.declaration import Operation, operation_of
from governance.web.openapi.schemas import SHAPES, content, definitions, reference

_PARAMETER = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
_JSON = "application/json"
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_MEANINGS = {
    400: "The input is not valid; every fault is named by where it is.",
    401: "Nobody, or nobody we know, is asking.",
    403: "Whoever asks may not do this.",
    404: "There is no such thing, or it is not the caller's to see.",
    408: "The body did not come in time.",
    413: "The body is too large.",
    415: "The body has another media type than is taken here.",
    503: "This cannot be done now; Retry-After says when to try again.",
}


@dataclass(frozen=True, slots=True)
class Group:
    """Operations that belong together: a tag, what it is about, and who asks."""

    tag: str
    about: str
    audience: str


def build(app: Flask, server: str, parameters: Mapping[str, str], groups: Sequence[Group]) -> dict[str, Any]:
    """Build the document of every described route.

    Args:
        app: the application with its routes registered.
        server: the public base URL.
        parameters: what each parameter of a path is, by its name.
        groups: the tags, in the order in which people read them.
    """
    described = [
        (rule, app.view_functions[rule.endpoint], found)
        for rule in app.url_map.iter_rules()
        if (found := operation_of(app.view_functions[rule.endpoint])) is not None
    ]
    paths: dict[str, Any] = {}
    for rule, view, op in described:
        path = paths.setdefault(_PARAMETER.sub(r"{\1}", rule.rule), {})
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            path[method.lower()] = _describe(rule, method, view, op, parameters)
    models = {m for _, _, op in described for m in (op.request, op.response, *(b for _, b in op.also.values())) if m}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Imaging governance",
            "version": __version__,
            "summary": "Data-sharing agreements as policy, tokens for cross-trust access, an audit of every access",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": server}],
        "tags": [{"name": one.tag, "description": one.about, "x-audience": one.audience} for one in groups],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": definitions(models | {model for model, _ in SHAPES.values()}),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT (RFC 9068)"}},
        },
    }


def _describe(
    rule: Rule, method: str, view: Callable[..., Any], op: Operation, parameters: Mapping[str, str]
) -> dict[str, Any]:
    access = rule_of(view)
    scope = access.scope if access else None
    has_body = method in _WITH_BODY and (op.request is not None or op.request_media != _JSON)
    made: dict[str, Any] = {
        "operationId": f"{rule.endpoint.replace('.', '_')}_{method.lower()}",
        "summary": op.summary,
        "description": " ".join((view.__doc__ or op.summary).split()),
        "tags": [op.tag],
        "parameters": [*_in_path(rule, parameters), *_in_query(op.query), *_in_header(op.headers)],
        "responses": _responses(op, has_body=has_body, asks=scope is not None, named=bool(rule.arguments)),
        "security": [{"bearer": [scope.value]}] if scope is not None else [],
    }
    if has_body:
        made["requestBody"] = {
            "required": True,
            "content": content(op.request, op.request_media, op.request_also, op.example),
        }
    return made


def _responses(op: Operation, *, has_body: bool, asks: bool, named: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": op.summary}
    if op.response is not None or op.response_media != _JSON:
        answer["content"] = content(op.response, op.response_media, op.response_also)
    statuses = {
        400: has_body or op.query is not None,
        401: asks,
        403: asks,
        404: named,
        408: has_body,
        413: has_body,
        415: has_body,
        503: asks or has_body,
    }
    meanings = {status: _MEANINGS[status] for status, applies in statuses.items() if applies} | dict(op.refusals)
    further: dict[str, Any] = {}
    for status, (meaning, body) in op.also.items():
        further[str(status)] = {"description": meaning} | ({"content": content(body, _JSON)} if body else {})
    meanings = {status: meaning for status, meaning in meanings.items() if status not in {op.status, *op.also}}
    model, media = SHAPES[op.errors]
    refused = {"content": {media: {"schema": reference(model)}}}
    return {
        str(op.status): answer,
        **further,
        **{str(status): {"description": meaning, **refused} for status, meaning in sorted(meanings.items())},
        "default": {"description": "Anything else that went wrong.", **refused},
    }


def _in_path(rule: Rule, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
    converters = rule._converters  # noqa: SLF001 - werkzeug offers no other way to ask
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": parameters.get(name, ""),
            "schema": {"type": "integer"} if isinstance(converters.get(name), IntegerConverter) else {"type": "string"},
        }
        for name in sorted(rule.arguments)
    ]


def _in_query(model: type[BaseModel] | None) -> list[dict[str, Any]]:
    if model is None:
        return []
    schema = model.model_json_schema()
    required = set(schema.get("required", ()))
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            **({"description": value["description"]} if "description" in value else {}),
            "schema": _inline(value, schema.get("$defs", {})),
        }
        for name, value in schema["properties"].items()
    ]


def _in_header(headers: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "header", "required": False, "description": meaning, "schema": {"type": "string"}}
        for name, meaning in headers.items()
    ]


def _inline(value: Any, known: dict[str, Any]) -> Any:
    """Replace references of a parameter's schema by what they name: parameters have no place for definitions."""
    if isinstance(value, dict):
        if "$ref" in value:
            return _inline(known[value["$ref"].rsplit("/", 1)[-1]], known)
        return {key: _inline(item, known) for key, item in value.items()}
    return [_inline(item, known) for item in value] if isinstance(value, list) else value
