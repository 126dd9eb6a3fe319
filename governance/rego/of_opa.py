"""From the tree of an OPA server (``GET /v1/policies``) to a :class:`Module`: what OPA itself has compiled and runs.

There every import is resolved already: a name starts with ``data``, ``input``, a builtin's or a local one's.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from governance.rego.module import Kind, Module, Name, Path, RegoFault


def package_of(tree: object) -> Path:
    """Give the package of a compiled module, without ``data``. Raises RegoFault when it has none."""
    try:
        return tuple(str(term["value"]) for term in tree["package"]["path"][1:])  # type: ignore[index]
    except (KeyError, TypeError, IndexError):
        raise RegoFault("the OPA server's module has no package") from None


def read_compiled(tree: Mapping[str, Any]) -> Module:
    """Read a compiled module. Raises RegoFault when it is not one."""
    package = package_of(tree)
    try:
        rules = tree.get("rules") or []
        heads = frozenset(_fixed(rule["head"]["ref"])[0] for rule in _with_else(rules))
        return Module(package, heads, tuple(_names(rules)), {})
    except (KeyError, TypeError, AttributeError, IndexError):
        raise RegoFault("the OPA server's module is not a tree") from None


def _with_else(rules: Sequence[Any]) -> Iterator[Any]:
    for rule in rules:
        one = rule
        while one:
            yield one
            one = one.get("else")


def _names(tree: object) -> Iterator[Name]:
    waiting: list[tuple[object, Kind]] = [(tree, Kind.READ)]
    while waiting:
        node, kind = waiting.pop()
        if isinstance(node, list):
            waiting += [(one, Kind.READ) for one in node]
        elif isinstance(node, dict):
            if node.get("type") == "ref" and isinstance(node["value"], list):
                path, whole = _fixed(node["value"])
                yield Name(kind, path, whole, 0)
                waiting += [(term, Kind.READ) for term in node["value"] if not _is_part(term)]
            else:
                waiting += _members(node)


def _members(node: Mapping[str, Any]) -> Iterator[tuple[object, Kind]]:
    """Give what is below a node: a list of terms that is called begins with what is called."""
    for name, one in node.items():
        called = isinstance(one, list) and one and (name == "terms" or (name == "value" and node.get("type") == "call"))
        if called:
            yield one[0], Kind.CALL
            yield one[1:], Kind.READ
        else:
            yield one, Kind.REPLACE if name == "target" else Kind.READ


def _fixed(terms: Sequence[Any]) -> tuple[Path, bool]:
    """Give the parts of a reference up to the first that is computed, and whether those are all."""
    parts: list[str] = []
    for place, term in enumerate(terms):
        if term["type"] != ("string" if place else "var"):
            break
        parts.append(str(term["value"]))
    return tuple(parts) or ("",), len(parts) == len(terms)


def _is_part(term: Mapping[str, Any]) -> bool:
    return term["type"] in {"string", "var"}
