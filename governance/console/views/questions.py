"""An officer's part of questions: asking from an alert, and ruling on an answer."""

from http import HTTPStatus

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from governance.console._alerts import alert_of
from governance.console._asking import question_of
from governance.console._guard import signed_in, viewer
from governance.console._pages import page, submitted
from governance.console.forms import CONFIRM, AskForm, RuleForm
from governance.inquiries import Asked
from governance.vocabulary import Scope
from governance.web.services import current_services


def register(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/alerts/<alert_id>/ask", view_func=alert_ask, methods=["GET", "POST"])
    blueprint.add_url_rule(
        "/alerts/<alert_id>/questions/<reference>", view_func=alert_question, methods=["GET", "POST"]
    )


@signed_in(Scope.ALERTS_REVIEW)
def alert_ask(alert_id: str) -> ResponseReturnValue:
    """Ask the person an alert is about, or their manager."""
    form = AskForm(request.form)
    if not submitted(form):
        status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
        return page("ask.html", status, alert=alert_of(alert_id), form=form)
    inquiry = current_services().uses.inquiries.ask(viewer(), alert_id, Asked(form.asked.data), form.why.data or "")
    flash(f"The question {inquiry.reference} is open until it is answered, for 14 days at most.", "done")
    return _back_to(alert_id)


@signed_in(Scope.ALERTS_REVIEW)
def alert_question(alert_id: str, reference: str) -> ResponseReturnValue:
    """Confirm or reject an answer."""
    form, inquiries = RuleForm(request.form), current_services().uses.inquiries
    if not submitted(form):
        status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
        question = question_of(alert_id, reference)
        return page("rule.html", status, alert=alert_of(alert_id), question=question, form=form)
    rule = inquiries.confirm if form.ruling.data == CONFIRM else inquiries.reject
    rule(viewer(), alert_id, reference, form.reason.data or "")
    flash("Your ruling on the answer was recorded.", "done")
    return _back_to(alert_id)


def _back_to(alert_id: str) -> ResponseReturnValue:
    return redirect(url_for("console.alert_page", alert_id=alert_id), HTTPStatus.SEE_OTHER)
