"""API: a folder for each audience of programs; a view parses, makes one call and answers, its schemas beside it.

``blueprints()`` gathers what every folder hands on; the composition root registers them.
"""

from flask import Blueprint

from governance.api import agreements, audit, authzen, edges, oauth, points, registers
from governance.api.alerts import blueprint as alerts
from governance.api.operations import blueprint as operations

_AUDIENCES = (agreements, audit, authzen, edges, oauth, points, registers)


def blueprints() -> tuple[Blueprint, ...]:
    """Give every blueprint of the API."""
    return (alerts, operations, *(blueprint for audience in _AUDIENCES for blueprint in audience.blueprints()))
