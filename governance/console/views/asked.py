"""Questions to whoever was asked: the list of theirs, one question, and its answer."""

from http import HTTPStatus

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from governance.console._asking import AskedPage, asked_page_of, identity
from governance.console._guard import asked_person
from governance.console._pages import page, submitted
from governance.console._reading import record_look
from governance.console.forms import AnswerForm
from governance.inquiries import AnswerCode
from governance.web.services import current_services


def register(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.get("/asked")(asked_page)
    blueprint.add_url_rule("/asked/<reference>", view_func=asked_question, methods=["GET", "POST"])


@asked_person
def asked_page() -> ResponseReturnValue:
    """List the questions that the person signed in was asked."""
    return page("asked.html", found=current_services().uses.inquiries.mine(identity()))


@asked_person
def asked_question(reference: str) -> ResponseReturnValue:
    """Show a question to whoever was asked, and take the answer."""
    shown, form = asked_page_of(reference), AnswerForm(request.form)
    if not submitted(form):
        return _question(shown, form, HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK)
    code = AnswerCode(form.answer.data)
    current_services().uses.inquiries.answer(identity(), reference, code, form.words.data or "")
    flash("Thank you. Your answer was recorded.", "done")
    return redirect(url_for("console.asked_question", reference=reference), HTTPStatus.SEE_OTHER)


def _question(shown: AskedPage, form: AnswerForm, status: HTTPStatus) -> ResponseReturnValue:
    record_look("asked", inquiry=shown.inquiry.reference, part=shown.part.value)
    return page("asked_question.html", status, shown=shown, form=form)
