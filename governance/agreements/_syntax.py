"""YAML and JSON text to plain JSON values, with nothing guessed.

1. YAML is read by the JSON schema of YAML 1.2 (section 10.2): ``no`` is a word, ``08:00`` is a word, ``2027-01-01`` is
   a word, ``4.1`` is a number (and the document check then asks for quotes).
2. A key given twice, an alias, a tag and a number JSON cannot say are refused: each makes two readers see two texts.
3. A file may hold several YAML documents; each is one agreement.
"""

import json
import math
import re
from typing import Any

import yaml

from governance.errors import Fault

MAXIMUM_BYTES = 1024 * 1024
MAXIMUM_DEPTH = 12
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_LARGEST_EXACT = 2**53


class _RefusedError(Exception):
    """A construct this reader does not take."""


class _Loader(yaml.SafeLoader):
    """A safe loader with the implicit types of JSON and no others."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as the base class has it

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse aliases: they hide a text behind another and can grow without end."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise _RefusedError(f"line {mark.line + 1}: an alias (*name) is not allowed")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key given twice, and a key that is no scalar."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _RefusedError(f"line {key.start_mark.line + 1}: a key must be text")
            if key.value in seen:
                raise _RefusedError(f"line {key.start_mark.line + 1}: the key is given twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_DIGITS = tuple("-0123456789")
IMPLICIT_TYPES: tuple[tuple[str, re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (f"tag:yaml.org,2002:{tag}", re.compile(pattern), first)
    for tag, pattern, first in (
        ("null", r"^(?:null|~|)$", ("n", "~", "")),
        ("bool", r"^(?:true|false)$", ("t", "f")),
        ("int", r"^-?(?:0|[1-9][0-9]*)$", _DIGITS),
        ("float", r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)$", _DIGITS),
    )
)
for _tag, _pattern, _first in IMPLICIT_TYPES:
    _Loader.add_implicit_resolver(_tag, _pattern, list(_first))


def read_yaml(text: str) -> list[Any]:
    """Give the documents of a YAML text; raises ValueError that names the line."""
    try:
        return [value for value in yaml.load_all(text, Loader=_Loader) if value is not None]
    except _RefusedError as refused:
        raise ValueError(str(refused)) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        raise ValueError(f"line {line}: not valid YAML ({error.problem})") from None
    except yaml.YAMLError:
        raise ValueError("not valid YAML: a character that YAML does not allow") from None
    except (RecursionError, ValueError):
        raise ValueError("not valid YAML: nested too deeply or a number that cannot be read") from None


def read_json(text: str) -> list[Any]:
    """Give the one document of a JSON text, or the items of an array; raises ValueError."""
    value = _value(text)
    return value if isinstance(value, list) else [value]


def _value(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except _RefusedError as refused:
        raise ValueError(str(refused)) from None
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}: not valid JSON") from None
    except (RecursionError, ValueError):
        raise ValueError("not valid JSON: nested too deeply or a number that cannot be read") from None


def read_lines(text: str) -> list[Any]:
    """Give the value of each line of JSON lines, blank ones left out; raises ValueError that names the line."""
    found: list[Any] = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            found += [] if not line.strip() else [_value(line)]
        except ValueError as error:
            raise ValueError(f"line {number}: {str(error).removeprefix('line 1: ')}") from None
    return found


def plain_faults(value: Any, path: str = "", depth: int = 0) -> list[Fault]:
    """List what in a value is no plain JSON: odd types, unreadable characters, inexact numbers, too deep a nesting."""
    if depth > MAXIMUM_DEPTH:
        return [Fault(path, f"is nested more than {MAXIMUM_DEPTH} levels deep")]
    if isinstance(value, dict):
        return [fault for key, item in value.items() for fault in _entry_faults(key, item, path, depth)]
    if isinstance(value, list):
        return [fault for n, item in enumerate(value) for fault in plain_faults(item, f"{path}/{n}", depth + 1)]
    if isinstance(value, str):
        return [Fault(path, "holds a control or broken character")] if _CONTROL.search(value) else []
    if isinstance(value, float) and not math.isfinite(value):
        return [Fault(path, "must be a finite number")]
    if isinstance(value, int | float) and abs(value) >= _LARGEST_EXACT:
        return [Fault(path, "is a number too large to be exact")]
    return [] if value is None or isinstance(value, bool | int | float) else [Fault(path, "is not a plain JSON value")]


def pointer(part: object) -> str:
    """Escape one step of a JSON Pointer (RFC 6901 section 3)."""
    return str(part).replace("~", "~0").replace("/", "~1")


def _entry_faults(key: Any, item: Any, path: str, depth: int) -> list[Fault]:
    if not isinstance(key, str):
        return [Fault(path, "has a key that is not text")]
    if _CONTROL.search(key):
        return [Fault(path, "has a key with a control or broken character")]
    return plain_faults(item, f"{path}/{pointer(key)}", depth + 1)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _RefusedError("a key is given twice in one object")
    return made


def _no_constant(name: str) -> Any:
    raise _RefusedError(f"{name} is not JSON")
