"""The audit: what services record, what officers and archives read, and the proofs of the log.

Rules:

1. An event is answered for after it is durable; a bad one costs its neighbours nothing.
2. A caller of a trust reads the events that concern its trust; any other does not exist for it.
3. Every look is recorded before its answer leaves.

Example: ``GET /audit/v1/events/41/proof`` gives the proof that entry 41 is in the log.
"""

from flask import Blueprint

from governance.api.audit.fhir import blueprint as fhir
from governance.api.audit.read import blueprint as read
from governance.api.audit.record import blueprint as record
from governance.api.audit.transparency import blueprint as transparency


def blueprints() -> tuple[Blueprint, ...]:
    """Give the blueprints of this audience."""
    return (fhir, read, record, transparency)
