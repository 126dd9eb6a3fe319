"""Who looked at a patient's images."""

from http import HTTPStatus

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from governance.console._context import reasons, snapshot
from governance.console._guard import signed_in, viewer
from governance.console._names import trust_names
from governance.console._pages import page, submitted
from governance.console._reading import record_look
from governance.console._timeline import timeline
from governance.console.forms import PatientSearchForm, TimelineFilterForm
from governance.errors import NotFound
from governance.vocabulary import Scope
from governance.web.services import current_services


def register(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/patients", view_func=patients_page, methods=["GET", "POST"])
    blueprint.get("/patients/<patient>")(patients_timeline)


@signed_in(Scope.ALERTS_REVIEW)
def patients_page() -> ResponseReturnValue:
    """Ask for an NHS number in a form, and go on to the timeline under the pseudonym."""
    form = PatientSearchForm(request.form)
    if not submitted(form):
        return page("patients.html", HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK, form=form)
    pseudonym = current_services().infrastructure.pseudonymiser.patient(form.nhs_number.data or "")
    return redirect(url_for("console.patients_timeline", patient=pseudonym), HTTPStatus.SEE_OTHER)


@signed_in(Scope.AUDIT_READ)
def patients_timeline(patient: str) -> ResponseReturnValue:
    """Show the timeline of a patient, as far as the viewer's trust is concerned."""
    services, form = current_services(), TimelineFilterForm(request.args)
    if services.infrastructure.pseudonymiser.patient(patient) != patient:
        raise NotFound("patient.not_a_pseudonym", "There is no such patient.")
    trust = form.trust.data or None
    record_look("timeline", patient, trust=trust)
    before = request.args.get("before", type=int)
    search = services.infrastructure.audit_search
    with snapshot() as session:
        found = timeline(session, search, trust_names(), patient, viewer().ods, trust, before, reasons)
    trusts = {"": "All trusts"} | dict(found.trusts)
    return page("timeline.html", found=found, form=form, trusts=trusts, first=before is None)
