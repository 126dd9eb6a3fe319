"""How a view reaches the services of its application."""

from typing import cast

from flask import current_app

from governance.bootstrap import Services

EXTENSION = "governance"


def current_services() -> Services:
    """Give the services of the application that handles this request."""
    return cast("Services", current_app.extensions[EXTENSION])
