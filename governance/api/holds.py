"""Legal holds: set, list and end them. While one holds, nothing of the person, or of those a case names, is erased."""

from dataclasses import asdict

from flask import Blueprint, Response, jsonify

from governance.api import holds_schemas as schemas
from governance.api.alerts import viewer
from governance.erasure import Hold, NewHold
from governance.vocabulary import Scope
from governance.web import current_caller, current_services, operation, requires, subject_of
from governance.web.body import query as read_query
from governance.web.body import validated

blueprint = Blueprint("holds", __name__)


@blueprint.get("/erasure/v1/holds")
@requires(Scope.ERASURE_HOLD)
@operation(summary="List legal holds", tag="holds", query=schemas.HoldsQuery, response=schemas.HoldsPage)
def holds() -> Response:
    """Give the holds of the caller's trust by their ids; of every trust to a region-wide caller."""
    asked = read_query(schemas.HoldsQuery)
    found = current_services().uses.holds.list(viewer(), ended=asked.ended, after=asked.cursor, limit=asked.limit + 1)
    shown = [_view(hold) for hold in found[: asked.limit]]
    page = schemas.HoldsPage(holds=shown, cursor=shown[-1].id if len(found) > asked.limit else None)
    return jsonify(page.model_dump(mode="json"))


@blueprint.post("/erasure/v1/holds")
@requires(Scope.ERASURE_HOLD)
@operation(
    summary="Put a person or a case on hold",
    tag="holds",
    request=schemas.HoldBody,
    response=schemas.HoldView,
    status=201,
    refusals={409: "The person was erased before."},
    example={"case": "a-wcfd4s2yqk3tnx6m7z5v", "reason": "Claim 2026/117: keep everything until it is settled."},
)
def set_hold() -> Response:
    """Set a hold; it counts at once, for every trust."""
    asked = validated(schemas.HoldBody)
    made = current_services().uses.holds.set(viewer(), subject_of(current_caller()), NewHold(**asked.model_dump()))
    response = jsonify(_view(made).model_dump(mode="json"))
    response.status_code = 201
    return response


@blueprint.post("/erasure/v1/holds/<hold_id>/end")
@requires(Scope.ERASURE_HOLD)
@operation(
    summary="End a legal hold",
    tag="holds",
    request=schemas.EndBody,
    response=schemas.HoldView,
    refusals={409: "It was ended before."},
    example={"reason": "The claim was settled on 3 November."},
)
def end_hold(hold_id: str) -> Response:
    """End a hold of the caller's trust; who ended it and why stays on file."""
    asked = validated(schemas.EndBody)
    ended = current_services().uses.holds.end(viewer(), subject_of(current_caller()), hold_id, asked.reason)
    return jsonify(_view(ended).model_dump(mode="json"))


def _view(hold: Hold) -> schemas.HoldView:
    return schemas.HoldView(**asdict(hold))
