"""API: one module for each resource, its schemas beside it; a view parses, makes one call and answers.

``blueprints()`` names them all; the composition root registers what it gives.
"""

from flask import Blueprint

from governance.api.access_requests import blueprint as access_requests
from governance.api.agreements import blueprint as agreements
from governance.api.agreements_transfer import blueprint as agreements_transfer
from governance.api.alerts import blueprint as alerts
from governance.api.audit_in import blueprint as audit_in
from governance.api.audit_out import blueprint as audit_out
from governance.api.authzen import blueprint as authzen
from governance.api.authzen_search import blueprint as authzen_search
from governance.api.context import blueprint as context
from governance.api.dicomweb import blueprint as dicomweb
from governance.api.enforce import blueprint as enforce
from governance.api.enforce_envoy import blueprint as enforce_envoy
from governance.api.enforce_orthanc import blueprint as enforce_orthanc
from governance.api.federation import blueprint as federation
from governance.api.federation_credentials import blueprint as federation_credentials
from governance.api.fhir import blueprint as fhir
from governance.api.impact import blueprint as impact
from governance.api.log import blueprint as log
from governance.api.oauth import blueprint as oauth
from governance.api.opa import blueprint as opa
from governance.api.operations import blueprint as operations
from governance.api.tenants import blueprint as tenants


def blueprints() -> tuple[Blueprint, ...]:
    """Give every blueprint of the API."""
    return (
        access_requests,
        agreements,
        agreements_transfer,
        alerts,
        audit_in,
        audit_out,
        authzen,
        authzen_search,
        context,
        dicomweb,
        enforce,
        enforce_envoy,
        enforce_orthanc,
        federation,
        federation_credentials,
        fhir,
        impact,
        log,
        oauth,
        opa,
        operations,
        tenants,
    )
