"""The token endpoints: OAuth 2.0 as RFC 6749, 7009, 7523, 7662, 8414, 8693 and 9449 have it.

Errors have the shape of RFC 6749 section 5.2, not a problem document: OAuth clients read only that. Every answer is
``no-store``, and nothing is ever taken from the query string.
"""

from collections.abc import Callable
from functools import wraps
from typing import cast

from flask import Blueprint, Response, g, json, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from governance.access import ExchangeDenied
from governance.api.oauth import _trail
from governance.api.oauth._clients import authenticated_client
from governance.api.oauth.schemas import (
    IntrospectionRequest,
    IntrospectionResponse,
    KeySet,
    RevocationRequest,
    ServerMetadata,
    TokenAnswer,
    TokenRequest,
)
from governance.errors import GovernanceError, TooManyRequests, Unavailable
from governance.federation import ServiceClient
from governance.telemetry import get_logger
from governance.tokens import Form, OAuthError, OAuthErrorCode, TokenRefused, TokenResponse, parse_exchange, parse_form
from governance.tokens import form as forms
from governance.tokens.exchange_request import GRANT_TYPE
from governance.web import current_services, operation, public
from governance.web.body import raw
from governance.web.openapi import Errors
from governance.web.problems import BASIC, BEARER, status_of
from governance.web.refusals import failures_limited

blueprint = Blueprint("oauth", __name__)
KEYS_LIFETIME = 300  # seconds a verifier may keep our key set; shorter than the lead of a rotation
_log = get_logger(__name__)
_AUTHENTICATES = "the client authenticates by signed assertion (RFC 7523) or another method of the metadata"
_REFUSALS = {
    401: "The client did not prove who it is.",
    429: "Too many requests, or failures, in a short time; Retry-After says when to try again.",
    503: "Not now; Retry-After says when to try again.",
}
_DENIED = {403: "Policy denies the access; the decision is named, so that an emergency can be requested."}
View = Callable[[], ResponseReturnValue]


def _oauth_errors(view: View) -> View:
    """Give every typed error the shape OAuth clients read, and forbid caches."""

    @wraps(view)
    def guarded() -> ResponseReturnValue:
        try:
            return view()
        except RequestEntityTooLarge:
            return _refusal(OAuthError(OAuthErrorCode.INVALID_REQUEST, "The body is too long.", 413))
        except OAuthError as error:
            _log.info("token request refused", error=error.error, cause=error.cause, route=request.path)
            _trail.note(error)
            return _refusal(error)
        except (TooManyRequests, Unavailable) as error:
            if isinstance(error, TooManyRequests):
                _trail.note(error)
            refusal = OAuthError(OAuthErrorCode.TEMPORARILY_UNAVAILABLE, error.detail, status_of(error))
            response = _refusal(refusal)
            response.headers["Retry-After"] = str(error.retry_after)
            return response
        except GovernanceError as error:
            _log.error("token request failed", reason=error.reason, route=request.path)
            return _refusal(OAuthError(OAuthErrorCode.SERVER_ERROR, "The request could not be served.", 500))

    return guarded


@blueprint.post("/oauth/token")
@public(_AUTHENTICATES)
@operation(
    summary="Get a token: client_credentials, or exchange an identity token for access to one study",
    tag="tokens",
    request=TokenRequest,
    response=TokenAnswer,
    request_media=forms.MEDIA_TYPE,
    headers={"DPoP": "A proof of possession (RFC 9449): the token is then bound to its key."},
    errors=Errors.OAUTH,
    refusals=_REFUSALS | _DENIED,
)
@_oauth_errors
def token() -> ResponseReturnValue:
    """Issue a token (RFC 6749 section 3.2, RFC 8693 section 2)."""
    form = _form()
    grant = form.required("grant_type")
    issue = _GRANTS.get(grant)
    if issue is None:
        raise OAuthError(OAuthErrorCode.UNSUPPORTED_GRANT_TYPE, "The grant types are in the server's metadata.")
    tokens = current_services().registers.tokens
    client = authenticated_client(form)
    proof = tokens.prove_possession(request.headers.getlist("DPoP"), "POST", tokens.token_endpoint)
    return _answer(issue(form, client, proof).as_dict())


@blueprint.post("/oauth/introspect")
@public("the client authenticates with a signed assertion or a bearer token of ours (RFC 7662 section 2.1)")
@operation(
    summary="Ask whether a token is active",
    tag="tokens",
    request=IntrospectionRequest,
    response=IntrospectionResponse,
    request_media=forms.MEDIA_TYPE,
    errors=Errors.OAUTH,
    refusals=_REFUSALS,
)
@_oauth_errors
def introspect() -> ResponseReturnValue:
    """Describe a token to the archive it is for, or to a client that holds tokens.introspect (RFC 7662)."""
    form = _form()
    client = _caller(form)
    return _answer(current_services().registers.tokens.introspect(form.required("token"), client))


@blueprint.post("/oauth/revoke")
@public(_AUTHENTICATES)
@operation(
    summary="Revoke a token of one's own",
    tag="tokens",
    request=RevocationRequest,
    request_media=forms.MEDIA_TYPE,
    errors=Errors.OAUTH,
    refusals=_REFUSALS,
)
@_oauth_errors
def revoke() -> ResponseReturnValue:
    """Revoke a token; 200 whatever it was (RFC 7009 section 2.2)."""
    form = _form()
    tokens = current_services().registers.tokens
    tokens.revoke(form.required("token"), authenticated_client(form))
    return _answer({})


@blueprint.get("/.well-known/oauth-authorization-server")
@public("a client reads it before it can have a credential (RFC 8414)")
@operation(summary="Metadata of the token endpoints", tag="tokens", response=ServerMetadata)
def server_metadata() -> ResponseReturnValue:
    """Give the authorization server metadata."""
    return _published(current_services().registers.tokens.metadata(), "application/json")


@blueprint.get("/.well-known/jwks.json")
@public("public keys: every archive verifies our tokens with them")
@operation(
    summary="The public keys of our tokens", tag="tokens", response=KeySet, response_media="application/jwk-set+json"
)
def jwks() -> ResponseReturnValue:
    """Give the public key set (RFC 7517)."""
    return _published(current_services().registers.tokens.jwks(), "application/jwk-set+json")


def _client_credentials(form: Form, client: ServiceClient, proof: str | None) -> TokenResponse:
    services = current_services()
    try:
        made = services.registers.tokens.client_credentials(form, client, proof)
    except OAuthError:
        services.infrastructure.metrics.token_requested(grant="client_credentials", outcome="refused")
        raise
    services.infrastructure.metrics.token_requested(grant="client_credentials", outcome="issued")
    return made


def _exchange(form: Form, client: ServiceClient, proof: str | None) -> TokenResponse:
    return current_services().uses.exchange.exchange(parse_exchange(form, proof), client)


_GRANTS: dict[str, Callable[[Form, ServiceClient, str | None], TokenResponse]] = {
    "client_credentials": _client_credentials,
    GRANT_TYPE: _exchange,
}


def _form() -> Form:
    if request.mimetype != forms.MEDIA_TYPE or request.query_string:
        problem = f"Send the parameters as {forms.MEDIA_TYPE} in the body, and none in the address."
        raise OAuthError(OAuthErrorCode.INVALID_REQUEST, problem)
    g.form = parse_form(raw(forms.MAXIMUM))
    return cast("Form", g.form)


def _caller(form: Form) -> ServiceClient:
    """Find the client behind an introspection: a signed assertion, or a bearer token for this service."""
    tokens = current_services().registers.tokens
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return authenticated_client(form)
    with failures_limited(lambda: None):
        try:
            g.client = tokens.authenticate_bearer(credential)
        except TokenRefused as error:
            g.token_of = error.client_id
            raise OAuthError("invalid_token", error.detail, 401, cause=error.fault.value) from None
    return cast("ServiceClient", g.client)


def _refusal(error: OAuthError) -> Response:
    members: dict[str, object] = {"error": error.error, "error_description": error.description}
    if isinstance(error, ExchangeDenied):
        decision = error.answer.decision
        members |= {
            "decision_id": decision.id,
            "log_index": error.answer.index,
            "reasons": [reason.value for reason in error.answer.reasons],
            "requestable": decision.requestable,
        }
    response = _answer(members)
    response.status_code = error.status
    if error.status == 401:
        basic = request.headers.get("Authorization", "").lower().startswith("basic ")  # RFC 6749 section 5.2
        response.headers["WWW-Authenticate"] = BASIC if basic else f'{BEARER}, error="{error.error}"'
    return response


def _answer(members: dict[str, object]) -> Response:
    response = Response(json.dumps(members), content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response


def _published(members: dict[str, object], media_type: str) -> Response:
    response = Response(json.dumps(members), content_type=media_type)
    response.headers["Cache-Control"] = f"public, max-age={KEYS_LIFETIME}"
    return response
