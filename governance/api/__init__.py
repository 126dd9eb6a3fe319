"""API: one module for each resource, its schemas beside it; a view parses, makes one call and answers.

``blueprints()`` names them all; the composition root registers what it gives.
"""

from flask import Blueprint

from governance.api import (
    agreements,
    alerts,
    audit_in,
    audit_out,
    authzen,
    context,
    enforce,
    federation,
    fhir,
    log,
    oauth,
    operations,
)


def blueprints() -> tuple[Blueprint, ...]:
    """Give every blueprint of the API."""
    return tuple(
        module.blueprint
        for module in (
            agreements,
            alerts,
            audit_in,
            audit_out,
            authzen,
            context,
            enforce,
            federation,
            fhir,
            log,
            oauth,
            operations,
        )
    )
