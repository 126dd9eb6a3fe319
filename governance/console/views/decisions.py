"""One decision: what was asked, what was answered, and what came of it."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from governance.console._decisions import decision_page_of
from governance.console._guard import signed_in
from governance.console._pages import page
from governance.console._reading import record_look
from governance.vocabulary import Scope


def register(blueprint: Blueprint) -> None:
    """Add the route."""
    blueprint.get("/decisions/<decision_id>")(decision_page)


@signed_in(Scope.AUDIT_READ)
def decision_page(decision_id: str) -> ResponseReturnValue:
    """Show one decision with its tokens, its uses and its chain of authority."""
    shown = decision_page_of(decision_id)
    record_look("decision", shown.row.patient, decision=decision_id)
    return page("decision.html", shown=shown)
