"""Agreements out and in as YAML, JSON or JSON lines, with their signatures beside the text.

The format is asked for by ``?format=`` or by ``Accept``; for an import it is that of ``Content-Type``. A caller of a
trust gives and gets only what its trust is a party of; what it brings is registered as it could register it one by one.
"""

from typing import Any

from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel, ConfigDict
from werkzeug.exceptions import NotAcceptable, UnsupportedMediaType

from governance.agreements import Actor
from governance.agreements.documents import MAXIMUM_JSON_BYTES, parse
from governance.agreements.packing import MEDIA_TYPES, Format, render
from governance.api.agreements import schemas
from governance.errors import Fault, InvalidInput
from governance.vocabulary import Scope
from governance.web import current_caller, current_services, operation, requires
from governance.web.body import query, raw

blueprint = Blueprint("agreements_transfer", __name__, url_prefix="/agreements/v1")
_TAG = "agreements"
_YAML = MEDIA_TYPES[Format.YAML]
_FORMATS = {media: name for name, media in MEDIA_TYPES.items()} | {
    "application/vnd.yaml": Format.YAML,
    "application/x-yaml": Format.YAML,
    "text/yaml": Format.YAML,
}


class FormatQuery(BaseModel):
    """The format that is wanted; ``Accept`` decides when none is named, and YAML when that says nothing."""

    model_config = ConfigDict(extra="forbid")

    format: Format | None = None


class ExportQuery(FormatQuery):
    """Which version; the one that speaks for the agreement now when none is named."""

    version: schemas.Version | None = None
    all_versions: bool = False


class ImportedItem(BaseModel):
    """A document of an agreement; or an item of an export: the document as ``agreement``, and its signatures."""

    model_config = ConfigDict(extra="allow")

    agreement: dict[str, Any] | None = None
    signatures: list[dict[str, Any]] | None = None


@blueprint.get("/export")
@requires(Scope.AGREEMENTS_READ)
@operation(summary="Export every version on file", tag=_TAG, query=FormatQuery, response_media=_YAML)
def export_all() -> Response:
    """Give every version of every agreement the caller may see, with the signatures that count."""
    chosen = _chosen(query(FormatQuery).format)
    items = list(current_services().registers.agreements.transfer.register(current_caller().ods))
    return _answer(render(items, chosen), chosen)


@blueprint.get("/agreements/<agreement_id>/export")
@requires(Scope.AGREEMENTS_READ)
@operation(summary="Export an agreement", tag=_TAG, query=ExportQuery, response_media=_YAML)
def export_one(agreement_id: str) -> Response:
    """Give one version, or all of them, with the signatures that count."""
    asked, register, ods = query(ExportQuery), current_services().registers.agreements, current_caller().ods
    if asked.all_versions and asked.version is not None:
        raise InvalidInput([Fault("/version", "is not asked for together with all_versions")])
    chosen = _chosen(asked.format)
    records = (
        register.versions(agreement_id, ods)
        if asked.all_versions
        else (register.get(agreement_id, asked.version, ods),)
    )
    return _answer(render(register.transfer.pack(records), chosen), chosen)


@blueprint.post("/import")
@requires(Scope.AGREEMENTS_WRITE)
@operation(
    summary="Import documents, or what was exported with its signatures: all or none",
    tag=_TAG,
    request=ImportedItem,
    request_media=_YAML,
    request_also=(MEDIA_TYPES[Format.JSON], MEDIA_TYPES[Format.NDJSON]),
    response=schemas.VersionList,
    status=201,
)
def import_all() -> Response:
    """Put all of them on file, as drafts or signed; nothing comes into force. Every fault is named by its path."""
    chosen = _FORMATS.get(request.mimetype)
    if chosen is None:
        raise UnsupportedMediaType(f"The body must be {', '.join(sorted(MEDIA_TYPES.values()))}.")
    try:
        text = raw(MAXIMUM_JSON_BYTES).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput([Fault("", "is not UTF-8")], "The body cannot be read.", "body.malformed") from None
    values = parse(text, "", chosen)
    caller = current_caller()
    actor = Actor(caller.id, caller.kind, caller.ods)
    records = current_services().registers.agreements.transfer.load(
        values, actor, [f"/{n}" for n in range(len(values))]
    )
    response = jsonify(schemas.VersionList(versions=[schemas.line_of(one) for one in records]).model_dump(mode="json"))
    response.status_code = 201
    return response


def _chosen(named: Format | None) -> Format:
    if named is not None or not request.accept_mimetypes:
        return named or Format.YAML
    found = request.accept_mimetypes.best_match([_YAML, *(media for media in _FORMATS if media != _YAML)])
    if found is None:
        raise NotAcceptable(f"There is {', '.join(sorted(MEDIA_TYPES.values()))}.")
    return _FORMATS[found]


def _answer(text: str, chosen: Format) -> Response:
    response = Response(text, content_type=f"{MEDIA_TYPES[chosen]}; charset=utf-8")
    response.headers["Vary"] = "Accept"
    return response
