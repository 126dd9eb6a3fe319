"""What registered services may prove themselves with beside their keys: certificates and a secret.

1. They are registered apart from the service: changing its scopes does not touch them, nor the other way round.
2. A kind that the settings keep off is refused here, so that none waits unseen for the day it is turned on.
3. A secret comes in once, is kept as a hash, and is in no answer and no log.
"""

from flask import Blueprint, Response, jsonify

from governance.api.registers import federation_schemas as schemas
from governance.api.registers._changes import record_change
from governance.audit.event import JsonValue
from governance.errors import Fault, InvalidInput, NotFound
from governance.federation import ClientCredentials
from governance.settings import Settings
from governance.tokens import client_secrets
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
    services = current_services()
    body = validated(schemas.CredentialsBody)
    secret = body.secret.get_secret_value() if body.secret is not None else None
    _check(services.infrastructure.settings, body.certificates, secret)
    kept = ClientCredentials(
        client_id, tuple(body.certificates), client_secrets.hash_secret(secret) if secret is not None else None
    )
    detail: dict[str, JsonValue] = {
        "registered": "client_credentials",
        "client_id": client_id,
        "certificates": sorted(kept.certificates),
        "secret": secret is not None,
    }
    with services.infrastructure.database.transaction() as session:
        services.registers.federation.register_credentials(session, kept)
        record_change(services, session, services.infrastructure.clock.now(), detail)
    return _answer(kept)


def _check(settings: Settings, certificates: list[str], secret: str | None) -> None:
    faults = []
    if certificates and settings.client_certificate_header is None:
        faults.append(Fault("/certificates", "this service does not take client certificates"))
    if secret is not None and not settings.client_secret_basic:
        faults.append(Fault("/secret", "this service does not take client secrets"))
    elif secret is not None and not client_secrets.acceptable(secret):
        told = (
            f"must be {client_secrets.MINIMUM} to {client_secrets.MAXIMUM} random printable ASCII characters, no spaces"
        )
        faults.append(Fault("/secret", told))
    if faults:
        raise InvalidInput(faults, "The registration is not valid.")


def _answer(kept: ClientCredentials) -> Response:
    return jsonify(
        {
            "client_id": kept.client_id,
            "certificates": sorted(kept.certificates),
            "has_secret": kept.secret_hash is not None,
        }
    )
