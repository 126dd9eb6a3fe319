"""Agreements: the list with status and expiry, and one agreement in plain English."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from governance.console._agreements import agreement_page_of, agreements_of
from governance.console._guard import signed_in, viewer
from governance.console._pages import page
from governance.console._reading import record_look
from governance.vocabulary import Scope
from governance.web.services import current_services


def register(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.get("/agreements")(agreements_page)
    blueprint.get("/agreements/<agreement_id>")(agreement_page)


@signed_in(Scope.AGREEMENTS_READ)
def agreements_page() -> ResponseReturnValue:
    """List the agreements the viewer's trust is a party of."""
    services = current_services()
    found = agreements_of(services.agreements, viewer().ods, services.clock.now())
    return page("agreements.html", found=found, now=services.clock.now())


@signed_in(Scope.AGREEMENTS_READ)
def agreement_page(agreement_id: str) -> ResponseReturnValue:
    """Show one agreement: its text in plain English, signatures, versions and the newest decisions under it."""
    shown = agreement_page_of(agreement_id, request.args.get("version", type=int))
    record_look("agreement", agreement=agreement_id, version=shown.record.agreement.version)
    return page("agreement.html", shown=shown, now=current_services().clock.now())
