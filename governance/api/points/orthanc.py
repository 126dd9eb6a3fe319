"""The endpoints that Orthanc's authorization plugin asks (orthanc-authorization 0.11.4): ``WebServiceRootUrl`` is here.

1. The plugin proves itself with HTTP Basic: the archive's client id and its enforcement key.
2. A profile never holds a permission or a label. The plugin looks at the profile first, and one that holds ``view`` (or
   ``all``) opens every study with a label in common without asking here: the agreements would be bypassed.
3. What opens a study is ``tokens/validate``, at the level of studies: the catalogue knows no other. ``tokens/decode``
   opens it to a search, for the plugin then searches within what the token is said to be for.
4. Only ``get`` is judged. The plugin does not say which URL is behind a method, and ``post`` at a study may be
   "modify" as well as a search.
5. A grant may be remembered for the seconds of the settings, and never past the end of its token.
6. Links are not shared and roles are not set from Orthanc: neither rests on a decision. Asking is recorded.
7. What cannot be understood is 400, what cannot be recorded 503; the plugin takes both for no.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import Blueprint, Response, request

from governance.api.points._admission import archive_of
from governance.api.points.orthanc_schemas import (
    DecodedResource,
    DecodedToken,
    Level,
    Method,
    ProfileAnswer,
    ProfileRequest,
    RolePermissions,
    RoleSettings,
    SharingRequest,
    TokenHolder,
    ValidationAnswer,
    ValidationRequest,
    Wire,
)
from governance.archives import Admission, Check, Credential, OtherTarget, Target
from governance.errors import Fault, Forbidden, GovernanceError, InvalidInput, Unauthenticated
from governance.federation import ServiceClient
from governance.tokens import TokenFault
from governance.vocabulary import Action, EventKind, Role, study_uid
from governance.web import current_services, operation, public
from governance.web.body import validated
from governance.web.problems import problem_of, status_of

blueprint = Blueprint("enforce_orthanc", __name__, url_prefix="/enforce/orthanc")
_PROVES = "the plugin proves itself with its archive's client id and enforcement key (HTTP Basic), checked first"
_CHALLENGE = 'Basic realm="imaging-governance", charset="UTF-8"'
_ROUNDING = 1  # the plugin's cache counts whole seconds: what it keeps it may keep a second longer
_SHARED = frozenset(
    {
        "download-instant-link",
        "meddream-instant-link",
        "meddream-viewer-publication",
        "ohif-viewer-publication",
        "osimis-viewer-publication",
        "stone-viewer-publication",
        "viewer-instant-link",
        "volview-viewer-publication",
    }
)
_NOTHING = RolePermissions(permissions=[], authorized_labels=[])
_ROLES = RoleSettings(roles={role.value: _NOTHING for role in Role}, available_labels=[])
Parameters = ParamSpec("Parameters")


def _endpoint(view: Callable[Parameters, Response]) -> Callable[Parameters, Response]:
    """Count the answer; a typed error becomes its problem document, with the challenge that the plugin understands."""

    @wraps(view)
    def guarded(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Response:
        try:
            return view(*args, **kwargs)
        except GovernanceError as error:
            response = problem_of(error)
            if isinstance(error, Unauthenticated):
                response.headers["WWW-Authenticate"] = _CHALLENGE
            _count(response.status_code)
            return response

    return guarded


@blueprint.post("/tokens/validate")
@public(_PROVES)
@operation(
    summary="Grant or refuse one level of an access (Orthanc authorization plugin)",
    tag="enforcement",
    request=ValidationRequest,
    response=ValidationAnswer,
)
@_endpoint
def validate() -> Response:
    """Say whether a token opens a study; 200 for yes and for no, as the plugin expects."""
    archive, asked = _archive(), validated(ValidationRequest)
    found = _admit(archive, _target(asked), asked)
    if not isinstance(found, Admission):
        return _answer(ValidationAnswer(granted=False, validity=0))
    return _answer(ValidationAnswer(granted=True, validity=_validity(found.expires_at)))


@blueprint.post("/user/get-profile")
@public(_PROVES)
@operation(
    summary="Say whose token it is (Orthanc authorization plugin)",
    tag="enforcement",
    request=ProfileRequest,
    response=ProfileAnswer,
)
@_endpoint
def profile() -> Response:
    """Give a profile that may do nothing (rule 2); null for a user id, which names nobody here."""
    archive, asked = _archive(), validated(ProfileRequest)
    if asked.user_id is not None:
        return _answer(None)
    if not asked.token_value:
        return _answer(_profile("anonymous"))
    try:
        claims = current_services().uses.enforcement.identify(archive, _credential(asked))
    except Unauthenticated:
        return _answer(_profile("anonymous"))
    known = _profile(claims.subject, _validity(claims.expires_at))
    known.user_id = claims.subject
    known.groups = [claims.role] if claims.role else []
    return _answer(known)


@blueprint.post("/tokens/decode")
@public(_PROVES)
@operation(
    summary="Say which study a token opens to a search (Orthanc authorization plugin)",
    tag="enforcement",
    request=TokenHolder,
    response=DecodedToken,
)
@_endpoint
def decode() -> Response:
    """Name the token's study, to be searched in, or say why there is none."""
    archive, asked = _archive(), validated(TokenHolder)
    found = _admit(archive, OtherTarget.OWN_STUDY, asked)
    if isinstance(found, Admission) and found.study_uid is not None:
        opened = DecodedResource(dicom_uid=found.study_uid, orthanc_id="", level=Level.STUDY)
        return _answer(DecodedToken(resources=[opened]))
    reason = found.reason if isinstance(found, GovernanceError) else ""
    code = "expired" if reason == TokenFault.EXPIRED else "unknown" if reason == "enforcement.no_owner" else "invalid"
    return _answer(DecodedToken(error_code=code, resources=[]))


@blueprint.put("/tokens/<kind>")
@public(_PROVES)
@operation(
    summary="Refuse to make a link that opens a study (Orthanc authorization plugin)",
    tag="enforcement",
    request=SharingRequest,
    status=403,
)
@_endpoint
def share(kind: str) -> Response:
    """Refuse a link, always (rule 6), and keep who asked for what."""
    archive, asked = _archive(), validated(SharingRequest)
    if kind not in _SHARED or asked.type != kind:
        raise InvalidInput([Fault("/type", "is a kind of link of the plugin, and the one of the address")])
    refusal = Forbidden("enforcement.sharing", "A study is opened by a decision about who asks, never by a link.")
    wanted = [found for each in asked.resources if (found := _study(each.level, each.dicom_uid)) is not None]
    current_services().uses.enforcement.decline(archive, refusal, EventKind.TOKEN, sorted(set(wanted)))
    raise refusal


@blueprint.get("/settings/roles")
@public(_PROVES)
@operation(summary="The roles, which may do nothing by themselves", tag="enforcement", response=RoleSettings)
@_endpoint
def roles() -> Response:
    """Give every role with nothing (rule 2)."""
    _archive()
    return _answer(_ROLES)


@blueprint.put("/settings/roles")
@public(_PROVES)
@operation(summary="Refuse to change the roles", tag="enforcement", request=RoleSettings, response=RoleSettings)
@_endpoint
def set_roles() -> Response:
    """Take the roles as they are, refuse any other (rule 6)."""
    archive, asked = _archive(), validated(RoleSettings)
    if (asked.roles, asked.available_labels) == (_ROLES.roles, _ROLES.available_labels):
        return _answer(_ROLES)
    refusal = Forbidden("enforcement.roles", "What a role may do is agreed and signed, not set in Orthanc.")
    current_services().uses.enforcement.decline(archive, refusal, EventKind.CONFIG, [])
    raise refusal


def _archive() -> ServiceClient:
    given = request.authorization
    if given is None or given.type != "basic":
        raise Unauthenticated("enforcement.key", "The enforcement point did not prove itself.")
    return archive_of(given.username or "", given.password or "")


def _admit(
    archive: ServiceClient, target: Target | OtherTarget | None, asked: TokenHolder
) -> Admission | GovernanceError:
    """Ask the enforcement point; a refusal is an answer here, counted by what another endpoint would have said."""
    try:
        admitted = current_services().uses.enforcement.admit(archive, Check(target, _credential(asked)))
    except (Forbidden, Unauthenticated) as refusal:
        _count(status_of(refusal).value)
        return refusal
    _count(200)
    return admitted


def _target(asked: ValidationRequest) -> Target | OtherTarget | None:
    """Say what is accessed; None for what cannot be judged (rules 3 and 4)."""
    if asked.method is not Method.GET:
        return None
    if asked.level is Level.SYSTEM:
        return (
            OtherTarget.SHARED if asked.uri in current_services().infrastructure.settings.orthanc_shared_paths else None
        )
    found = _study(asked.level, asked.dicom_uid)
    return None if found is None else Target(Action.READ, found)


def _study(level: Level, dicom_uid: str | None) -> str | None:
    try:
        return study_uid(dicom_uid or "") if level is Level.STUDY else None
    except ValueError:
        return None


def _credential(asked: TokenHolder) -> Credential:
    """Read a token as a header or an argument carried it; a bound one comes without its proof and will be refused."""
    value = (asked.token_value or "").strip()
    scheme, _, rest = value.partition(" ")
    if scheme.lower() in {"bearer", "dpop"}:
        return Credential(rest or None)
    return Credential(None if (asked.token_key or "").lower() == "authorization" else value or None)


def _validity(expires_at: int) -> int:
    """Give the seconds for which an answer may be remembered (rule 5)."""
    services = current_services()
    left = expires_at - int(services.infrastructure.clock.now().timestamp()) - _ROUNDING
    return max(0, min(services.infrastructure.settings.orthanc_validity, left))


def _profile(name: str, validity: int = 0) -> ProfileAnswer:
    return ProfileAnswer(name=name, permissions=[], authorized_labels=[], validity=validity)


def _count(status: int) -> None:
    current_services().infrastructure.metrics.enforced(endpoint="orthanc", status=status)


def _answer(made: Wire | None) -> Response:
    text = "null" if made is None else made.model_dump_json(by_alias=True, exclude_none=True)
    response = Response(text, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
