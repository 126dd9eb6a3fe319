"""Every detector there is: what each module of ``rules/`` gives as ``RULE``. A new one is added by being there."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from governance.detection import rules
from governance.detection.rule import Rule


def default_rules() -> tuple[Rule, ...]:
    """Give every detector with its default thresholds, by id."""
    return tuple(_rule_of(name) for name in sorted(module.name for module in iter_modules(rules.__path__)))


def _rule_of(name: str) -> Rule:
    """Give the rule of a module; raises ValueError when it is not named after it."""
    rule: Rule = import_module(f"{rules.__name__}.{name}").RULE
    if rule.id != name:
        raise ValueError(f"the module {name} holds the detector {rule.id}")
    return rule
