"""The provider over HTTP."""

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, Response, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from governance.simulation.identity_provider.clients import ClientAuthenticator, ClientRefused
from governance.simulation.identity_provider.provider import AuthorizationRequest, Provider, RequestRefused
from governance.simulation.mailbox import Mailbox

_HERE = Path(__file__).parent
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"


def create_application(provider: Provider, demo: bool = False, mailbox: Mailbox | None = None) -> Flask:
    """Make the WSGI application.

    Args:
        provider: the issuers.
        demo: whether ID tokens are given out without a browser.
        mailbox: the mails of the demo, to be listed; none are without one.
    """
    app = Flask("identity_provider", template_folder=str(_HERE / "templates"), static_folder=str(_HERE / "static"))
    app.config["MAX_CONTENT_LENGTH"] = 65_536  # bytes
    views = _Views(provider)
    app.add_url_rule("/", view_func=views.home)
    app.add_url_rule("/<ods>/.well-known/openid-configuration", view_func=views.discovery)
    app.add_url_rule("/<ods>/jwks", view_func=views.jwks)
    app.add_url_rule("/<ods>/authorize", view_func=views.authorize)
    app.add_url_rule("/<ods>/authorize", view_func=views.pick, methods=["POST"])
    app.add_url_rule("/<ods>/token", view_func=views.token, methods=["POST"])
    if mailbox is not None:
        app.add_url_rule("/mail", view_func=lambda: render_template("mail.html", mails=mailbox.newest()))
    if demo:
        app.add_url_rule("/<ods>/demo/id-token", view_func=views.demo_id_token, methods=["POST"])
    app.after_request(_harden)
    app.register_error_handler(RequestRefused, views.refused)
    return app


class _Views:
    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._clients = ClientAuthenticator(provider.known.clients)

    def home(self) -> ResponseReturnValue:
        issuers = [(issuer, self._provider.issuer(ods)) for ods, issuer in sorted(self._provider.known.issuers.items())]
        return render_template("home.html", issuers=issuers)

    def discovery(self, ods: str) -> ResponseReturnValue:
        return _json(self._provider.discovery(self._known(ods)))

    def jwks(self, ods: str) -> ResponseReturnValue:
        return _json(self._provider.jwks(self._known(ods)))

    def authorize(self, ods: str) -> ResponseReturnValue:
        self._known(ods)
        try:
            handle, asked = self._provider.begin(ods, _single(request.args))
        except RequestRefused as refusal:
            if refusal.redirect_uri is None:
                raise
            answer = {"error": refusal.error, "error_description": refusal.description, "state": refusal.state}
            return redirect(self._provider.answer_address(ods, refusal.redirect_uri, answer), 303)
        return self._picker(ods, handle, asked)

    def pick(self, ods: str) -> ResponseReturnValue:
        self._known(ods)
        form = _single(request.form)
        user, _, role_id = form.get("account", "").partition("|")
        try:
            return redirect(self._provider.pick(ods, form.get("handle", ""), user, role_id), 303)
        except RequestRefused as refusal:
            if refusal.redirect_uri is None:
                raise
            answer = {"error": refusal.error, "error_description": refusal.description, "state": refusal.state}
            return redirect(self._provider.answer_address(ods, refusal.redirect_uri, answer), 303)

    def token(self, ods: str) -> ResponseReturnValue:
        issuer = self._provider.issuer(self._known(ods))
        try:
            form = _single(request.form)
            authorization = request.headers.get("Authorization", "")
            client = self._clients.authenticate(form, authorization, [issuer, f"{issuer}/token"])
            return _json(self._provider.redeem(ods, client, form))
        except ClientRefused:
            return _json({"error": "invalid_client"}, 401)
        except RequestRefused as refusal:
            return _json({"error": refusal.error, "error_description": refusal.description}, 400)

    def demo_id_token(self, ods: str) -> ResponseReturnValue:
        self._known(ods)
        asked = request.get_json(silent=True)
        account = self._provider.known.accounts.get(str(asked.get("user"))) if isinstance(asked, dict) else None
        if not isinstance(asked, dict) or account is None or account.issuer != ods:
            return _json({"error": "invalid_request", "error_description": "No such user at this issuer."}, 400)
        role = account.role(asked["role"]) if isinstance(asked.get("role"), str) else account.roles[0]
        if role is None:
            return _json({"error": "invalid_request", "error_description": "No such role of this user."}, 400)
        audience = str(asked.get("audience", self._provider.known.broker))
        return _json({"id_token": self._provider.id_token(account, role, audience)})

    def refused(self, refusal: RequestRefused) -> ResponseReturnValue:
        return render_template("refused.html", refusal=refusal), 400

    def _picker(self, ods: str, handle: str, asked: AuthorizationRequest) -> Response:
        choices = [(account, role) for account in self._provider.known.of_issuer(ods) for role in account.roles]
        issuers = self._provider.known.issuers
        page = render_template(
            "pick.html", issuer=issuers[ods], issuers=issuers, handle=handle, choices=choices, hint=asked.login_hint
        )
        response = Response(page)
        # Browsers hold form-action against the redirect that answers the form, so the client's origin is named.
        origin = urlsplit(asked.redirect_uri)
        response.headers["Content-Security-Policy"] = f"{_POLICY} {origin.scheme}://{origin.netloc}"
        return response

    def _known(self, ods: str) -> str:
        if ods not in self._provider.known.issuers:
            abort(404)
        return ods


def _single(values: MultiDict[str, str]) -> dict[str, str]:
    """Give parameters that are each sent once; raises RequestRefused (RFC 6749 section 3.1)."""
    if any(len(values.getlist(name)) > 1 for name in values):
        raise RequestRefused("invalid_request", "A parameter was sent twice.")
    return values.to_dict()


def _json(members: Mapping[str, object], status: int = 200) -> Response:
    return Response(json.dumps(members), status=status, content_type="application/json")


def _harden(response: Response) -> Response:
    """Set what every page and answer carries."""
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response
