"""Every detector there is: what each module below ``rules/`` gives as ``RULE``. A new one is added by being there."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from governance.detection import rules
from governance.detection.rule import Rule


def default_rules() -> tuple[Rule, ...]:
    """Give every detector with its default thresholds, by id."""
    return tuple(sorted((_rule_of(name) for name in _modules(rules.__name__)), key=lambda rule: rule.id))


def _modules(package: str) -> list[str]:
    """Give the names of the modules of a package and of those in it, but for private ones."""
    found: list[str] = []
    for module in iter_modules(import_module(package).__path__):
        name = f"{package}.{module.name}"
        if not module.name.startswith("_"):
            found += _modules(name) if module.ispkg else [name]
    return found


def _rule_of(module: str) -> Rule:
    """Give the rule of a module; raises ValueError when it is not named after it."""
    rule: Rule = import_module(module).RULE
    name = module.rpartition(".")[2]
    if rule.id != name:
        raise ValueError(f"the module {name} holds the detector {rule.id}")
    return rule
