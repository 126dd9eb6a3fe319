"""The one check of the characters in a request: what no database keeps is refused before anything is done with it.

JSON bodies are checked where they are read (:mod:`governance.web.body`); here stands what Flask reads by itself: the
variable parts of a path, the query, and the fields of a form.
"""

from collections.abc import Iterable

from flask import Flask, request

from governance.errors import Fault, InvalidInput
from governance.vocabulary.text import REFUSED, keepable


def install(app: Flask) -> None:
    """Check the path and the query of every request of an application."""
    app.before_request(_check_address)


def check_form() -> None:
    """Check the fields of a form. Raises InvalidInput that names each at fault."""
    refuse(request.form.items(multi=True))


def refuse(pairs: Iterable[tuple[str, str]]) -> None:
    """Refuse names and values that no database keeps. Raises InvalidInput that names each at fault."""
    refuse_at(f"/{name}" if keepable(name) else "" for name, value in pairs if not (keepable(name) and keepable(value)))


def refuse_at(pointers: Iterable[str]) -> None:
    """Refuse a request for the texts at these pointers, if there are any. Raises InvalidInput that names each."""
    faults = [Fault(pointer, REFUSED) for pointer in pointers]
    if faults:
        raise InvalidInput(faults, "A character of this request can be kept nowhere.", "input.characters")


def _check_address() -> None:
    parts = [(name, value) for name, value in (request.view_args or {}).items() if isinstance(value, str)]
    refuse([*parts, *request.args.items(multi=True)])
