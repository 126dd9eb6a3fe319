"""One entry of the audit log, with the proof that it is there, and both as files for whoever is to check them."""

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from governance.console._events import event_page_of, proven
from governance.console._guard import signed_in
from governance.console._pages import page
from governance.console._reading import record_look
from governance.vocabulary import Scope
from governance.web.services import current_services


def register(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.get("/events/<int:index>")(event_page)
    blueprint.get("/events/<int:index>/entry")(event_entry)
    blueprint.get("/events/<int:index>/proof")(event_proof)


@signed_in(Scope.AUDIT_READ)
def event_page(index: int) -> ResponseReturnValue:
    """Show one event, its place in the chain of authority, and its inclusion proof."""
    shown = event_page_of(index)
    record_look("event", shown.row.patient, index=index)
    return page("event.html", shown=proven(shown))


@signed_in(Scope.AUDIT_READ)
def event_entry(index: int) -> ResponseReturnValue:
    """Hand out the bytes of one event as they were hashed; sealed fields stay sealed in them."""
    _look("event_entry", index)
    return _file(current_services().infrastructure.audit.entry_bytes(index), f"entry-{index}.json")


@signed_in(Scope.AUDIT_READ)
def event_proof(index: int) -> ResponseReturnValue:
    """Hand out the proof that one event is in the log (C2SP tlog-proof)."""
    _look("event_proof", index)
    return _file(current_services().infrastructure.audit.proof(index).text().encode(), f"entry-{index}.tlog-proof")


def _look(name: str, index: int) -> None:
    """Record the look at an event that the viewer may see; raises NotFound for any other."""
    record_look(name, event_page_of(index).row.patient, index=index)


def _file(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, content_type="application/octet-stream", headers=headers)
