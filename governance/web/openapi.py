"""OpenAPI 3.1 from what each view says of itself."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from governance import __version__
from governance.web.authentication import rule_of

View = TypeVar("View", bound=Callable[..., Any])
_OPERATION = "__operation__"
_PARAMETER = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
_REFERENCE = "#/components/schemas/{model}"


@dataclass(frozen=True, slots=True)
class Operation:
    """What a view says of itself."""

    summary: str
    tag: str
    request: type[BaseModel] | None
    response: type[BaseModel] | None
    query: type[BaseModel] | None
    request_media: str
    response_media: str
    status: int


def operation(
    *,
    summary: str,
    tag: str,
    request: type[BaseModel] | None = None,
    response: type[BaseModel] | None = None,
    query: type[BaseModel] | None = None,
    request_media: str = "application/json",
    response_media: str = "application/json",
    status: int = 200,
) -> Callable[[View], View]:
    """Describe a view for ``/openapi.json``: models of its body, answer and query, media types and success status."""

    def decorate(view: View) -> View:
        described = Operation(summary, tag, request, response, query, request_media, response_media, status)
        setattr(view, _OPERATION, described)
        return view

    return decorate


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """Give what a view says of itself, None when it is silent."""
    return getattr(view, _OPERATION, None)


def build(app: Flask, server: str) -> dict[str, Any]:
    """Build the document of every described route.

    Args:
        app: the application with its routes registered.
        server: the public base URL.
    """
    described = [
        (rule, app.view_functions[rule.endpoint], found)
        for rule in app.url_map.iter_rules()
        if (found := operation_of(app.view_functions[rule.endpoint])) is not None
    ]
    models = {m for _, _, op in described for m in (op.request, op.response, op.query) if m is not None}
    modes: list[tuple[type[BaseModel], Any]] = [
        (model, "validation") for model in sorted(models, key=lambda m: m.__name__)
    ]
    _, definitions = models_json_schema(modes, ref_template=_REFERENCE)
    schemas = definitions.get("$defs", {}) | {"Problem": _PROBLEM}
    paths: dict[str, Any] = {}
    for rule, view, op in described:
        path = paths.setdefault(_PARAMETER.sub(r"{\1}", rule.rule), {})
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            path[method.lower()] = _describe(rule.endpoint, method, sorted(rule.arguments), view, op)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Imaging governance",
            "version": __version__,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": server}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT (RFC 9068)"}},
        },
    }


def _describe(
    endpoint: str, method: str, arguments: list[str], view: Callable[..., Any], op: Operation
) -> dict[str, Any]:
    rule = rule_of(view)
    path = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in arguments]
    answer: dict[str, Any] = {"description": op.summary}
    if op.response is not None or op.response_media != "application/json":
        answer["content"] = {op.response_media: _schema(op.response)}
    problem = {
        "description": "What is wrong (RFC 9457)",
        "content": {"application/problem+json": _reference("Problem")},
    }
    made: dict[str, Any] = {
        "operationId": f"{endpoint.replace('.', '_')}_{method.lower()}",
        "summary": op.summary,
        "tags": [op.tag],
        "parameters": path + _query_parameters(op.query),
        "responses": {str(op.status): answer, "default": problem},
        "security": [{"bearer": [rule.scope.value]}] if rule is not None and rule.scope is not None else [],
    }
    if method in {"POST", "PUT", "PATCH"} and (op.request is not None or op.request_media != "application/json"):
        made["requestBody"] = {"required": True, "content": {op.request_media: _schema(op.request)}}
    return made


def _query_parameters(model: type[BaseModel] | None) -> list[dict[str, Any]]:
    if model is None:
        return []
    schema = model.model_json_schema()
    required = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _inline(value, schema.get("$defs", {}))}
        for name, value in schema["properties"].items()
    ]


def _inline(value: Any, definitions: dict[str, Any]) -> Any:
    """Replace references of a parameter's schema by what they name: parameters have no place for definitions."""
    if isinstance(value, dict):
        if "$ref" in value:
            return _inline(definitions[value["$ref"].rsplit("/", 1)[-1]], definitions)
        return {key: _inline(item, definitions) for key, item in value.items()}
    return [_inline(item, definitions) for item in value] if isinstance(value, list) else value


def _schema(model: type[BaseModel] | None) -> dict[str, Any]:
    return {"schema": {}} if model is None else _reference(model.__name__)


def _reference(name: str) -> dict[str, Any]:
    return {"schema": {"$ref": _REFERENCE.format(model=name)}}


_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "reason", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "reason": {"type": "string", "description": "a stable machine code"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
