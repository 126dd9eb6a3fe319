"""Lists of an archive (QIDO-RS, DICOM PS3.18 section 10.6): the archive's answer, less the rows that may not be shown.

A gateway passes list requests on to it: the path below its DICOMweb service behind ``/dicomweb/<archive>``, the query
as it came, the caller's Authorization and DPoP, its own key in X-Enforcement-Key, and in X-Original-URL the URL that
its client asked for, which a proof of possession names.

The answer is DICOM JSON. No other media type can be filtered here, so no other is given (406). Nothing of the archive's
own headers comes back. ``Warning: 299`` says that there may be more rows (PS3.18 section 8.3.4.4), never how many.
"""

import json

from flask import Blueprint, Response, request
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from governance.api.points._admission import archive_of, credential
from governance.archives import Listed
from governance.archives.qido import MEDIA_TYPES
from governance.errors import GovernanceError
from governance.web import current_services, operation, public
from governance.web.problems import problem, problem_of

blueprint = Blueprint("dicomweb", __name__, url_prefix="/dicomweb/<archive>")
_PROVES = "the enforcement point proves itself with its own key in X-Enforcement-Key, checked before anything else"
_MORE = '299 imaging-governance "There may be more results that can be requested."'


@blueprint.get("/studies")
@public(_PROVES)
@operation(summary="List the studies of an archive that the caller may see (QIDO-RS)", tag="enforcement")
def studies(archive: str) -> Response:
    """Answer 200 with DICOM JSON; 401, 403, 404, 406 or 503."""
    return _listed(archive, "studies")


@blueprint.get("/series", endpoint="all_series")
@blueprint.get("/studies/<study>/series")
@public(_PROVES)
@operation(summary="List the series of an archive that the caller may see (QIDO-RS)", tag="enforcement")
def series(archive: str, study: str | None = None) -> Response:
    """Answer as :func:`studies` does, for all studies or for one."""
    return _listed(archive, "series", study)


@blueprint.get("/instances", endpoint="all_instances")
@blueprint.get("/studies/<study>/instances", endpoint="study_instances")
@blueprint.get("/studies/<study>/series/<series_uid>/instances")
@public(_PROVES)
@operation(summary="List the instances of an archive that the caller may see (QIDO-RS)", tag="enforcement")
def instances(archive: str, study: str | None = None, series_uid: str | None = None) -> Response:
    """Answer as :func:`studies` does, for all studies, for one, or for one of its series."""
    return _listed(archive, "instances", study, series_uid)


def _listed(archive: str, listed: str, study: str | None = None, series_uid: str | None = None) -> Response:
    services = current_services()
    try:
        response = _answer(_find(archive, listed, study, series_uid))
    except GovernanceError as error:
        response = problem_of(error)
        response.headers["X-Governance-Reason"] = error.reason
    services.infrastructure.metrics.enforced(endpoint="qido", status=response.status_code)
    return response


def _find(archive: str, listed: str, study: str | None, series_uid: str | None) -> Listed | None:
    """Give the list, or None when the caller takes no media type that can be filtered."""
    found = archive_of(archive, request.headers.get("X-Enforcement-Key", ""))
    if not _takes_json():
        return None
    given = credential(request.method, request.headers.get("X-Original-URL", ""))
    query = request.query_string.decode("latin-1")
    return current_services().uses.lists.find(found, given, listed, (study, series_uid), query)


def _answer(found: Listed | None) -> Response:
    if found is None:
        return problem(406, "list.media_type", "A list is given as application/dicom+json.")
    response = Response(json.dumps(found.rows), content_type=MEDIA_TYPES[0])
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Governance-Log-Index"] = str(found.index)
    if found.more:
        response.headers["Warning"] = _MORE
    return response


def _takes_json() -> bool:
    header = request.headers.get("Accept")
    return not header or parse_accept_header(header, MIMEAccept).best_match(MEDIA_TYPES) is not None
