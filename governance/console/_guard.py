"""Who may open which page.

1. Every page but sign-in and help needs a signed-in person; somebody else is sent to sign in and comes back afterwards.
2. A person's scopes follow from their roles (``_scopes``). Security operations sees pseudonyms: it never gets
   ``alerts.review``, which opens closing, unmasking and the search by NHS number.
3. The account is looked up for each page: one that was taken away opens nothing from that moment on.
4. A person sees their own trust's part of the region. What belongs to others does not exist for them: 404, not 403.
5. Whoever was asked a question opens it signed in, with an account or without; a session without an account opens
   nothing else.
6. A cookie opens pages only. The API knows no cookie.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from flask import g
from flask.typing import ResponseReturnValue

from governance.alerts import Viewer
from governance.console._people import account_of, identity_of
from governance.console._scopes import scopes_of
from governance.errors import Forbidden, Unauthenticated
from governance.vocabulary import Scope
from governance.web.authentication import Caller, current_caller, requires
from governance.web.services import current_services
from governance.web.sessions import SignedInPerson, current_session

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


def signed_in(scope: Scope) -> Callable[[View], View]:
    """Open a page to signed-in people whose role gives them the scope."""
    return requires(scope, by=person_caller)


def person_caller() -> Caller:
    """Turn this request's session into a caller; raises Unauthenticated when nobody with an account is signed in."""
    person, services = current_person(), current_services()
    with services.infrastructure.database.reading() as session:
        account = account_of(services.registers.federation, session, person.issuer, person.subject)
    if account is None and not person.roles:
        raise Forbidden("session.asked_only", "You signed in to answer a question. Nothing else is open to you.")
    if account is None:
        current_session().sign_out()
        raise Unauthenticated("session.no_account", "Your account was closed.")
    g.person = replace(person, ods=account.ods, roles=account.roles)
    return Caller(
        id=services.infrastructure.pseudonymiser.subject(person.subject),
        ods=account.ods,
        kind="person",
        scopes=frozenset(scope.value for scope in scopes_of(account.roles)),
        roles=frozenset(role.value for role in account.roles),
    )


def asked_person(view: View) -> View:
    """Open a page to whoever signed in and may have been asked something: what they find there is theirs alone."""
    return requires(Scope.INQUIRIES_ANSWER, by=asked_caller)(view)


def asked_caller() -> Caller:
    """Turn this request's session into a caller who may answer; raises Unauthenticated when nobody is signed in.

    Their account, if they have one, goes on counting: by its roles on the page's frame, by its trust in the log.
    """
    person, services = current_person(), current_services()
    with services.infrastructure.database.reading() as session:
        account = account_of(services.registers.federation, session, person.issuer, person.subject)
        who = identity_of(services.registers.federation, session, person.issuer, _pseudonym(person.subject))
    if who is None:
        current_session().sign_out()
        raise Unauthenticated("session.no_account", "Your trust's sign-in service was closed.")
    g.identity = who
    g.person = replace(person, ods=account.ods, roles=account.roles) if account else replace(person, roles=frozenset())
    scopes = scopes_of(account.roles) if account else frozenset()
    return Caller(
        id=who.subject,
        ods=g.person.ods,
        kind="person",
        scopes=frozenset({Scope.INQUIRIES_ANSWER.value, *(scope.value for scope in scopes)}),
        roles=frozenset(role.value for role in g.person.roles),
    )


def _pseudonym(subject: str) -> str:
    return current_services().infrastructure.pseudonymiser.subject(subject)


def current_person() -> SignedInPerson:
    """Give who is signed in, by the present state of their account; raises Unauthenticated when nobody is."""
    person: SignedInPerson | None = g.get("person") or current_session().person
    if person is None:
        raise Unauthenticated("session.missing", "Sign in to see this page.")
    return person


def viewer() -> Viewer:
    """Give the caller of this request as a viewer of alerts."""
    caller = current_caller()
    return Viewer(caller.id, caller.ods, person=True)


def may(scope: Scope) -> bool:
    """Say whether the caller of this request holds the scope; False when nobody is signed in."""
    caller: Caller | None = g.get("caller")
    return caller is not None and scope.value in caller.scopes
