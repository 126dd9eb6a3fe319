"""API: a folder for each audience of programs.

Rules of this room:

1. A view parses, makes one call and answers; its schemas are in the module beside it once they are many.
2. Every route says who may call it, and every write also whose rows the caller may write.
3. A folder hands on its blueprints by ``blueprints()``.

Example: ``for blueprint in blueprints(): app.register_blueprint(blueprint)``.
"""

from flask import Blueprint

from governance.api import agreements, audit, authzen, edges, oauth, points, registers
from governance.api.alerts import blueprint as alerts
from governance.api.alerts_suppressions import blueprint as suppressions
from governance.api.holds import blueprint as holds
from governance.api.inquiries import blueprint as inquiries
from governance.api.operations import blueprint as operations
from governance.api.sample import blueprint as sample

_AUDIENCES = (agreements, audit, authzen, edges, oauth, points, registers)


def blueprints() -> tuple[Blueprint, ...]:
    """Give every blueprint of the API."""
    own = (alerts, suppressions, holds, inquiries, operations, sample)
    return (*own, *(blueprint for audience in _AUDIENCES for blueprint in audience.blueprints()))
