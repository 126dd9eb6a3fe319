"""Alerts: the list, one alert with its evidence and chain of authority, and its review."""

from http import HTTPStatus

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from governance.alerts import Alert
from governance.console._alerts import alert_of, alert_page_of, alerts_of, notices_query_of, query_of
from governance.console._guard import signed_in, viewer
from governance.console._names import trust_names
from governance.console._pages import page, submitted
from governance.console._reading import record_look
from governance.console.forms import AlertFilterForm, CloseForm, CommentForm, NoticeFilterForm, UnmaskForm
from governance.vocabulary import AlertState, Scope, Verdict
from governance.web.authentication import current_caller
from governance.web.services import current_services

PAGE = 20


def register(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.get("/alerts")(alerts_page)
    blueprint.get("/notices")(alerts_notices)
    blueprint.get("/alerts/<alert_id>")(alert_page)
    blueprint.post("/alerts/<alert_id>/assign")(alert_assign)
    blueprint.post("/alerts/<alert_id>/comment")(alert_comment)
    blueprint.add_url_rule("/alerts/<alert_id>/close", view_func=alert_close, methods=["GET", "POST"])
    blueprint.add_url_rule("/alerts/<alert_id>/unmask", view_func=alert_unmask, methods=["GET", "POST"])


@signed_in(Scope.ALERTS_READ)
def alerts_page() -> ResponseReturnValue:
    """List the alerts of the viewer's trust, newest first."""
    form = AlertFilterForm(request.args)
    query = query_of(form.state.data, form.severity.data, request.args.get("before", type=int))
    record_look("alerts", state=form.state.data, severity=form.severity.data)
    return page("alerts.html", form=form, found=alerts_of(query, PAGE), first=query.before is None)


@signed_in(Scope.ALERTS_READ)
def alerts_notices() -> ResponseReturnValue:
    """List the notices of the viewer's trust, newest first: those to review, unless all are asked for."""
    form = NoticeFilterForm(request.args)
    query = notices_query_of(form.review.data, request.args.get("before", type=int))
    record_look("notices", review=form.review.data)
    return page("notices.html", form=form, found=alerts_of(query, PAGE), first=query.before is None)


@signed_in(Scope.ALERTS_READ)
def alert_page(alert_id: str) -> ResponseReturnValue:
    """Show one alert."""
    return _alert(alert_id, CommentForm())


@signed_in(Scope.ALERTS_REVIEW)
def alert_assign(alert_id: str) -> ResponseReturnValue:
    """Put the viewer in charge of the alert."""
    current_services().uses.alerts.assign(viewer(), alert_id, current_caller().id)
    flash("You are in charge of this alert.", "done")
    return _back_to(alert_id)


@signed_in(Scope.ALERTS_REVIEW)
def alert_comment(alert_id: str) -> ResponseReturnValue:
    """Add the viewer's comment."""
    form = CommentForm(request.form)
    if not submitted(form):
        return _alert(alert_id, form, HTTPStatus.BAD_REQUEST)
    current_services().uses.alerts.comment(viewer(), alert_id, form.comment.data or "")
    flash("Your comment was added.", "done")
    return _back_to(alert_id)


@signed_in(Scope.ALERTS_REVIEW)
def alert_close(alert_id: str) -> ResponseReturnValue:
    """Ask for the verdict of the viewer's trust and a reason; the alert closes once nobody else's is wanted."""
    alerts, form = current_services().uses.alerts, CloseForm(request.form)
    if not submitted(form):
        status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
        return page("close.html", status, alert=alert_of(alert_id), form=form)
    given = alerts.close(viewer(), alert_id, Verdict(form.verdict.data), form.reason.data or "")
    closed = given.case.state is AlertState.CLOSED
    flash("The alert is closed." if closed else "Your trust's verdict is given. Others are still asked.", "done")
    return _back_to(alert_id)


@signed_in(Scope.ALERTS_REVIEW)
def alert_unmask(alert_id: str) -> ResponseReturnValue:
    """Ask for a reason, and show once who is behind the alert; the room records it before anything is shown."""
    alerts, form = current_services().uses.alerts, UnmaskForm(request.form)
    if not submitted(form):
        status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
        return page("unmask.html", status, alert=alert_of(alert_id), form=form)
    shown = alerts.unmask(viewer(), alert_id, form.reason.data or "")
    return page("unmasked.html", alert=alert_of(alert_id), shown=shown)


def _alert(alert_id: str, form: CommentForm, status: HTTPStatus = HTTPStatus.OK) -> ResponseReturnValue:
    shown = alert_page_of(alert_id)
    record_look("alert", shown.alert.patient, alert=shown.alert.id)
    return page(
        "alert.html", status, shown=shown, form=form, names=trust_names(), me=viewer().id, asked=_asked(shown.alert)
    )


def _back_to(alert_id: str) -> ResponseReturnValue:
    return redirect(url_for("console.alert_page", alert_id=alert_id), HTTPStatus.SEE_OTHER)


def _asked(alert: Alert) -> bool:
    """Say whether the verdict of the viewer's trust is still wanted."""
    return any(party.ods == viewer().ods for party in alert.case.waits_for)
