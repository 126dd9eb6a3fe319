"""Rendering: one Jinja environment of the console's own, with the NHS design system's macros.

1. The macros need ``ChainableUndefined``, which would hide a misspelt attribute in our templates too. So a missing
   attribute of one of our frozen dataclasses is an error, and only a missing key of a macro's parameters is nothing.
2. Everything is escaped. The macros trust their ``html`` parameters, so data goes only into ``text``; the few places
   that build ``html`` build it from a template block, which escapes.
3. A page knows who is signed in, its nonce, and its form token; nothing else comes from the request.
"""

from dataclasses import is_dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from flask import Response, get_flashed_messages, request, url_for
from flask_wtf.csrf import generate_csrf
from jinja2 import ChainableUndefined, ChoiceLoader, Environment, PackageLoader, UndefinedError
from jinja2.utils import missing
from wtforms import Form

from governance.console import _formats as formats
from governance.console import _questions_wording as asking
from governance.console import _wording as wording
from governance.console import forms
from governance.console._guard import may
from governance.console._names import trust_names
from governance.console._rows import named
from governance.console._rules import alert_title, rules_of
from governance.console._scopes import scopes_of
from governance.vocabulary import Role, Scope
from governance.web.security_headers import csp_nonce
from governance.web.sessions import SignedInPerson, current_session

_SECTIONS = (
    ("Home", "home", "home", Scope.ALERTS_READ),
    ("Alerts", "alerts_page", "alert", Scope.ALERTS_READ),
    ("Random audit", "sample_page", "sample", Scope.ALERTS_READ),
    ("Patient access", "patients_page", "patient", Scope.ALERTS_REVIEW),
    ("Agreements", "agreements_page", "agreement", Scope.AGREEMENTS_READ),
    ("Help", "help_page", "help", Scope.ALERTS_READ),
)


class StrictForOurs(ChainableUndefined):
    """Nothing, for a key that a macro's caller left out; an error, for an attribute that our data does not have."""

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        exc: type[Exception] = UndefinedError,
    ) -> None:
        if obj is not missing and (is_dataclass(obj) or isinstance(obj, StrEnum)):
            raise UndefinedError(f"{type(obj).__name__} has no {name}")
        super().__init__(hint, obj, name, exc)  # type: ignore[arg-type]


def environment() -> Environment:
    """Build the environment: our templates first, then the design system's."""
    made = Environment(
        loader=ChoiceLoader([PackageLoader("governance.console"), PackageLoader("nhsuk_frontend_jinja")]),
        undefined=StrictForOurs,
        autoescape=True,
        extensions=["jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        on_date=formats.on_date,
        on_date_at=formats.on_date_at,
        at_time=formats.at_time,
        short_id=formats.short_id,
        size=formats.size,
        nhs_number=formats.nhs_number,
        reason_sentence=wording.reason_sentence,
        role_name=wording.role_name,
        explanation_name=wording.explanation_name,
    )
    made.globals.update(
        counted=formats.counted,
        time_ago=formats.time_ago,
        alert_title=alert_title,
        rules_of=rules_of,
        words=wording,
        asking=asking,
        url_for=url_for,
        csrf_token=generate_csrf,
        forms=forms,
        may=may,
        Scope=Scope,
    )
    return made


_environment = environment()


def page(template: str, status: HTTPStatus = HTTPStatus.OK, **values: object) -> Response:
    """Render a page for whoever is signed in.

    Args:
        template: its file below ``templates/``.
        status: the HTTP status.
        values: what the template names.
    """
    body = _environment.get_template(template).render(_frame() | values)
    return Response(body, status=status, content_type="text/html; charset=utf-8")


def submitted(form: Form) -> bool:
    """Say whether this request sends the form and everything in it is right."""
    return request.method == "POST" and form.validate()


def _frame() -> dict[str, Any]:
    """Give what the layout of every page needs."""
    person = current_session().person
    return {
        "assetPath": url_for("console.static", filename="vendor/assets"),
        "cspNonce": csp_nonce(),
        "containerClasses": "app-width",
        "navigation": _navigation(person) if person else (),
        "person": person,
        "person_role": _role_of(person.roles) if person else None,
        "person_trust": named(person.ods, trust_names()) if person else None,
        "messages": get_flashed_messages(with_categories=True),
    }


def _navigation(person: SignedInPerson) -> list[dict[str, object]]:
    """Give the top navigation: the pages of the person's roles, the present section marked."""
    scopes = scopes_of(person.roles)
    here = (request.endpoint or "").rpartition(".")[2].partition("_")[0].rstrip("s")
    return [
        {"text": text, "href": url_for(f"console.{endpoint}"), "active": here == section}
        for text, endpoint, section, scope in _SECTIONS
        if scope in scopes
    ]


def _role_of(roles: frozenset[Role]) -> str:
    return ", ".join(wording.ROLES[role] for role in sorted(roles)) or "Signed in to answer a question"
