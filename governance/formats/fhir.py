"""FHIR R4 AuditEvents to events (ITI-20 FHIR feed), the IHE BALP patterns among them.

What each BALP pattern gives: PatientRead and PatientQuery the user, the client as device, patient, data and request id;
PrivacyDisclosure the two ends; AuthZconsent a decision with its token; token use the token's ``jti``; IUA.71 a token.

1. A modifier extension is refused: FHIR R4 section 2.4.1 forbids to ignore what one does not understand.
2. Unknown elements are passed over; elements that are read must have their type, and a fault names them.
3. An absent ``outcome`` (0..1 in R4) is read as success, and the event notes that it was not stated.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from governance.audit.event import Event
from governance.errors import Fault, InvalidInput
from governance.feeds import timestamp
from governance.formats._assemble import AGREEMENT, DECISION, TOKEN, assemble
from governance.formats._codes import STUDY_UID
from governance.formats._message import Context, Message, Participant, TouchedObject
from governance.vocabulary import Outcome

ODS_SYSTEM = "https://fhir.nhs.uk/Id/ods-organization-code"
ENTRIES_MAXIMUM = 1_000  # entries of one batch

_ACTIONS = frozenset("CRUDE")
_DICOM_UID = "urn:dicom:uid"
_OURS = {AGREEMENT: AGREEMENT, DECISION: DECISION, TOKEN: TOKEN}
_KIND_OF_DEVICE = frozenset({"Device", "HealthcareService", "Organization"})
_REQUEST_ID = "XrequestId"
_ACTIVE = frozenset({"IRCP", "UserOauthAgent"})


def parse_audit_event(resource: Mapping[str, Any], context: Context) -> tuple[Event, ...]:
    """Read one AuditEvent from its decoded JSON.

    Returns:
        one event, or one for each study or patient when there are several.

    Raises:
        InvalidInput: every fault named by its JSON pointer.
    """
    if resource.get("resourceType") != "AuditEvent":
        raise _fault("/resourceType", "must be AuditEvent")
    if "modifierExtension" in resource:
        raise _fault("/modifierExtension", "is not understood and may not be ignored")
    return assemble(_read(resource), context)


def bundle_entries(bundle: Mapping[str, Any]) -> list[Any]:
    """Give the resources of a batch Bundle in order; raises InvalidInput for any other bundle."""
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "batch":
        raise _fault("/type", "must be a Bundle of type batch")
    entries = _list(bundle, "", "entry")
    if not 1 <= len(entries) <= ENTRIES_MAXIMUM:
        raise _fault("/entry", f"must hold 1 to {ENTRIES_MAXIMUM} entries")
    return [entry.get("resource") for entry in entries]


def _read(resource: Mapping[str, Any]) -> Message:
    kind = _object(resource, "", "type")
    code = _text(kind, "/type", "code")
    if not code:
        raise _fault("/type/code", "is required")
    source = _object(resource, "", "source")
    observer = _object(source, "/source", "observer")
    source_id, _ = _who(observer, "/source/observer")
    if not source_id:
        raise _fault("/source/observer", "must name the system that reports: identifier, display or reference")
    agents = _list(resource, "", "agent")
    if not agents:
        raise _fault("/agent", "must have at least one agent")
    entities = [_entity(each, f"/entity/{n}") for n, each in enumerate(_list(resource, "", "entity"))]
    purposes = _concept_codes(resource, "", "purposeOfEvent")
    for number, agent in enumerate(agents):
        purposes += _concept_codes(agent, f"/agent/{number}", "purposeOfUse")
    action = _text(resource, "", "action")
    return Message(
        raw=json.dumps(resource, sort_keys=True, separators=(",", ":")).encode(),
        format="fhir",
        code=code,
        types=tuple(_coding_codes(resource, "", "subtype")),
        action=action if action in _ACTIONS else None,
        at=_recorded(resource),
        outcome=_outcome(resource),
        source_id=source_id,
        site=_ods(observer, "/source/observer") or _text(source, "/source", "site") or None,
        site_path="/source/site",
        participants=tuple(_agent(each, f"/agent/{n}") for n, each in enumerate(agents)),
        objects=tuple(each for each in entities if each is not None),
        purposes=tuple(purposes),
        outcome_description=_text(resource, "", "outcomeDesc"),
        notes=_notes(resource),
    )


def _recorded(resource: Mapping[str, Any]) -> Any:
    try:
        return timestamp(resource.get("recorded"))
    except ValueError as problem:
        raise _fault("/recorded", str(problem)) from None


def _outcome(resource: Mapping[str, Any]) -> Outcome:
    code = resource.get("outcome", "0")
    try:
        return Outcome.from_dicom_code(int(code) if isinstance(code, str) and code.isdecimal() else -1)
    except ValueError:
        raise _fault("/outcome", "must be 0, 4, 8 or 12") from None


def _notes(resource: Mapping[str, Any]) -> dict[str, str]:
    notes = {} if "outcome" in resource else {"outcome": "not stated"}
    for number, each in enumerate(_list(resource, "", "entity")):
        path = f"/entity/{number}"
        if _text(_object(each, path, "type", optional=True), f"{path}/type", "code") == _REQUEST_ID:
            value, _ = _identifier(_object(each, path, "what", optional=True), f"{path}/what")
            if value.isascii() and value.isprintable():
                notes["request_id"] = value[:64]
    return notes


def _agent(agent: Mapping[str, Any], path: str) -> Participant:
    codes = frozenset(_concept(_object(agent, path, "type", optional=True), f"{path}/type"))
    who = _object(agent, path, "who", optional=True)
    user_id, kind = _who(who, f"{path}/who")
    requestor = agent.get("requestor")
    if not isinstance(requestor, bool):
        raise _fault(f"{path}/requestor", "must be true or false")
    is_organisation = "PROV" in codes and not codes & _ACTIVE
    policies = agent.get("policy", [])
    if not isinstance(policies, list) or not all(isinstance(each, str) for each in policies):
        raise _fault(f"{path}/policy", "must be a list of URIs")
    media = _object(agent, path, "media", optional=True)
    return Participant(
        user_id="" if is_organisation else user_id or _text(agent, path, "altId") or _text(agent, path, "name"),
        requestor=requestor,
        person=False if kind in _KIND_OF_DEVICE else True if kind.startswith("Practitioner") else None,
        codes=codes,
        media=frozenset({_text(media, f"{path}/media", "code")} - {""}),
        network=_text(_object(agent, path, "network", optional=True), f"{path}/network", "address"),
        role=next(iter(_concept_codes(agent, path, "role")), ""),
        policies=tuple(policies),
        organisation=_ods(who, f"{path}/who") if is_organisation else "",
    )


def _entity(entity: Mapping[str, Any], path: str) -> TouchedObject | None:
    kind = _text(_object(entity, path, "type", optional=True), f"{path}/type", "code")
    role = _text(_object(entity, path, "role", optional=True), f"{path}/role", "code")
    what = _object(entity, path, "what", optional=True)
    value, system = _identifier(what, f"{path}/what")
    reference = _text(what, f"{path}/what", "reference")
    if kind == "Consent" and system != AGREEMENT:
        value, system = value or reference, AGREEMENT
    is_study = system == _DICOM_UID or (reference or "").startswith("ImagingStudy/")
    return TouchedObject(
        identifier=value or reference.rpartition("/")[2],
        identifier_type=STUDY_UID if is_study else _OURS.get(system, "" if kind in {"1", "2"} else kind),
        assigners=(system,) if system else (),
        type="1" if kind == "1" or reference.startswith("Patient/") else kind,
        role=role,
        query=_base64(entity, path, "query"),
        details=_details(entity, path),
    )


def _details(entity: Mapping[str, Any], path: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, each in enumerate(_list(entity, path, "detail")):
        at = f"{path}/detail/{number}"
        value = _text(each, at, "valueString") or _base64(each, at, "valueBase64Binary").decode("utf-8", "replace")
        found[_text(each, at, "type")] = value
    return found


def _who(reference: Mapping[str, Any], path: str) -> tuple[str, str]:
    """Give the best identifier of a Reference and the resource type it points at ("" when it does not say)."""
    value, _ = _identifier(reference, path)
    target = _text(reference, path, "reference")
    kind = _text(reference, path, "type") or target.rpartition("/")[0].rpartition("/")[2]
    return value or _text(reference, path, "display") or target.rpartition("/")[2], kind


def _identifier(reference: Mapping[str, Any], path: str) -> tuple[str, str]:
    identifier = _object(reference, path, "identifier", optional=True)
    at = f"{path}/identifier"
    return _text(identifier, at, "value").strip(), _text(identifier, at, "system").strip()


def _ods(reference: Mapping[str, Any], path: str) -> str:
    value, system = _identifier(reference, path)
    return value if system == ODS_SYSTEM else ""


def _concept_codes(parent: Mapping[str, Any], path: str, name: str) -> list[str]:
    concepts = _list(parent, path, name)
    return [code for n, each in enumerate(concepts) for code in _concept(each, f"{path}/{name}/{n}")]


def _concept(concept: Mapping[str, Any], path: str) -> list[str]:
    return _coding_codes(concept, path, "coding")


def _coding_codes(parent: Mapping[str, Any], path: str, name: str) -> list[str]:
    codes = [_text(each, f"{path}/{name}/{n}", "code") for n, each in enumerate(_list(parent, path, name))]
    return [code for code in codes if code]


def _object(parent: Mapping[str, Any], path: str, name: str, *, optional: bool = False) -> Mapping[str, Any]:
    value = parent.get(name)
    if value is None and optional:
        return {}
    if not isinstance(value, dict):
        raise _fault(f"{path}/{name}", "is required" if value is None else "must be an object")
    return value


def _list(parent: Mapping[str, Any], path: str, name: str) -> list[dict[str, Any]]:
    value = parent.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise _fault(f"{path}/{name}", "must be a list of objects")
    return value


def _text(parent: Mapping[str, Any], path: str, name: str) -> str:
    value = parent.get(name, "")
    if not isinstance(value, str):
        raise _fault(f"{path}/{name}", "must be a string")
    return value


def _base64(parent: Mapping[str, Any], path: str, name: str) -> bytes:
    try:
        return base64.b64decode("".join(_text(parent, path, name).split()), validate=True)
    except (binascii.Error, ValueError):
        raise _fault(f"{path}/{name}", "must be base64") from None


def _fault(path: str, message: str) -> InvalidInput:
    return InvalidInput([Fault(path, message)], "The AuditEvent cannot be taken.")
