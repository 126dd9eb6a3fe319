"""The random audit: what it says, what was drawn, a verdict, and the rate."""

from http import HTTPStatus

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from governance.console._context import snapshot
from governance.console._guard import signed_in, viewer
from governance.console._names import trust_names
from governance.console._pages import page, submitted
from governance.console._reading import record_look
from governance.console.forms import CloseForm, SampleRateForm
from governance.detection.sampling import SampleQuery
from governance.vocabulary import Scope, Verdict
from governance.web.services import current_services

PAGE = 20
_JUDGED = {"waiting": False, "judged": True}


def register(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.get("/sample")(sample_page)
    blueprint.add_url_rule("/sample/<int:index>", view_func=sample_look, methods=["GET", "POST"])
    blueprint.add_url_rule("/sample/rate", view_func=sample_rate, methods=["GET", "POST"])


@signed_in(Scope.ALERTS_READ)
def sample_page() -> ResponseReturnValue:
    """Show what the random audit says of the viewer's trust, and what was drawn."""
    shown, before = request.args.get("show", "waiting"), request.args.get("before", type=int)
    query = SampleQuery(_JUDGED.get(shown), before, PAGE)
    record_look("sample", show=shown if shown in _JUDGED else "all")
    with snapshot() as session:
        sampling = current_services().uses.sampling
        found = sampling.list_in(session, viewer(), query)
        summaries = sampling.summaries_in(session, viewer())
    more = found[PAGE - 1].index if len(found) > PAGE else None
    return page("sample.html", found=found[:PAGE], summaries=summaries, show=shown, first=before is None, more=more)


@signed_in(Scope.ALERTS_REVIEW)
def sample_look(index: int) -> ResponseReturnValue:
    """Show a drawn look, and take a verdict on it."""
    form, sampling = CloseForm(request.form), current_services().uses.sampling
    with snapshot() as session:
        drawn = sampling.get_in(session, viewer(), index)
    if not submitted(form):
        status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
        record_look("sample_look", drawn.patient, index=index)
        return page("sample_look.html", status, drawn=drawn, form=form, names=trust_names())
    sampling.judge(viewer(), index, Verdict(form.verdict.data), form.reason.data or "")
    flash("Your verdict was recorded.", "done")
    return redirect(url_for("console.sample_page"), HTTPStatus.SEE_OTHER)


@signed_in(Scope.ALERTS_REVIEW)
def sample_rate() -> ResponseReturnValue:
    """Choose the share that is drawn for the viewer's trust."""
    form, sampling = SampleRateForm(request.form), current_services().uses.sampling
    if not submitted(form):
        status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
        with snapshot() as session:
            (summary,) = sampling.summaries_in(session, viewer())
        return page("sample_rate.html", status, summary=summary, form=form)
    sampling.choose_rate(viewer(), None, float(form.percent.data or 0) / 100)
    flash("The share was changed. It counts for days that end from now on.", "done")
    return redirect(url_for("console.sample_page"), HTTPStatus.SEE_OTHER)
