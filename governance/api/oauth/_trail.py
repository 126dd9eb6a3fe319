"""What the token endpoints refused, on its way into the log.

1. Every refusal is noted but a denial by policy, which is a decision and has its record.
2. A client that proved itself is the subject, unless its token named a person; one that did not is only a claim. A
   dead token of ours names its client all the same.
3. A grant type that we do not know is not repeated: it is whatever a client wrote.
"""

from flask import g

from governance.access import ExchangeDenied, TargetRefused
from governance.api.oauth._clients import claimed_in
from governance.audit.event import JsonValue, Subject
from governance.errors import TooManyRequests
from governance.federation import ServiceClient
from governance.refusals import Refusal
from governance.tokens import Form, OAuthError, OAuthErrorCode
from governance.tokens.exchange_request import GRANT_TYPE
from governance.vocabulary import EventKind
from governance.web import current_services
from governance.web.refusals import address, endpoint

_GRANTS = {"client_credentials": "client_credentials", GRANT_TYPE: "exchange"}


def note(error: OAuthError | TooManyRequests) -> None:
    """Note a refusal; it waits for nothing and never fails."""
    if isinstance(error, ExchangeDenied):
        return
    form: Form | None = g.get("form")
    client: ServiceClient | None = g.get("client")
    target = error if isinstance(error, TargetRefused) else None
    subject = Subject(client.client_id, client.kind, ods=client.ods) if client else None
    made = Refusal(
        _kind(error),
        _reason(error),
        endpoint(),
        address(),
        claimed=None if client else claimed_in(form),
        subject=target.subject if target else subject,
        purpose=target.purpose if target else None,
        resource=target.resource if target else None,
        detail=_detail(form, client),
    )
    current_services().infrastructure.refusals.note(made)


def _kind(error: OAuthError | TooManyRequests) -> EventKind:
    unproven = isinstance(error, OAuthError) and error.error == OAuthErrorCode.INVALID_CLIENT
    return EventKind.NODE_AUTH if unproven else EventKind.TOKEN


def _reason(error: OAuthError | TooManyRequests) -> str:
    return error.reason if isinstance(error, TooManyRequests) else error.cause or error.error


def _detail(form: Form | None, client: ServiceClient | None) -> dict[str, JsonValue]:
    grant = _GRANTS.get(form.one("grant_type") or "") if form else None
    found = {"client": client.client_id if client else g.get("token_of"), "grant": grant}
    return {name: value for name, value in found.items() if value is not None}
