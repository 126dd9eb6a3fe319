"""How many looks at images had a recorded reason, by trust, role and kind of reason."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from governance.console._context import snapshot
from governance.console._guard import signed_in, viewer
from governance.console._names import trust_names
from governance.console._pages import page
from governance.console._reading import record_look
from governance.console._reasons import DAYS, shares
from governance.vocabulary import Scope
from governance.web.services import current_services


def register(blueprint: Blueprint) -> None:
    """Add the route."""
    blueprint.get("/reasons")(reasons_page)


@signed_in(Scope.ALERTS_READ)
def reasons_page() -> ResponseReturnValue:
    """Show the shares of the last weeks."""
    services = current_services()
    record_look("reasons")
    with snapshot() as session:
        found = shares(
            session, services.uses.explanations, trust_names(), viewer().ods, services.infrastructure.clock.now()
        )
    return page("reasons.html", found=found, days=DAYS)
