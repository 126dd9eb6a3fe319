"""Impact analysis: who would gain and who would lose access if an agreement changed. Every look is itself recorded.

A caller of a trust asks about agreements its trust is a party of, and sees decisions on its own people or images.
"""

from flask import Blueprint, Response, jsonify

from governance.api.agreements import impact_schemas as schemas
from governance.api.audit._looks import Look, record_look
from governance.impact import Question
from governance.vocabulary import Scope
from governance.web import current_caller, current_services, operation, requires
from governance.web.body import validated

blueprint = Blueprint("impact", __name__, url_prefix="/agreements/v1")
DECISIONS_MAXIMUM = 20_000  # decisions one request replays; the command line replays any number
_ENDPOINT = "/agreements/v1/impact"


@blueprint.post("/impact")
@requires(Scope.AGREEMENTS_READ)
@operation(
    summary="Tell who would gain and who would lose access if an agreement changed",
    tag="agreements",
    request=schemas.ImpactRequest,
    response=schemas.ImpactView,
)
def impact() -> Response:
    """Replay the logged decisions of a period against a draft, or a version that is activated, suspended or ended."""
    asked, services, caller = validated(schemas.ImpactRequest), current_services(), current_caller()
    question = Question(schemas.changes_of(asked), asked.since, asked.until, asked.examples, caller.ods)
    report = services.uses.impact.analyse(question, DECISIONS_MAXIMUM)
    look = Look(_ENDPOINT, tuple(asked.model_dump(exclude_none=True, exclude={"examples"})))
    recorded_as = record_look(services, caller, look, report.tally.decisions)
    return jsonify(schemas.view_of(report, recorded_as).model_dump(mode="json"))
