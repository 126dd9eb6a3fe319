"""Signing in at the identity provider of one's trust, and out again."""

from http import HTTPStatus

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from governance.console._guard import current_person
from governance.console._pages import page
from governance.console._people import admit, sign_in_trust_of, sign_in_trusts
from governance.console._reading import record_refusal, record_sign_in
from governance.errors import Forbidden, Unauthenticated
from governance.vocabulary import EventKind
from governance.web.authentication import public
from governance.web.browser import current_sign_in
from governance.web.services import current_services
from governance.web.sessions import current_session
from governance.web.sign_in import SignInAttempt

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
    if attempt is None:
        raise Unauthenticated("sign_in.no_attempt", "This sign-in was already used or took too long. Start again.")
    identity = current_sign_in().complete(attempt, request.args)
    try:
        with services.infrastructure.database.reading() as session:
            person = admit(services.registers.federation, session, identity, services.infrastructure.clock.now())
    except Forbidden:
        record_refusal(identity.subject, ods)
        raise
    record_sign_in(EventKind.LOGIN, person)
    onward = browser.pop("next", None)
    browser.sign_in(person)
    return redirect(onward if isinstance(onward, str) else url_for("console.home"), HTTPStatus.SEE_OTHER)


@public("signing out ends a session and shows nothing; without one there is nothing to end")
def sign_out() -> ResponseReturnValue:
    """End the session."""
    if current_session().person is not None:
        record_sign_in(EventKind.LOGOUT, current_person())
    current_session().sign_out()
    flash("You have signed out of this service. On a shared computer, sign out of your trust account too.", "done")
    return redirect(url_for("console.sign_in_page"), HTTPStatus.SEE_OTHER)
