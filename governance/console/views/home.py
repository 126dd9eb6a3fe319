"""The first page: what needs somebody today."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from governance.console._context import snapshot
from governance.console._guard import current_person, signed_in, viewer
from governance.console._home import overview
from governance.console._pages import page
from governance.console._reading import record_look
from governance.vocabulary import Scope
from governance.web.services import current_services


def register(blueprint: Blueprint) -> None:
    """Add the route."""
    blueprint.get("/")(home)


@signed_in(Scope.ALERTS_READ)
def home() -> ResponseReturnValue:
    """Show counts, what waits for the viewer, agreements that end soon, and the state of the log."""
    services = current_services()
    record_look("home")
    with snapshot() as session:
        found = overview(
            session,
            services.uses.alerts,
            services.registers.agreements,
            services.infrastructure.audit,
            viewer(),
            current_person().ods,
            services.infrastructure.clock.now(),
        )
    return page("home.html", overview=found, now=services.infrastructure.clock.now())
