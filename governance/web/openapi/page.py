"""The description for people: what the OpenAPI document says, as one page without a script, grouped by who asks."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

_FOLDER = Path(__file__).parent
_TEMPLATE = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(
    (_FOLDER / "page.html").read_text()
)
STYLE = (_FOLDER / "page.css").read_text()
_DEPTH = 4  # levels of members that are shown; deeper ones are named by their schema


@dataclass(frozen=True, slots=True)
class Member:
    """One parameter or one member of a body: its path, where it goes, its type, whether it is needed, what it means."""

    name: str
    place: str
    kind: str
    required: bool
    meaning: str


@dataclass(frozen=True, slots=True)
class Body:
    """A body in one media type: its members, and an example."""

    media: str
    about: str
    members: tuple[Member, ...]
    example: str | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A status and what it means, with the schema of its body."""

    status: str
    meaning: str
    media: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    scope: str | None
    parameters: tuple[Member, ...]
    bodies: tuple[Body, ...]
    status: str
    answers: tuple[Body, ...]
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """The operations of one tag."""

    tag: str
    about: str
    audience: str
    entries: tuple[Entry, ...]


def page(document: Mapping[str, Any]) -> str:
    """Render the document as HTML."""
    sections = tuple(_sections(document))
    audiences = list(dict.fromkeys(section.audience for section in sections))
    return _TEMPLATE.render(info=document["info"], sections=sections, audiences=audiences)


def _sections(document: Mapping[str, Any]) -> Iterator[Section]:
    operations = [(path, method, op) for path, methods in document["paths"].items() for method, op in methods.items()]
    for tag in document["tags"]:
        own = tuple(_entry(document, *one) for one in operations if tag["name"] in one[2]["tags"])
        yield Section(tag["name"], tag["description"], tag["x-audience"], own)


def _entry(document: Mapping[str, Any], path: str, method: str, op: Mapping[str, Any]) -> Entry:
    success = next(iter(op["responses"]))
    refused = [(status, answer) for status, answer in op["responses"].items() if status != success]
    return Entry(
        id=op["operationId"],
        method=method.upper(),
        path=path,
        summary=op["summary"],
        description=_plain(op["description"]),
        scope=op["security"][0]["bearer"][0] if op["security"] else None,
        parameters=tuple(
            Member(one["name"], one["in"], _kind(document, one["schema"]), one["required"], one.get("description", ""))
            for one in op["parameters"]
        ),
        bodies=tuple(_bodies(document, op.get("requestBody", {}).get("content", {}))),
        status=success,
        answers=tuple(_bodies(document, op["responses"][success].get("content", {}))),
        refusals=tuple(
            Refusal(status, answer["description"], ", ".join(answer.get("content", {}))) for status, answer in refused
        ),
    )


def _bodies(document: Mapping[str, Any], content: Mapping[str, Any]) -> Iterator[Body]:
    for media, body in content.items():
        schema = body.get("x-itemSchema", body["schema"])
        example = body.get("example")
        if example is not None and not isinstance(example, str):
            example = json.dumps(example, indent=2, ensure_ascii=False)
        about = body["schema"].get("description") or _resolved(document, schema).get("description", "")
        yield Body(media, _plain(about), tuple(_members(document, schema, "", _DEPTH)), example)


def _members(document: Mapping[str, Any], schema: Mapping[str, Any], prefix: str, depth: int) -> Iterator[Member]:
    resolved = _resolved(document, schema)
    if resolved.get("type") == "array":
        yield from _members(document, resolved.get("items", {}), f"{prefix}[]", depth)
        return
    required = set(resolved.get("required", ()))
    for name, value in resolved.get("properties", {}).items():
        whole = f"{prefix}.{name}" if prefix and not prefix.endswith("[]") else f"{prefix}{name}"
        target = _resolved(document, value)
        meaning = value.get("description") or target.get("description", "")
        yield Member(whole, "body", _kind(document, value), name in required, _plain(meaning))
        if depth > 1:
            yield from _members(document, _object_of(document, value), whole, depth - 1)


def _plain(text: str) -> str:
    """Give a docstring's words without its marks for code."""
    return text.replace("``", "")


def _object_of(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the object among the alternatives of a member, if there is one."""
    options = schema.get("anyOf", [schema])
    return next((one for one in options if _resolved(document, one).get("type") in {"object", "array"}), {})


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    found: Mapping[str, Any] = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return found


def _kind(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Write the type of a value in words."""
    if "anyOf" in schema:
        return " or ".join(_kind(document, one) for one in schema["anyOf"])
    resolved = _resolved(document, schema)
    if "enum" in resolved:
        return " | ".join(map(str, resolved["enum"]))
    if "const" in resolved:
        return str(resolved["const"])
    if resolved.get("type") == "array":
        return f"list of {_kind(document, resolved.get('items', {}))}"
    kind = str(resolved.get("type", "any"))
    return f"{kind} ({resolved['format']})" if "format" in resolved else kind
