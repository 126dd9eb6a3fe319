"""Client authentication of the token endpoints (RFC 6749 section 2.3): one method in one request, whichever it is."""

from flask import g, request

from governance.errors import Unauthenticated
from governance.federation import ServiceClient
from governance.tokens import Form, OAuthError, OAuthErrorCode, TokenRefused
from governance.tokens.client_authentication import claimed_client, refused
from governance.web import current_services
from governance.web.client_credentials import presented_certificate
from governance.web.refusals import by_secret, claimed_in_basic, failures_limited


def authenticated_client(form: Form) -> ServiceClient:
    """Find out which registered service sent a form, within the budgets of failures and of the service's requests.

    A signed assertion in the form; client id and secret as HTTP Basic; or, without either, a certificate that a trusted
    proxy passed on, with the ``client_id`` that RFC 8705 section 2 asks for.

    Raises:
        OAuthError: invalid_client; invalid_request when two methods are used at once.
        TooManyRequests: a budget is spent.
    """
    with failures_limited(lambda: claimed_in(form)):
        client = _authenticated(form)
    g.client = client
    current_services().infrastructure.budgets.client.spend(client.client_id)
    return client


def claimed_in(form: Form | None) -> str | None:
    """Give the client that a request says it is from; nothing of it is proven."""
    return claimed_in_basic() or (claimed_client(form) if form is not None else None)


def _authenticated(form: Form) -> ServiceClient:
    services = current_services()
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    asserted = any(
        form.one(name) is not None for name in ("client_assertion", "client_assertion_type", "client_secret")
    )
    try:
        if scheme.lower() == "basic":
            if asserted:
                raise OAuthError(OAuthErrorCode.INVALID_REQUEST, "Authenticate in one way only.")
            client = by_secret(credential.strip())
        elif not asserted and (certificate := presented_certificate()) is not None:
            client = services.registers.client_methods.by_certificate(certificate, form.required("client_id"))
        else:
            return services.registers.tokens.authenticate_client(form)
    except TokenRefused as error:
        raise refused(error.detail, error.fault) from None
    except Unauthenticated as error:
        raise OAuthError(OAuthErrorCode.INVALID_CLIENT, error.detail, 401, cause=error.reason) from None
    if form.one("client_id") not in (None, client.client_id):
        raise OAuthError(OAuthErrorCode.INVALID_CLIENT, "The credential is another client's than client_id.", 401)
    return client
