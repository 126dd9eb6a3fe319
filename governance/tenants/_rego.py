"""What a tenant's Rego may name: its own rules, its own data, and nothing that leaves the engine.

One OPA may hold the network's policies, its agreements and several tenants, so that a rule could read what is not its
own, or tell it to somebody. The embedded engine's tree is judged here; an OPA server's own tree by whoever loads it.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from governance.decisions import tenant_bounds
from governance.errors import Fault
from governance.rego import Module, RegoFault, judge, read_module


def check_modules(
    folder: Path, name: str, entrypoint: str, modules: Sequence[tuple[str, str]], manifest: str
) -> list[Fault]:
    """Give what is wrong with a tenant's modules and the rule its manifest names; an empty list is good."""
    own = ("tenants", name)
    faults: list[Fault] = []
    read: dict[str, Module] = {}
    for path, text in modules:
        try:
            read[path] = read_module(path, text)
        except RegoFault as fault:
            faults.append(Fault(str(folder / path), f"the policy does not compile: {fault.detail}"))
    for path, module in read.items():
        if module.package[: len(own)] != own:
            faults.append(Fault(str(folder / path), f"must be of the package {'.'.join(own)} or one below it"))
    bounds = tenant_bounds(name)
    faults += [Fault(f"{folder / one.path}#line {one.line}", one.message) for one in judge(read, bounds)]
    named = tuple(entrypoint.split("."))
    if not re.fullmatch(r"data(\.[A-Za-z_]\w*)+", entrypoint) or named[1 : 1 + len(own)] != own:
        faults.append(Fault(f"{folder / manifest}#/entrypoint", f"must be a rule below data.{'.'.join(own)}"))
    elif not any((*module.package, *rule) == named[1:] for module in read.values() for rule in module.rules):
        faults.append(Fault(f"{folder / manifest}#/entrypoint", "names a rule that no module has"))
    return faults
