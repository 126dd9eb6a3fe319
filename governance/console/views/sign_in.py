"""Signing in at the identity provider of one's trust, and out again."""

from http import HTTPStatus

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from governance.console._guard import current_person
from governance.console._pages import page
from governance.console._people import admit, asked_at, sign_in_trust_of, sign_in_trusts
from governance.console._reading import record_sign_in, refusals_noted
from governance.errors import Unauthenticated
from governance.vocabulary import EventKind
from governance.web.authentication import public
from governance.web.browser import current_sign_in
from governance.web.services import current_services
from governance.web.sessions import ATTEMPT_SECONDS, current_session
from governance.web.sign_in import ProvenIdentity, SignInAttempt

_ATTEMPT = "sign_in"
_TRUST = "sign_in_trust"


def register(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.get("/sign-in")(sign_in_page)
    blueprint.get("/sign-in/callback")(sign_in_callback)
    blueprint.get("/sign-in/<ods>")(sign_in_start)
    blueprint.post("/sign-out")(sign_out)


@public("somebody who is not signed in yet chooses their trust here")
def sign_in_page() -> ResponseReturnValue:
    """List the trusts whose people can sign in."""
    if current_session().person is not None:
        return redirect(url_for("console.home"))
    services = current_services()
    with services.infrastructure.database.reading() as session:
        found = sign_in_trusts(services.registers.federation, session)
    return page("sign_in.html", trusts=found)


@public("it only sends the browser on to the trust's own sign-in service")
def sign_in_start(ods: str) -> ResponseReturnValue:
    """Begin an attempt and send the browser to the trust's identity provider."""
    services = current_services()
    with services.infrastructure.database.reading() as session:
        trust = sign_in_trust_of(services.registers.federation, session, ods)
    address, attempt = current_sign_in().begin(trust.issuer)
    current_session()[_ATTEMPT] = attempt.to_session()
    current_session()[_TRUST] = ods
    return redirect(address)


@public("the identity provider sends the browser back here; the answer proves who it is")
def sign_in_callback() -> ResponseReturnValue:
    """Check the provider's answer, admit the person and go on to where they were going."""
    services, browser = current_services(), current_session()
    attempt, ods = SignInAttempt.from_session(browser.pop(_ATTEMPT, None)), browser.pop(_TRUST, "")
    with refusals_noted(ods):
        identity = _identity(attempt)
    with refusals_noted(ods, identity.subject), services.infrastructure.database.reading() as session:
        now = services.infrastructure.clock.now()
        person = admit(services.registers.federation, session, identity, now, _asked_at)
    record_sign_in(EventKind.LOGIN, person)
    onward = browser.pop("next", None)
    browser.sign_in(person)
    within = isinstance(onward, str) and onward.startswith(url_for("console.home"))
    otherwise = url_for("console.home") if person.roles else url_for("console.asked_page")
    return redirect(onward if within else otherwise, HTTPStatus.SEE_OTHER)


def _asked_at(session: Session, issuer: str, subject: str) -> str | None:
    services = current_services()
    pseudonym = services.infrastructure.pseudonymiser.subject(subject)
    return asked_at(services.registers.federation, services.uses.inquiries, session, issuer, pseudonym)


def _identity(attempt: SignInAttempt | None) -> ProvenIdentity:
    """Give whom the provider proved, once for each attempt; raises Unauthenticated."""
    if attempt is None:
        raise _used_before()
    identity = current_sign_in().complete(attempt, request.args)
    if not current_services().registers.tokens.use_once("sign_in", attempt.issuer, attempt.state, ATTEMPT_SECONDS):
        raise _used_before()
    return identity


def _used_before() -> Unauthenticated:
    return Unauthenticated("sign_in.no_attempt", "This sign-in was already used or took too long. Start again.")


@public("signing out ends a session and shows nothing; without one there is nothing to end")
def sign_out() -> ResponseReturnValue:
    """End the session."""
    if current_session().person is not None:
        record_sign_in(EventKind.LOGOUT, current_person())
    current_session().sign_out()
    flash("You have signed out of this service. On a shared computer, sign out of your trust account too.", "done")
    return redirect(url_for("console.sign_in_page"), HTTPStatus.SEE_OTHER)
