"""The audit: what services record, what officers and archives read, and the proofs of the log.

``blueprints()`` names the endpoints of this audience.
"""

from flask import Blueprint

from governance.api.audit.fhir import blueprint as fhir
from governance.api.audit.read import blueprint as read
from governance.api.audit.record import blueprint as record
from governance.api.audit.transparency import blueprint as transparency


def blueprints() -> tuple[Blueprint, ...]:
    """Give the blueprints of this audience."""
    return (fhir, read, record, transparency)
