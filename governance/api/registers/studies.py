"""Explicit acts on a study: its labels and its custodians, set by whoever they belong to.

Whose they are, and what is kept of the act, is in :mod:`governance.registers.studies`.
"""

from flask import Blueprint, Response, jsonify

from governance.api.registers import feed_schemas as schemas
from governance.api.registers._writer import current_writer
from governance.catalogue import Study
from governance.vocabulary import Scope
from governance.web import current_services, operation, requires
from governance.web.body import validated

blueprint = Blueprint("study_acts", __name__)


@blueprint.post("/catalogue/v1/studies/<study_uid>/labels")
@requires(Scope.CONTEXT_WRITE)
@operation(
    summary="Set the labels of a study",
    tag="context",
    request=schemas.LabelsBody,
    response=schemas.StudyAnswer,
)
def labels(study_uid: str) -> Response:
    """Replace a study's labels; one that is left out is taken away by all its custodians together."""
    labels = [label.value for label in validated(schemas.LabelsBody).labels]
    return _answer(current_services().uses.study_acts.labels(current_writer(), study_uid, labels))


@blueprint.post("/catalogue/v1/studies/<study_uid>/custodians")
@requires(Scope.CONTEXT_WRITE)
@operation(
    summary="Set who answers for a study",
    tag="context",
    request=schemas.CustodiansBody,
    response=schemas.StudyAnswer,
)
def custodians(study_uid: str) -> Response:
    """Replace a study's custodians; a trust that is left out gives it up itself."""
    body = validated(schemas.CustodiansBody)
    return _answer(current_services().uses.study_acts.custodians(current_writer(), study_uid, body.custodians))


def _answer(study: Study) -> Response:
    return jsonify({"id": study.study_uid, "custodians": list(study.custodians), "labels": sorted(study.labels)})
