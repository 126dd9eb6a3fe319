"""One entry of the audit log, with the proof that it is there."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from governance.console._events import event_page_of, proven
from governance.console._guard import signed_in
from governance.console._pages import page
from governance.console._reading import record_look
from governance.vocabulary import Scope


def register(blueprint: Blueprint) -> None:
    """Add the route."""
    blueprint.get("/events/<int:index>")(event_page)


@signed_in(Scope.AUDIT_READ)
def event_page(index: int) -> ResponseReturnValue:
    """Show one event, its place in the chain of authority, and its inclusion proof."""
    shown = event_page_of(index)
    record_look("event", shown.row.patient, index=index)
    return page("event.html", shown=proven(shown))
