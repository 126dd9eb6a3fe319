"""What Rego of others may name and call. One rule for every engine's tree."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from governance.rego.capabilities import REFUSED
from governance.rego.module import Kind, Module, Name, Path


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far modules may reach.

    ``call`` are the builtins they may call. ``rules`` is the path below which all their packages are: there only rules
    that some module has may be named, since data of anybody's can lie beside them. ``facts`` are paths of data that
    may be named as a whole and replaced by ``with``, as nothing else but the input may. Without ``rules`` any data may
    be named.
    """

    call: frozenset[str]
    rules: Path | None = None
    facts: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a module must not do, and where."""

    path: str
    line: int
    message: str


def judge(modules: Mapping[str, Module], bounds: Bounds) -> Iterator[Finding]:
    """Give everything that modules name or call beyond their bounds.

    Args:
        modules: by the path of their file; all of those that are compiled together.
        bounds: how far they may reach.
    """
    rules = {module.package + rule for module in modules.values() for rule in module.rules}
    for path, module in modules.items():
        functions = {rule[len(module.package) :] for rule in rules if rule[: len(module.package)] == module.package}
        for name in module.names:
            said = _beyond(_resolved(name, module), bounds, rules, functions)
            if said is not None:
                yield Finding(path, name.line, said)


def _resolved(name: Name, module: Module) -> Name:
    """Give a name that begins with an import's alias in full."""
    if name.kind is Kind.IMPORT or name.path[0] not in module.aliases:
        return name
    return Name(name.kind, module.aliases[name.path[0]] + name.path[1:], name.whole, name.line)


def _beyond(name: Name, bounds: Bounds, rules: set[Path], functions: set[Path]) -> str | None:
    if name.path[0] == "data":
        return _data(name, bounds, rules)
    spelled = ".".join(name.path)
    if name.kind is Kind.REPLACE and name.path[0] != "input":
        return f"may not replace {spelled}"
    if name.kind is Kind.CALL and not (
        name.whole and (spelled in bounds.call or (name.path in functions and spelled not in REFUSED))
    ):
        return f"may not call {spelled or 'what is computed'}"
    return None


def _data(name: Name, bounds: Bounds, rules: set[Path]) -> str | None:
    path = name.path[1:]
    if any(path[: len(fact)] == fact for fact in bounds.facts):
        return None
    if name.kind is Kind.REPLACE:  # with a builtin in the place of a function of its own, it would be called unseen
        return f"may not replace {'.'.join(name.path)}"
    if bounds.rules is None:
        return None
    own = path[: len(bounds.rules)] == bounds.rules
    if own and (name.kind is Kind.IMPORT or any(path[: len(rule)] == rule for rule in rules)):
        return None
    allowed = ", ".join(".".join(("data", *one)) for one in (bounds.rules, *bounds.facts))
    return f"may name rules of its own and data below {allowed} only" if own else f"may name {allowed} only"
