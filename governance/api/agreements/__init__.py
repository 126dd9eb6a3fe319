"""The agreements: their texts, their life, export and import, and what a change would do.

``blueprints()`` names the endpoints of this audience.
"""

from flask import Blueprint

from governance.api.agreements.impact import blueprint as impact
from governance.api.agreements.texts import blueprint as texts
from governance.api.agreements.transfer import blueprint as transfer


def blueprints() -> tuple[Blueprint, ...]:
    """Give the blueprints of this audience."""
    return (impact, texts, transfer)
