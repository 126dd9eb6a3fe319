"""Suppressions and known relations: the list, one with what it held back, and setting, approving and ending them."""

from datetime import timedelta
from http import HTTPStatus

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from governance.alerts import NewSuppression, SuppressionKind
from governance.alerts.suppressions import NEVER
from governance.console._alerts import alert_of
from governance.console._context import snapshot
from governance.console._guard import signed_in, viewer
from governance.console._pages import page, submitted
from governance.console._reading import record_look
from governance.console.forms import EndForm, SuppressionFilterForm, SuppressionForm
from governance.errors import InvalidInput
from governance.vocabulary import Scope
from governance.web.services import current_services

PAGE = 50


def register(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.get("/suppressions")(alerts_suppressions)
    blueprint.add_url_rule("/suppressions/new", view_func=alerts_suppression_new, methods=["GET", "POST"])
    blueprint.add_url_rule("/suppressions/<suppression_id>", view_func=alerts_suppression, methods=["GET", "POST"])
    blueprint.post("/suppressions/<suppression_id>/approve")(alerts_suppression_approve)


@signed_in(Scope.ALERTS_READ)
def alerts_suppressions() -> ResponseReturnValue:
    """List what is held back for the viewer's trust, and what it held back so far."""
    form, services = SuppressionFilterForm(request.args), current_services()
    record_look("suppressions", held=form.held.data)
    with snapshot() as session:
        found = services.uses.alerts.suppressions.page_in(
            session, viewer(), ended=form.held.data == "all", after=request.args.get("after"), limit=PAGE + 1
        )
    shown, more = found[:PAGE], len(found) > PAGE
    return page("suppressions.html", form=form, found=shown, more=more, now=services.infrastructure.clock.now())


@signed_in(Scope.ALERTS_REVIEW)
def alerts_suppression_new() -> ResponseReturnValue:
    """Ask what is to be held back, and hold it back; an alert that is named gives the first answers."""
    form = SuppressionForm(request.form)
    if request.method == "GET":
        _prefill(form, request.args.get("alert"))
    if submitted(form):
        try:
            made = current_services().uses.alerts.suppressions.set(viewer(), _wanted(form))
        except InvalidInput as error:
            form.name({fault.path.strip("/"): fault.message for fault in error.faults})
        else:
            flash("It waits for a second person." if made.needs_approval else "It is in force.", "done")
            return _to(made.id)
    return page("suppression_new.html", HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK, form=form)


@signed_in(Scope.ALERTS_READ)
def alerts_suppression(suppression_id: str) -> ResponseReturnValue:
    """Show one suppression and what it held back; officers of its trust end it here."""
    form = EndForm(request.form)
    if request.method == "POST":
        return _end(suppression_id, form)
    record_look("suppression", suppression=suppression_id)
    return _one(suppression_id, form)


@signed_in(Scope.ALERTS_REVIEW)
def alerts_suppression_approve(suppression_id: str) -> ResponseReturnValue:
    """Approve, as a second person."""
    current_services().uses.alerts.suppressions.approve(viewer(), suppression_id)
    flash("You approved it. It is in force.", "done")
    return _to(suppression_id)


@signed_in(Scope.ALERTS_REVIEW)
def _end(suppression_id: str, form: EndForm) -> ResponseReturnValue:
    if not submitted(form):
        return _one(suppression_id, form, HTTPStatus.BAD_REQUEST)
    current_services().uses.alerts.suppressions.end(viewer(), suppression_id, form.reason.data or "")
    flash("It has ended. Findings are raised again from now on.", "done")
    return _to(suppression_id)


def _one(suppression_id: str, form: EndForm, status: HTTPStatus = HTTPStatus.OK) -> ResponseReturnValue:
    services = current_services()
    with snapshot() as session:
        held, withheld = services.uses.alerts.suppressions.withheld_in(session, viewer(), suppression_id)
    now = services.infrastructure.clock.now()
    return page("suppression.html", status, held=held, withheld=withheld, form=form, now=now, me=viewer().id)


def _prefill(form: SuppressionForm, alert_id: str | None) -> None:
    if alert_id is None:
        return
    alert = alert_of(alert_id)
    form.subject.data, form.patient.data = alert.subject, alert.patient
    form.rule.data = next((rule for rule in alert.rule_ids if rule not in NEVER), None)


def _wanted(form: SuppressionForm) -> NewSuppression:
    """Give what the form asks for, in pseudonyms; a known relation has no detector and no team."""
    services = current_services()
    keyed, kind = services.infrastructure.pseudonymiser, SuppressionKind(form.kind.data)
    suppression = kind is SuppressionKind.SUPPRESSION
    return NewSuppression(
        kind=kind,
        reason=form.reason.data or "",
        expires_at=services.infrastructure.clock.now() + timedelta(days=int(form.days.data)),
        rule=(form.rule.data or None) if suppression else None,
        subject=keyed.subject(form.subject.data) if form.subject.data else None,
        team=keyed.subject(form.team.data) if suppression and form.team.data else None,
        patient=keyed.patient(form.patient.data) if form.patient.data else None,
    )


def _to(suppression_id: str) -> ResponseReturnValue:
    return redirect(url_for("console.alerts_suppression", suppression_id=suppression_id), HTTPStatus.SEE_OTHER)
