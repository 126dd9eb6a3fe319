"""Help, and the answer to an address that leads nowhere."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from governance.console._pages import page
from governance.errors import NotFound
from governance.web.authentication import public


def register(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.get("/help")(help_page)
    blueprint.get("/<path:anything>")(nowhere)


@public("it explains the service and says nothing about anybody")
def help_page() -> ResponseReturnValue:
    """Explain the console to people who review accesses."""
    return page("help.html")


@public("it says that there is no such page, whoever asks")
def nowhere(anything: str) -> ResponseReturnValue:
    """Answer an address below the console that leads nowhere with a page."""
    raise NotFound("page.unknown", f"There is no page at an address of {len(anything)} characters.")
