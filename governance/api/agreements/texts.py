"""Agreements: put on file, sign, activate, suspend, terminate and read; signatories' keys.

A caller of a trust sees the agreements its trust is a party of and acts for that trust only; a caller of no trust acts
for the network.
"""

from flask import Blueprint, Response, json, jsonify
from pydantic import BaseModel

from governance.agreements import Actor, Agreement, Record
from governance.agreements.documents import schema
from governance.api.agreements import schemas
from governance.vocabulary import Scope
from governance.web import current_caller, current_services, operation, public, requires
from governance.web.body import json_object, query, validated

blueprint = Blueprint("agreements", __name__, url_prefix="/agreements/v1")
_TAG = "agreements"


@blueprint.get("/agreements")
@requires(Scope.AGREEMENTS_READ)
@operation(summary="List agreements by name", tag=_TAG, query=schemas.ListQuery, response=schemas.AgreementPage)
def agreements() -> Response:
    """List versions that were not superseded, by status and party, a page at a time."""
    asked = query(schemas.ListQuery)
    found = current_services().registers.agreements.list(
        asked.status, asked.ods, _position(asked.cursor), asked.limit, seen_by=current_caller().ods
    )
    following = None if found.after is None else f"{found.after[0]}.{found.after[1]}"
    lines = [schemas.line_of(record) for record in found.records]
    return _answer(schemas.AgreementPage(agreements=lines, next=following))


@blueprint.post("/agreements")
@requires(Scope.AGREEMENTS_WRITE)
@operation(
    summary="Put a new agreement or a new version on file as a draft",
    tag=_TAG,
    request=Agreement,
    response=schemas.AgreementView,
    status=201,
)
def load() -> Response:
    """Check a document and keep it; every fault is named by its path. The same text again changes nothing."""
    (record,) = current_services().registers.agreements.load([json_object()], _actor())
    response = _whole(record)
    response.status_code = 201
    response.headers["Location"] = f"{blueprint.url_prefix}/agreements/{record.agreement.id}"
    return response


@blueprint.get("/agreements/<agreement_id>")
@requires(Scope.AGREEMENTS_READ)
@operation(summary="Read an agreement", tag=_TAG, query=schemas.VersionQuery, response=schemas.AgreementView)
def agreement(agreement_id: str) -> Response:
    """Give the version that counts now, or the one asked for."""
    asked = query(schemas.VersionQuery)
    return _whole(current_services().registers.agreements.get(agreement_id, asked.version, current_caller().ods))


@blueprint.get("/agreements/<agreement_id>/versions")
@requires(Scope.AGREEMENTS_READ)
@operation(summary="List the versions of an agreement", tag=_TAG, response=schemas.VersionList)
def versions(agreement_id: str) -> Response:
    """Give every version, oldest first."""
    found = current_services().registers.agreements.versions(agreement_id, current_caller().ods)
    return _answer(schemas.VersionList(versions=[schemas.line_of(record) for record in found]))


@blueprint.get("/agreements/<agreement_id>/history")
@requires(Scope.AGREEMENTS_READ)
@operation(summary="Read the steps of an agreement's life", tag=_TAG, response=schemas.ChangeList)
def history(agreement_id: str) -> Response:
    """Give every step of every version, oldest first."""
    service = current_services().registers.agreements
    seen = {record.agreement.version for record in service.versions(agreement_id, current_caller().ods)}
    steps = [schemas.change_of(change) for change in service.history(agreement_id) if change.version in seen]
    return _answer(schemas.ChangeList(changes=steps))


@blueprint.post("/agreements/<agreement_id>/sign")
@requires(Scope.AGREEMENTS_WRITE)
@operation(summary="Hand in a party's signature", tag=_TAG, request=schemas.SignRequest, response=schemas.AgreementView)
def sign(agreement_id: str) -> Response:
    """Take a signature over the canonical text."""
    asked, service = validated(schemas.SignRequest), current_services().registers.agreements
    service.get(agreement_id, asked.version, current_caller().ods)
    return _whole(service.sign(agreement_id, asked.version, asked.key_id, asked.signature, _actor()))


@blueprint.post("/agreements/<agreement_id>/activate")
@requires(Scope.AGREEMENTS_WRITE)
@operation(
    summary="Bring a version into force", tag=_TAG, request=schemas.ActivateRequest, response=schemas.AgreementView
)
def activate(agreement_id: str) -> Response:
    """Activate a signed or suspended version; older versions are superseded."""
    asked, service = validated(schemas.ActivateRequest), current_services().registers.agreements
    service.get(agreement_id, asked.version, current_caller().ods)
    return _whole(service.activate(agreement_id, asked.version, _actor(), asked.reason))


@blueprint.post("/agreements/<agreement_id>/suspend")
@requires(Scope.AGREEMENTS_WRITE)
@operation(summary="Take a version out of force", tag=_TAG, request=schemas.EndRequest, response=schemas.AgreementView)
def suspend(agreement_id: str) -> Response:
    """Suspend an active version until it is activated again."""
    asked, service = validated(schemas.EndRequest), current_services().registers.agreements
    service.get(agreement_id, asked.version, current_caller().ods)
    return _whole(service.suspend(agreement_id, asked.version, _actor(), asked.reason))


@blueprint.post("/agreements/<agreement_id>/terminate")
@requires(Scope.AGREEMENTS_WRITE)
@operation(summary="End a version for good", tag=_TAG, request=schemas.EndRequest, response=schemas.AgreementView)
def terminate(agreement_id: str) -> Response:
    """Terminate a version, or withdraw one that was never in force."""
    asked, service = validated(schemas.EndRequest), current_services().registers.agreements
    service.get(agreement_id, asked.version, current_caller().ods)
    return _whole(service.terminate(agreement_id, asked.version, _actor(), asked.reason))


@blueprint.get("/keys")
@requires(Scope.AGREEMENTS_READ)
@operation(summary="List signatories' keys", tag=_TAG, query=schemas.KeyQuery, response=schemas.KeyList)
def keys() -> Response:
    """Give registered keys, oldest first."""
    found = current_services().registers.agreements.keys(query(schemas.KeyQuery).ods)
    return _answer(schemas.KeyList(keys=[schemas.key_of(key) for key in found]))


@blueprint.post("/keys")
@requires(Scope.AGREEMENTS_WRITE)
@operation(
    summary="Register a signatory's key", tag=_TAG, request=schemas.KeyRequest, response=schemas.KeyView, status=201
)
def register_key() -> Response:
    """Put the public key of a signatory of the caller's organisation on file."""
    asked = validated(schemas.KeyRequest)
    made = current_services().registers.agreements.register_key(
        asked.ods, asked.name, asked.role, asked.public_key, _actor()
    )
    response = _answer(schemas.key_of(made))
    response.status_code = 201
    return response


@blueprint.post("/keys/<key_id>/revoke")
@requires(Scope.AGREEMENTS_WRITE)
@operation(summary="Revoke a signatory's key", tag=_TAG, response=schemas.KeyView)
def revoke_key(key_id: str) -> Response:
    """Revoke a key; agreements that rest on it leave the policy at once."""
    return _answer(schemas.key_of(current_services().registers.agreements.revoke_key(key_id, _actor())))


@blueprint.get("/schemas/agreement-1.json")
@public("a document format that is published; it names no data")
@operation(summary="The JSON Schema of agreement documents", tag=_TAG, response_media="application/schema+json")
def document_schema() -> Response:
    """Give the JSON Schema that documents are checked against."""
    return Response(json.dumps(schema()), content_type="application/schema+json")


def _actor() -> Actor:
    caller = current_caller()
    return Actor(caller.id, caller.kind, caller.ods)


def _position(cursor: str | None) -> tuple[str, int] | None:
    if cursor is None:
        return None
    name, version = cursor.rsplit(".", 1)
    return name, int(version)


def _whole(record: Record) -> Response:
    return _answer(schemas.view_of(record, json.loads(record.text)))


def _answer(model: BaseModel) -> Response:
    return jsonify(model.model_dump(mode="json"))
