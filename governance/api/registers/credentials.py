"""What registered services may prove themselves with beside their keys: certificates and a secret.

The rules are those of :mod:`governance.registers.registrations`; no answer holds a secret.
"""

from flask import Blueprint, Response, jsonify

from governance.api.registers import federation_schemas as schemas
from governance.api.registers._writer import current_writer
from governance.errors import NotFound
from governance.federation import ClientCredentials
from governance.vocabulary import Scope
from governance.web import current_services, operation, requires
from governance.web.body import validated

blueprint = Blueprint("federation_credentials", __name__)


@blueprint.get("/federation/v1/clients/<client_id>/credentials")
@requires(Scope.FEDERATION_READ)
@operation(
    summary="Show a service's certificates, and whether it has a secret",
    tag="federation",
    response=schemas.CredentialsAnswer,
)
def credentials(client_id: str) -> Response:
    """Give the further credentials of a service."""
    services = current_services()
    with services.infrastructure.database.reading() as session:
        if services.registers.federation.client(session, client_id) is None:
            raise NotFound("client.unknown", "There is no service with this client id.")
        return _answer(services.registers.federation.credentials(session, client_id))


@blueprint.post("/federation/v1/clients/<client_id>/credentials")
@requires(Scope.FEDERATION_WRITE)
@operation(
    summary="Replace a service's certificates and secret",
    tag="federation",
    request=schemas.CredentialsBody,
    response=schemas.CredentialsAnswer,
)
def register_credentials(client_id: str) -> Response:
    """Replace the further credentials of a service: one that is left out is gone."""
    body = validated(schemas.CredentialsBody)
    secret = body.secret.get_secret_value() if body.secret is not None else None
    registrations = current_services().uses.registrations
    return _answer(registrations.credentials(current_writer(), client_id, body.certificates, secret))


def _answer(kept: ClientCredentials) -> Response:
    return jsonify(
        {
            "client_id": kept.client_id,
            "certificates": sorted(kept.certificates),
            "has_secret": kept.secret_hash is not None,
        }
    )
