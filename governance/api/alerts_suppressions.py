"""Suppressions and known relations: list, set, approve and end them, and look at what they held back."""

from flask import Blueprint, Response, jsonify

from governance.alerts import NewSuppression, Suppression
from governance.api import alerts_suppressions_schemas as schemas
from governance.api.alerts import viewer
from governance.vocabulary import Scope
from governance.web import current_services, operation, requires
from governance.web.body import query as read_query
from governance.web.body import validated

blueprint = Blueprint("suppressions", __name__)


@blueprint.get("/alerts/v1/suppressions")
@requires(Scope.ALERTS_READ)
@operation(
    summary="List suppressions and known relations",
    tag="alerts",
    query=schemas.SuppressionsQuery,
    response=schemas.SuppressionsPage,
)
def suppressions() -> Response:
    """Give those of the caller's trust by their ids, and those of the region that are for all of it."""
    asked, services = read_query(schemas.SuppressionsQuery), current_services()
    found = services.uses.alerts.suppressions.page(
        viewer(), ended=asked.ended, after=asked.cursor, limit=asked.limit + 1
    )
    now = services.infrastructure.clock.now()
    shown = [schemas.view_of(held, now) for held in found[: asked.limit]]
    page = schemas.SuppressionsPage(suppressions=shown, cursor=shown[-1].id if len(found) > asked.limit else None)
    return jsonify(page.model_dump(mode="json"))


@blueprint.get("/alerts/v1/suppressions/<suppression_id>")
@requires(Scope.ALERTS_READ)
@operation(summary="Read one suppression and what it held back", tag="alerts", response=schemas.SuppressionWhole)
def suppression(suppression_id: str) -> Response:
    """Give one of the caller's trust, with the latest findings that it held back."""
    services = current_services()
    held, withheld = services.uses.alerts.suppressions.withheld(viewer(), suppression_id)
    whole = schemas.whole_of(held, withheld, services.infrastructure.clock.now())
    return jsonify(whole.model_dump(mode="json"))


@blueprint.post("/alerts/v1/suppressions")
@requires(Scope.ALERTS_REVIEW)
@operation(
    summary="Hold findings back, or vouch for a relation",
    tag="alerts",
    request=schemas.SuppressionBody,
    response=schemas.SuppressionView,
    status=201,
    example={
        "rule": "mass_export",
        "subject": "teaching-radiologist-12",
        "reason": "Exports the teaching files of this term; agreed with the Caldicott Guardian.",
        "expires_at": "2026-12-18T00:00:00Z",
    },
)
def set_suppression() -> Response:
    """Hold findings back; for a whole trust, or for everybody, once a second person has approved it."""
    asked, services = validated(schemas.SuppressionBody), current_services()
    keyed = services.infrastructure.pseudonymiser
    wanted = NewSuppression(
        kind=asked.kind,
        reason=asked.reason,
        expires_at=asked.expires_at,
        rule=asked.rule,
        signal=asked.signal,
        subject=_keyed_subject(asked.subject),
        team=None if asked.team is None else keyed.subject(asked.team),
        patient=None if asked.patient is None else keyed.patient(asked.patient),
        trust=asked.trust,
    )
    response = _answer(services.uses.alerts.suppressions.set(viewer(), wanted))
    response.status_code = 201
    return response


@blueprint.post("/alerts/v1/suppressions/<suppression_id>/approve")
@requires(Scope.ALERTS_REVIEW)
@operation(
    summary="Approve a suppression as a second person",
    tag="alerts",
    response=schemas.SuppressionView,
    refusals={409: "It waits for no approval."},
)
def approve_suppression(suppression_id: str) -> Response:
    """Approve what somebody else of the trust set."""
    return _answer(current_services().uses.alerts.suppressions.approve(viewer(), suppression_id))


@blueprint.post("/alerts/v1/suppressions/<suppression_id>/end")
@requires(Scope.ALERTS_REVIEW)
@operation(
    summary="End a suppression before its time",
    tag="alerts",
    request=schemas.SuppressionEnd,
    response=schemas.SuppressionView,
    refusals={409: "It was ended before."},
    example={"reason": "The term is over."},
)
def end_suppression(suppression_id: str) -> Response:
    """End one of the caller's trust; findings are raised again from here on."""
    asked = validated(schemas.SuppressionEnd)
    return _answer(current_services().uses.alerts.suppressions.end(viewer(), suppression_id, asked.reason))


def _keyed_subject(given: str | None) -> str | None:
    """Give the pseudonym of a person; a registered service is called by its id."""
    if given is None:
        return None
    services = current_services()
    with services.infrastructure.database.reading() as session:
        client = services.registers.federation.filed_client(session, given)
    return given if client is not None else services.infrastructure.pseudonymiser.subject(given)


def _answer(held: Suppression) -> Response:
    now = current_services().infrastructure.clock.now()
    return jsonify(schemas.view_of(held, now).model_dump(mode="json"))
