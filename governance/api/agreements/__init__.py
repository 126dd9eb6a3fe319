"""The agreements: their texts, their life, export and import, and what a change would do.

Rules:

1. A caller of a trust sees the agreements its trust is a party of, and acts for that trust only.
2. A document with faults is refused with all of them, each named by its path.
3. An import brings nothing into force; an impact analysis changes nothing and is recorded.

Example: ``POST /agreements/v1/agreements/two-trusts/suspend`` with ``{"version": 1, "reason": "..."}``.
"""

from flask import Blueprint

from governance.api.agreements.impact import blueprint as impact
from governance.api.agreements.texts import blueprint as texts
from governance.api.agreements.transfer import blueprint as transfer


def blueprints() -> tuple[Blueprint, ...]:
    """Give the blueprints of this audience."""
    return (impact, texts, transfer)
