"""Console: where people read what happened and come to a verdict.

Rules of this room:

1. A view parses, makes one call, and renders. What a page shows is assembled in a module of its own, beside the views.
2. Nobody reads the audit log unseen: the look is in the log before the page leaves (``_reading``).
3. People see pseudonyms. An identifier is shown once, to somebody who may review alerts, for a reason they gave.
4. A patient's number is only ever sent in a body; addresses carry pseudonyms, indexes and ids.
5. Every POST carries a form token. A page needs no script: scripts only make it nicer.
6. A page is read from one snapshot by a fixed number of statements, however much it shows (``_context.snapshot``).
7. Who was asked something signs in for that alone: an account is not needed, and nothing else opens.
8. Every page passes axe, works from the keyboard, and fits 390 pixels.

Example: ``app.register_blueprint(console.blueprint)`` puts every page below ``/console``.
"""

from flask import Blueprint, request
from flask.blueprints import BlueprintSetupState
from flask_wtf.csrf import CSRFProtect

from governance.console import _errors
from governance.console.views import (
    agreements,
    alerts,
    asked,
    decisions,
    events,
    help_pages,
    home,
    patients,
    questions,
    reasons,
    sample,
    sign_in,
    static,
    suppressions,
)
from governance.errors import TooManyRequests
from governance.vocabulary import EventKind
from governance.web.characters import check_form
from governance.web.refusals import address, note
from governance.web.services import current_services
from governance.web.sessions import current_session

__all__ = ["blueprint"]

_csrf = CSRFProtect()

blueprint = Blueprint("console", __name__, url_prefix="/console")
_VIEWS = (
    static,
    sign_in,
    home,
    alerts,
    suppressions,
    questions,
    sample,
    asked,
    events,
    decisions,
    patients,
    reasons,
    agreements,
    help_pages,
)
for _module in _VIEWS:
    _module.register(blueprint)
_errors.register(blueprint)


blueprint.before_request(check_form)


@blueprint.before_request
def _spend() -> None:
    """Spend of the budget of whoever asks for a page: the person signed in, or the address; files cost nothing."""
    if request.endpoint == "console.static":
        return
    person, budgets = current_session().person, current_services().infrastructure.budgets
    try:
        if person is not None:
            budgets.page.spend((person.issuer, person.subject))
        else:
            budgets.visit.spend(address())
    except TooManyRequests as error:
        note(EventKind.LOGIN, error.reason, detail={"at": "console"})
        raise


@blueprint.before_request
def _check_form_token() -> None:
    """Refuse a POST without its form token (rule 5)."""
    _csrf.protect()


@blueprint.record_once
def _prepare(state: BlueprintSetupState) -> None:
    """Tie form tokens to the session alone: it has a lifetime of its own, and the API has none to protect."""
    state.app.config.setdefault("WTF_CSRF_CHECK_DEFAULT", False)
    state.app.config.setdefault("WTF_CSRF_TIME_LIMIT", None)
    _csrf.init_app(state.app)
