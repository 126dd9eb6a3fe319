"""Who is calling, and whether this route is open to them.

A caller is a service with a bearer token of ours (RFC 6750, verified as an RFC 9068 access token whose audience is this
service) or a signed-in person. Each view declares its rule; the declaration is read by the route test and by OpenAPI.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Literal, TypeVar, cast

from flask import g, request
from flask.typing import ResponseReturnValue
from pydantic import SecretStr

from governance.audit import Subject
from governance.bootstrap import Services
from governance.errors import Forbidden, Unauthenticated
from governance.tokens import AccessClaims, Presentation
from governance.vocabulary import Scope, SubjectType
from governance.web.addresses import sent_path
from governance.web.refusals import credentials_noted
from governance.web.services import current_services

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])
_RULE = "__access_rule__"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who proved who they are.

    ``ods`` is their trust, None for a region-wide caller; ``id`` is a client id or a person's pseudonym.
    """

    id: str
    ods: str | None
    kind: Literal["service", "person"]
    scopes: frozenset[str]
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AccessRule:
    """What a view demands: a scope, or nothing with the reason why."""

    scope: Scope | None
    why_public: str | None = None


def requires(scope: Scope, by: Callable[[], Caller] | None = None) -> Callable[[View], View]:
    """Open a view only to callers that hold the scope: 401 for nobody, 403 for the wrong one.

    ``by`` turns the request's credential into a caller; without it a bearer token is needed (:func:`authenticate`).
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: object, **kwargs: object) -> ResponseReturnValue:
            g.caller = _admitted(by or authenticate, scope)
            return view(*args, **kwargs)

        setattr(guarded, _RULE, AccessRule(scope))
        return cast("View", guarded)

    return decorate


def _admitted(by: Callable[[], Caller], scope: Scope) -> Caller:
    """Find the caller, who must hold the scope; a credential or a service that is refused leaves its trail."""
    with credentials_noted():
        g.proven = caller = by()
    if caller.kind == "person":
        return allowed(caller, scope)
    with credentials_noted(subject_of(caller)):
        return allowed(caller, scope)


def allowed(caller: Caller, scope: Scope) -> Caller:
    """Give back a caller that holds a scope; raises Forbidden."""
    if scope.value not in caller.scopes:
        raise Forbidden("scope.missing", f"This needs the scope {scope.value}.")
    return caller


def public(why: str) -> Callable[[View], View]:
    """Open a view to everybody and say why that is right."""

    def decorate(view: View) -> View:
        setattr(view, _RULE, AccessRule(None, why))
        return view

    return decorate


def rule_of(view: Callable[..., object]) -> AccessRule | None:
    """Give the declared rule of a view, None when it declares nothing."""
    return getattr(view, _RULE, None)


def current_caller() -> Caller:
    """Give the caller of this request; only inside a view that :func:`requires` one."""
    return cast("Caller", g.caller)


def subject_of(caller: Caller) -> Subject:
    """Give a caller as the subject of the event that records what they did."""
    kind = SubjectType.PRACTITIONER if caller.kind == "person" else SubjectType.SERVICE
    return Subject(id=caller.id, type=kind, ods=caller.ods)


def authenticate() -> Caller:
    """Turn the request's credential into a caller; raises Unauthenticated.

    A service of the organisation that runs the network acts for the whole of it; any other acts for its own trust.
    """
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() not in {"bearer", "dpop"} or not credential:
        raise Unauthenticated("credential.missing", "This needs a bearer token from /oauth/token.")
    services = current_services()
    settings = services.infrastructure.settings
    if _opens_metrics(credential, settings.metrics_token):
        return Caller("prometheus", None, "service", frozenset({Scope.METRICS_READ.value}))
    proofs = tuple(request.headers.getlist("DPoP"))
    presentation = Presentation(scheme, proofs, request.method, settings.issuer + sent_path())
    return service_caller(services, services.registers.tokens.verify_access(credential, settings.issuer, presentation))


def _opens_metrics(credential: str, token: SecretStr | None) -> bool:
    expected = token.get_secret_value() if token else ""
    return bool(expected) and hmac.compare_digest(credential.encode(), expected.encode())


def service_caller(services: Services, claims: AccessClaims) -> Caller:
    """Take the service that a verified token of ours is for as the caller."""
    ods = None if claims.ods == services.infrastructure.settings.organisation else claims.ods
    return Caller(claims.client_id, ods, "service", claims.scopes)
