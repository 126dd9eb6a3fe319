"""What a tenant's Rego may name: its own packages, its own data, and nothing that leaves the engine.

One OPA may hold the network's policies, its agreements and several tenants, so that a rule could read what is not its
own, or tell it to somebody. This reads the text, strings and comments left out, before anything is compiled.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from governance.errors import Fault

_LEFT_OUT = re.compile(r'"(?:\\.|[^"\\\n])*"|`[^`]*`|#[^\n]*')
_PACKAGE = re.compile(r"^package[ \t]+([A-Za-z0-9_.]+)[ \t]*$", re.MULTILINE)
_LEAVES = re.compile(
    r"(?<![\w.])((?:http\s*\.\s*send|net\s*\.\s*lookup_ip_addr|opa\s*\.\s*runtime|print|trace)(?=\s*\())"
)
_DATA = re.compile(r"(?<![\w.])data\b((?:\s*\.\s*[A-Za-z_]\w*)*)")


def check_modules(
    folder: Path, name: str, entrypoint: str, modules: Sequence[tuple[str, str]], manifest: str
) -> list[Fault]:
    """Give what is wrong with a tenant's modules and the rule its manifest names; an empty list is good."""
    own = f"tenants.{name}"
    faults: list[Fault] = []
    answered = False
    rule = entrypoint.rpartition(".")[2]
    for path, text in modules:
        bare = _LEFT_OUT.sub(lambda match: "\n" * match[0].count("\n") + '""', text)
        packages = _PACKAGE.findall(bare)
        if len(packages) != 1 or not _below(packages[0], own):
            faults.append(Fault(str(folder / path), f"must be of the package {own} or one below it"))
        faults += [Fault(f"{folder / path}#line {line}", message) for line, message in _strangers(bare, name)]
        head = re.compile(rf"^(?:default\s+)?{re.escape(rule)}\b", re.MULTILINE)
        answered = answered or (packages == [_package_of(entrypoint)] and head.search(bare) is not None)
    if not re.fullmatch(r"data(\.[A-Za-z_]\w*)+", entrypoint) or not _below(entrypoint, f"data.{own}"):
        faults.append(Fault(f"{folder / manifest}#/entrypoint", f"must be a rule below data.{own}"))
    elif not answered:
        faults.append(Fault(f"{folder / manifest}#/entrypoint", "names a rule that no module has"))
    return faults


def _strangers(bare: str, name: str) -> Iterator[tuple[int, str]]:
    allowed = (f"data.tenants.{name}", f"data.tenant_data.{name}")
    for match in _DATA.finditer(bare):
        named = "data" + re.sub(r"\s", "", match[1])
        if not any(_below(named, own) for own in allowed):
            yield _line(bare, match.start()), f"may name {allowed[0]} and {allowed[1]} only"
    for match in _LEAVES.finditer(bare):
        called = re.sub(r"\s", "", match[1])
        yield _line(bare, match.start()), f"may not call {called}"


def _below(name: str, root: str) -> bool:
    return name == root or name.startswith(f"{root}.")


def _package_of(entrypoint: str) -> str:
    return entrypoint.removeprefix("data.").rpartition(".")[0]


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
