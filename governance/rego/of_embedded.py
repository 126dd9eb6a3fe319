"""From the embedded engine's tree to a :class:`Module`.

The tree is that engine's own serialisation: a node is an object with one member that names its kind; a reference is a
chain of ``RefDot`` and ``RefBrack`` down to a ``Var``. Everything is walked, so that a kind of node that this module
does not know hides nothing below it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import regorus

from governance.rego.module import Kind, Module, Name, RegoFault
from governance.rego.words import first_words

DEPTH_MAXIMUM = 12
_BRACKETS = re.compile(r"[][(){}]")
_NO_CODE = re.compile(r'"(?:\\.|[^"\\\n])*"|`[^`]*`|#[^\n]*')  # strings and comments
_CHAIN = {"Var", "RefDot", "RefBrack"}
_TEXT = {"String", "RawString"}
_LANGUAGE = {"rego", "future"}  # imports that switch keywords on


def read_module(path: str, text: str) -> Module:
    """Parse a module.

    Args:
        path: its name, for the engine.
        text: its Rego.

    Raises:
        RegoFault: it cannot be parsed.
    """
    tree = _parsed(path, text)
    package = _chain(tree["package"]["refr"], Kind.READ)
    heads = [_chain(refr, Kind.READ) for refr in _heads(tree["rules"])]
    imports = [(_chain(one["refr"], Kind.IMPORT), one.get("as")) for one in tree["imports"]]
    taken = [(name, alias) for name, alias in imports if name.path[0] not in _LANGUAGE]
    return Module(
        package=package.path,
        rules=frozenset(head.path for head in heads),
        names=(*(name for name, _ in taken), *_names(tree["rules"])),
        aliases={_alias(name, alias, text): name.path for name, alias in taken},
    )


def _parsed(path: str, text: str) -> dict[str, Any]:
    if _depth(text) > DEPTH_MAXIMUM:
        raise RegoFault(f"has brackets more than {DEPTH_MAXIMUM} deep")
    try:
        engine = regorus.Engine()
        engine.add_policy(path, text)
        tree: dict[str, Any] = json.loads(engine.get_ast_as_json())[0]["ast"]
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a Rust panic arrives as a BaseException; too deep a tree is one of ours
        raise RegoFault(first_words(error)) from error
    return tree


def _depth(text: str) -> int:
    """Say how deep brackets are nested: the parser's time doubles with each, so this is known before it is asked."""
    deepest = depth = 0
    for bracket in _BRACKETS.findall(_NO_CODE.sub("", text)):
        depth += 1 if bracket in "([{" else -1
        deepest = max(deepest, depth)
    return deepest


def _heads(rules: list[Any]) -> Iterator[Any]:
    for rule in rules:
        for kind, body in rule.items():
            if kind == "Default":
                yield body["refr"]
            else:
                yield next(iter(body["head"].values()))["refr"]


def _names(tree: object) -> Iterator[Name]:
    """Give every name in a tree, in no particular order."""
    waiting: list[tuple[object, Kind]] = [(tree, Kind.READ)]
    while waiting:
        node, kind = waiting.pop()
        if isinstance(node, list):
            waiting += [(one, Kind.READ) for one in node]
        elif isinstance(node, dict):
            if len(node) == 1 and _CHAIN & node.keys():
                yield _chain(node, kind)
                waiting += [(index, Kind.READ) for index in _computed(node)]
            else:
                waiting += [(one, _kind_of(name, node)) for name, one in node.items()]


def _kind_of(member: str, node: Mapping[str, Any]) -> Kind:
    """Say what the member of a node is used for: ``fcn`` of a call is called, ``refr`` beside ``as`` is replaced."""
    if member == "fcn":
        return Kind.CALL
    return Kind.REPLACE if member == "refr" and "as" in node else Kind.READ


def _chain(node: Mapping[str, Any], kind: Kind) -> Name:
    """Read a reference: its parts from the root up to the first that is computed."""
    parts: list[str | None] = []
    line = 0
    while True:
        ((name, body),) = node.items()
        line = body["span"]["line"]
        if name == "Var":
            break
        parts.append(body["field"][1] if name == "RefDot" else _text(body["index"]))
        node = body["refr"]
        if len(node) != 1 or not _CHAIN & node.keys():  # of a call or a literal: nothing that has a name
            return Name(kind, ("",), whole=False, line=line)
    parts.append(body["value"])
    parts.reverse()
    fixed = [part for part in parts[: parts.index(None) if None in parts else None] if part is not None]
    return Name(kind, tuple(fixed), whole=None not in parts, line=line)


def _computed(node: Mapping[str, Any]) -> Iterator[object]:
    """Give what stands in the brackets of a reference, and what it starts with if that is no name."""
    while True:
        ((name, body),) = node.items()
        if name == "Var":
            return
        if name == "RefBrack":
            yield body["index"]
        node = body["refr"]
        if len(node) != 1 or not _CHAIN & node.keys():
            yield node
            return


def _text(index: Mapping[str, Any]) -> str | None:
    return next((str(body["value"]) for kind, body in index.items() if kind in _TEXT), None)


def _alias(name: Name, alias: Mapping[str, int] | None, text: str) -> str:
    raw = text.encode()
    return raw[alias["start"] : alias["end"]].decode() if alias else name.path[-1]
