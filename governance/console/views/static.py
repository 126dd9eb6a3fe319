"""The console's own files and the design system's: style sheets, a script, icons."""

from pathlib import Path

from flask import Blueprint, send_from_directory
from flask.typing import ResponseReturnValue

from governance.web.authentication import public

FOLDER = Path(__file__).resolve().parents[1] / "static"


def register(blueprint: Blueprint) -> None:
    """Add the route."""
    blueprint.get("/static/<path:filename>", endpoint="static")(static)


@public("style sheets, scripts and icons say nothing about anybody, and the sign-in page needs them")
def static(filename: str) -> ResponseReturnValue:
    """Send one file; a browser asks again each time and gets 304 when nothing changed."""
    return send_from_directory(FOLDER, filename, max_age=0)
