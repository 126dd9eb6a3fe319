"""What an application needs to be used from a browser: sessions, headers, form tokens and sign-in, in one call."""

from typing import cast

from flask import Flask, current_app

from governance.clock import Clock
from governance.outbound import Outbound
from governance.storage import Database
from governance.web import security_headers
from governance.web.sessions import Admits, ServerSideSessions, SessionPolicy
from governance.web.sign_in import ConsoleClient, SignIn

CALLBACK_PATH = "/console/sign-in/callback"
_SIGN_IN = "governance.sign_in"


def install(
    app: Flask,
    *,
    database: Database,
    clock: Clock,
    base_url: str,
    client_id: str,
    session_key: bytes,
    outbound: Outbound,
    admits: Admits,
) -> None:
    """Prepare an application for browsers.

    Args:
        app: the application.
        database: where sessions live.
        clock: the one clock.
        base_url: the public address without a closing slash; https makes cookies secure.
        client_id: the console's client id at every identity provider.
        session_key: at least 32 random bytes that sign form tokens; the same in every worker.
        outbound: the client that calls identity providers.
        admits: says whether a person who signed in when they did may still be here.
    """
    secure = base_url.startswith("https://")
    app.secret_key = session_key
    app.session_interface = ServerSideSessions(database, clock, SessionPolicy(secure=secure), admits=admits)
    app.extensions[_SIGN_IN] = SignIn(ConsoleClient(client_id, base_url + CALLBACK_PATH), clock, outbound)
    security_headers.install(app, secure)


def current_sign_in() -> SignIn:
    """Give the relying party of the application that handles this request."""
    return cast("SignIn", current_app.extensions[_SIGN_IN])
