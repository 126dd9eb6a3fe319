"""Writes ``docs/settings.md`` from the declaration: name, sentence, values and default of each setting."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from governance.settings.declaration import Settings
from governance.settings.faults import plain, variable
from governance.settings.values import Written

_HEAD = """\
# Settings

The service reads its settings from the environment, once, at start. Outside the demo profile it refuses to start while
a required one is missing or unsafe, and lists every fault at once. `python app.py check-settings` does only that, and
looks whether what they name can be used: [operations.md](operations.md#start).

No secret has a default. The demo profile (`python app.py demo`, `make run`) makes its own random keys on the first
start and keeps them in `.demo/`, readable by their owner only.

`make docs` writes this page from the declaration, `governance/settings/declaration.py`.

| variable | meaning | values | default |
|---|---|---|---|
"""
_FOOT = """
A key is made with `openssl rand -base64 32`. Keep the pseudonym key and the key-encryption key apart from the
database's backups: together they are the identities, apart they are nothing. Losing the pseudonym key makes every
stored pseudonym unreachable; losing the key-encryption key erases every sealed identity.
"""


def markdown() -> str:
    """Give the whole page."""
    rows = (
        f"| `{variable(name)}` | {field.description} | {_values(field)} | {_default(field)} |\n"
        for name, field in Settings.model_fields.items()
    )
    return _HEAD + "".join(rows) + _FOOT


def _values(field: FieldInfo) -> str:
    """Say what may be written: by the mark of the type, its members, or its kind of number and bounds."""
    parts = [*field.metadata, *_parts(field.annotation)]
    for part in parts:
        if isinstance(part, Written):
            return part.form
        if get_origin(part) is Literal:
            *others, last = (f"`{member}`" for member in get_args(part))
            return f"{', '.join(others)} or {last}"
    kind = "whole number" if int in parts else "number" if float in parts else "text"
    return kind + _bounds(_bound(parts, "ge"), _bound(parts, "le"))


def _bound(parts: Sequence[object], kind: str) -> str | None:
    found = [getattr(part, kind) for part in parts if hasattr(part, kind)]
    return plain(found[0]) if found else None


def _parts(annotation: Any) -> Iterator[object]:
    """Give what a type is made of: the members of its unions, and what marks each."""
    yield annotation
    if get_origin(annotation) is Literal:
        return
    for part in get_args(annotation):
        yield from part.metadata if isinstance(part, FieldInfo) else _parts(part)


def _bounds(lowest: str | None, highest: str | None) -> str:
    match lowest, highest:
        case None, None:
            return ""
        case lowest, None:
            return f", {lowest} or more"
        case None, highest:
            return f", {highest} or less"
        case lowest, highest:
            return f", {lowest} to {highest}"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default_factory_takes_validated_data:
        return "unset"
    match field.get_default(call_default_factory=True):
        case bool() as on:
            return "`on`" if on else "`off`"
        case int() | float() | str() as value:
            return f"`{value}`"
        case _:
            return "unset"
