"""The caller of a decision endpoint: a bearer token, and where the settings allow them a secret or a certificate.

1. One request, one credential: an ``Authorization`` header is what counts, a certificate only without one.
2. A certificate is a header that a trusted proxy wrote. From any other address the header is nothing.
3. A 401 names every method that would have been taken (RFC 9110 section 11.6.1).
"""

from flask import g, request

from governance.errors import Unauthenticated
from governance.federation import ServiceClient
from governance.settings import Settings
from governance.web.addresses import came_from_proxy
from governance.web.authentication import Caller, authenticate
from governance.web.problems import BASIC, BEARER
from governance.web.refusals import by_secret, claimed_in_basic, failures_limited
from governance.web.services import current_services


def client_caller() -> Caller:
    """Turn the request's credential into a caller; raises Unauthenticated."""
    services = current_services()
    settings = services.infrastructure.settings
    g.challenge = f"{BEARER}, {BASIC}" if settings.client_secret_basic else BEARER
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic" and settings.client_secret_basic:
        with failures_limited(claimed_in_basic):
            return _caller(by_secret(credential.strip()), settings)
    if not scheme and (certificate := presented_certificate()) is not None:
        return _caller(services.registers.client_methods.by_certificate(certificate), settings)
    return authenticate()


def presented_certificate() -> str | None:
    """Give what a trusted proxy says of the client's certificate; None without one, or from anybody else.

    Raises:
        Unauthenticated: the header came more than once.
    """
    settings = current_services().infrastructure.settings
    if settings.client_certificate_header is None or not came_from_proxy(settings):
        return None
    values = [value for value in request.headers.getlist(settings.client_certificate_header) if value.strip()]
    if len(values) > 1:
        raise Unauthenticated("credential.invalid", "The client certificate came more than once.")
    return values[0].strip() if values else None


def _caller(client: ServiceClient, settings: Settings) -> Caller:
    ods = None if client.ods == settings.organisation else client.ods
    return Caller(client.client_id, ods, "service", client.scopes)
