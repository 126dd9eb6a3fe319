"""Refusals of a request, on their way into the trail: what the request tells of who was refused, and where.

1. A credential that came and was not good is a refusal; a request without any is not, for it says it is nobody.
2. A service that is known and lacks the scope is one too, of that service. A token of ours that is dead, or is for
   somebody else, still names its client where its signature holds.
3. The endpoint is the route's pattern; the address follows ``addresses.came_from``.
4. A proof that is good passes, however many failed in the same name: nobody can lock a client out. Once the budget of
   failures is spent, a further failure is told to wait. A secret costs much to look at: that has budgets of its own, of
   the address and of everybody, and one that proved right before is not looked at again.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

from flask import request

from governance.audit.event import JsonValue, Subject
from governance.errors import Forbidden, GovernanceError, TooManyRequests, Unauthenticated
from governance.federation import ServiceClient
from governance.refusals import Refusal
from governance.tokens import OAuthError, TokenRefused, client_secrets
from governance.vocabulary import EventKind, Outcome
from governance.web.addresses import came_from
from governance.web.services import current_services

_NOBODY = frozenset({"credential.missing", "session.missing", "session.no_account"})


def endpoint() -> str:
    """Give the pattern of this request's route."""
    return request.url_rule.rule if request.url_rule else "unmatched"


def address() -> str:
    """Give where this request came from."""
    return came_from(current_services().infrastructure.settings)


def note(
    kind: EventKind,
    reason: str,
    *,
    claimed: str | None = None,
    subject: Subject | None = None,
    outcome: Outcome = Outcome.MINOR,
    detail: Mapping[str, JsonValue] | None = None,
) -> None:
    """Note that this request was refused; it waits for nothing and never fails."""
    made = Refusal(kind, reason, endpoint(), address(), claimed, subject, outcome=outcome, detail=detail or {})
    current_services().infrastructure.refusals.note(made)


@contextmanager
def credentials_noted(caller: Subject | None = None) -> Iterator[None]:
    """Note the refusal of a credential, or of a caller who lacks a scope, that ends the block (rules 1 and 2)."""
    try:
        yield
    except (Forbidden, TooManyRequests, Unauthenticated) as error:
        _note_credential(error, caller)
        raise


def claimed_in_basic() -> str | None:
    """Give the client id of HTTP Basic, None without one."""
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return client_secrets.read_basic(credential.strip())[0]
    except TokenRefused:
        return None


def by_secret(credential: str) -> ServiceClient:
    """Find the service behind the credential of HTTP Basic; looking at a secret is paid for by the address (rule 4).

    Raises:
        TokenRefused: it is nobody's.
        TooManyRequests: what this address, or everybody, may have looked at is spent.
    """
    services = current_services()
    budgets, where = services.infrastructure.budgets, address()

    def pay() -> None:
        budgets.failures.check((claimed_in_basic(), where))
        budgets.secret.spend(where)
        budgets.secrets.spend(None)

    return services.registers.client_methods.by_secret(credential, pay)


@contextmanager
def failures_limited(claimed: Callable[[], str | None]) -> Iterator[None]:
    """Spend of the budgets of failures when the block ends in a refused credential (rule 4).

    Args:
        claimed: gives the client that the request says it is from; asked only of a refused credential.

    Raises:
        TooManyRequests: the budget of the client at this address, or of the address, is spent.
    """
    budgets = current_services().infrastructure.budgets
    try:
        yield
    except (OAuthError, Unauthenticated) as error:
        if not isinstance(error, OAuthError) or error.status == HTTPStatus.UNAUTHORIZED:
            where = address()
            budgets.failures.spend((claimed(), where))
            budgets.address.spend(where)
        raise


def _note_credential(error: GovernanceError, caller: Subject | None) -> None:
    if error.reason in _NOBODY:
        return
    scheme = request.headers.get("Authorization", "").partition(" ")[0].lower()
    kind = EventKind.TOKEN if scheme in {"bearer", "dpop"} else EventKind.NODE_AUTH
    proven = caller.id if caller is not None else error.client_id if isinstance(error, TokenRefused) else None
    detail: dict[str, JsonValue] = {} if proven is None else {"client": proven}
    note(kind, error.reason, claimed=claimed_in_basic(), subject=caller, detail=detail)
