"""Agreements: the list with status and expiry, one agreement in plain English, and what a change of it would do."""

from http import HTTPStatus

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from governance.agreements import Transition
from governance.console._agreements import agreement_of, agreement_page_of, agreements_of
from governance.console._guard import signed_in, viewer
from governance.console._impact import impact_of, possible_changes
from governance.console._pages import page
from governance.console._reading import record_look
from governance.console.forms import ImpactForm
from governance.vocabulary import Scope
from governance.web.services import current_services


def register(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.get("/agreements")(agreements_page)
    blueprint.get("/agreements/<agreement_id>")(agreement_page)
    blueprint.get("/agreements/<agreement_id>/impact")(agreement_impact)


@signed_in(Scope.AGREEMENTS_READ)
def agreements_page() -> ResponseReturnValue:
    """List the agreements the viewer's trust is a party of."""
    now = current_services().infrastructure.clock.now()
    return page("agreements.html", found=agreements_of(viewer().ods, now), now=now)


@signed_in(Scope.AGREEMENTS_READ)
def agreement_page(agreement_id: str) -> ResponseReturnValue:
    """Show one agreement: its text in plain English, signatures, versions and the newest decisions under it."""
    shown = agreement_page_of(agreement_id, request.args.get("version", type=int))
    record_look("agreement", agreement=agreement_id, version=shown.record.agreement.version)
    return page("agreement.html", shown=shown, now=current_services().infrastructure.clock.now())


@signed_in(Scope.AGREEMENTS_READ)
def agreement_impact(agreement_id: str) -> ResponseReturnValue:
    """Ask what is thought of, and show who, as far as the viewer's trust is concerned, would gain or lose access."""
    record = agreement_of(agreement_id, request.args.get("version", type=int))
    changes = possible_changes(record)
    form = ImpactForm(request.args)
    form.offer(changes)
    asked = bool(changes) and "days" in request.args
    if not asked or not form.validate():
        status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
        return page("impact.html", status, record=record, changes=changes, form=form, answer=None)
    answer = impact_of(record, Transition(form.change.data), int(form.days.data))
    record_look(
        "impact",
        agreement=agreement_id,
        version=record.agreement.version,
        change=form.change.data,
        days=int(form.days.data),
        returned=answer.asked + answer.set_aside,
    )
    return page("impact.html", record=record, changes=changes, form=form, answer=answer)
