"""Schemas of the API's description: bodies and answers by media type, errors by the shape of their readers."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import models_json_schema

from governance.web.openapi.declaration import Errors

NDJSON = "application/x-ndjson"
FORM = "application/x-www-form-urlencoded"
_REFERENCE = "#/components/schemas/{model}"
_JSON = ("json",)  # how media types of JSON end


class FieldFault(BaseModel):
    """One fault: where in the input, and what is wrong. The value is never repeated."""

    pointer: str
    detail: str


class Problem(BaseModel):
    """What is wrong (RFC 9457); ``reason`` is a stable code for machines."""

    type: str
    title: str
    status: int
    reason: str
    detail: str
    errors: list[FieldFault] | None = None


class OAuthError(BaseModel):
    """What is wrong, as OAuth clients read it (RFC 6749 section 5.2); a denied exchange names its decision."""

    error: str
    error_description: str
    decision_id: str | None = None
    log_index: int | None = None
    reasons: list[str] | None = None
    requestable: bool | None = None


class OperationOutcome(BaseModel):
    """What is wrong, as FHIR clients read it (R4 section 2.35)."""

    model_config = ConfigDict(extra="allow")

    resourceType: str  # noqa: N815 - FHIR's name
    issue: list[dict[str, Any]]


SHAPES: Mapping[Errors, tuple[type[BaseModel], str]] = {
    Errors.PROBLEM: (Problem, "application/problem+json"),
    Errors.OAUTH: (OAuthError, "application/json"),
    Errors.FHIR: (OperationOutcome, "application/fhir+json"),
}


def definitions(models: Iterable[type[BaseModel]]) -> dict[str, Any]:
    """Give the schema of every model and of what it is made of, by name.

    Raises:
        ValueError: two different models have one name: a generated client could not tell them apart.
    """
    ordered = sorted(set(models), key=lambda model: (model.__name__, model.__module__))
    _, made = models_json_schema([(model, "validation") for model in ordered], ref_template=_REFERENCE)
    found: dict[str, Any] = made.get("$defs", {})
    long_names = [name for name in found if "__" in name]
    if long_names:
        raise ValueError(f"schemas share a name: {', '.join(sorted(long_names))}")
    return found


def reference(model: type[BaseModel]) -> dict[str, Any]:
    """Refer to a model's schema."""
    return {"$ref": _REFERENCE.format(model=model.__name__)}


def content(model: type[BaseModel] | None, media: str, also: Iterable[str] = (), example: Any = None) -> dict[str, Any]:
    """Give the ``content`` of a body or an answer, for each of its media types."""
    kinds = (media, *also)
    made = {kind: _one(model, kind, lines=NDJSON in kinds) for kind in kinds}
    if example is not None:
        for kind in kinds:
            if kind == NDJSON or kind.endswith(_JSON):
                made[kind]["example"] = example if kind == media or media != NDJSON else _items(example)
    return made


def _one(model: type[BaseModel] | None, media: str, *, lines: bool) -> dict[str, Any]:
    if media == NDJSON:
        what = f"One {model.__name__} a line" if model else "One JSON object a line"
        made: dict[str, Any] = {"schema": {"type": "string", "format": "binary", "description": what}}
        return made | ({"x-itemSchema": reference(model)} if model else {})
    if media.endswith(_JSON) or media == FORM:
        schema = {"type": "object"} if model is None else reference(model)
        return {"schema": {"type": "array", "items": schema} if lines else schema}
    if media.startswith("text/") or media.endswith(("xml", "yaml")):
        return {"schema": {"type": "string"}}
    return {"schema": {"type": "string", "format": "binary"}}


def _items(lines: Any) -> list[Any]:
    """Give the JSON array that says the same as NDJSON."""
    return [json.loads(line) for line in str(lines).splitlines() if line]
