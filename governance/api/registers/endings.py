"""Ending what was registered: suspend, resume, delete, not-before, another key for an archive's enforcement point.

What each act does, and whose it is to do, is in :mod:`governance.registers.endings`.
"""

from typing import Any

from flask import Blueprint, Response, jsonify

from governance.api.registers import endings_schemas as schemas
from governance.api.registers._writer import current_writer
from governance.federation import Standing
from governance.vocabulary import Scope
from governance.web import current_services, operation, requires
from governance.web.body import validated

blueprint = Blueprint("endings", __name__)


@blueprint.get("/federation/v1/standings")
@requires(Scope.FEDERATION_READ)
@operation(summary="List what was suspended, deleted or bounded", tag="federation", response=schemas.StandingList)
def standings() -> Response:
    """Give where each registration stands that was ever ended and is the caller's to end; any other is in force."""
    found = current_services().uses.endings.standings(current_writer())
    return jsonify({"standings": [_shown(one) for one in found]})


@blueprint.post("/federation/v1/standings")
@requires(Scope.FEDERATION_WRITE)
@operation(
    summary="Suspend, resume, delete or bound a registration",
    tag="federation",
    request=schemas.EndingBody,
    response=schemas.StandingAnswer,
    refusals={404: "There is no such registration.", 409: "It was deleted: register it again."},
    example={"kind": "client", "client_id": "viewer.rkb", "act": "suspend"},
)
def end() -> Response:
    """Do one thing to a registration, at once for every process."""
    body = validated(schemas.EndingBody)
    endings = current_services().uses.endings
    return jsonify(_shown(endings.act(current_writer(), body.target(), body.act, body.not_before)))


def _shown(standing: Standing) -> dict[str, Any]:
    return schemas.StandingAnswer.of(standing).model_dump(mode="json")
