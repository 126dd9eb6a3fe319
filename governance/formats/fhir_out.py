"""Recorded events as FHIR R4 AuditEvents (ITI-81 answers): pseudonyms only, nothing that was sealed.

1. ``id`` is the index in the log, ``recorded`` the time at the source, ``meta.lastUpdated`` the time the log took it.
2. Identifiers are logical references under systems of this service, so that no resource need exist behind them.
3. What is written here is read back by :mod:`governance.formats.fhir` as an event of the same kind.
"""

from typing import Any

from governance.audit.encoding import instant
from governance.audit.event import RecordedEvent, RecordedResource, Subject
from governance.formats._assemble import AGREEMENT, DECISION, JTI, TOKEN
from governance.formats._codes import APPLICATION, DESTINATION
from governance.formats.fhir import ODS_SYSTEM
from governance.vocabulary import EventKind, SubjectType

DCM = "http://dicom.nema.org/resources/ontology/DCM"
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
OBJECT_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
ROLE_CLASS = "http://terminology.hl7.org/CodeSystem/v3-RoleClass"
AUTHZ = "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType"
IHE_EVENT = "urn:ihe:event-type-code"
BALP_ENTITY = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
RESOURCE_TYPES = "http://hl7.org/fhir/resource-types"
OURS = "urn:imaging-governance:{}"

_Coding = tuple[str, str, str]  # system, code, display
# What each kind is in DICOM's and IHE's words: type, subtype if any, action.
CODES: dict[EventKind, tuple[_Coding, _Coding | None, str]] = {
    EventKind.ACCESS: ((DCM, "110103", "DICOM Instances Accessed"), None, "R"),
    EventKind.AUDIT_READ: ((DCM, "110101", "Audit Log Used"), None, "R"),
    EventKind.BREAK_GLASS: (
        (DCM, "110113", "Security Alert"),
        (DCM, "110127", "Emergency Override Started"),
        "E",
    ),
    EventKind.CONFIG: ((DCM, "110113", "Security Alert"), (DCM, "110129", "Security Configuration"), "E"),
    EventKind.DECISION: (
        (DCM, "110113", "Security Alert"),
        (AUTHZ, "AuthZ-Role", "Authorization Decision using only Roles"),
        "E",
    ),
    EventKind.DELETE: ((DCM, "110105", "DICOM Study Deleted"), None, "D"),
    EventKind.EXPORT: ((DCM, "110106", "Export"), None, "R"),
    EventKind.IMPORT: ((DCM, "110107", "Import"), None, "C"),
    EventKind.LOGIN: ((DCM, "110114", "User Authentication"), (DCM, "110122", "Login"), "E"),
    EventKind.LOGOUT: ((DCM, "110114", "User Authentication"), (DCM, "110123", "Logout"), "E"),
    EventKind.NODE_AUTH: ((DCM, "110113", "Security Alert"), (DCM, "110126", "Node Authentication"), "E"),
    EventKind.PRINT: ((DCM, "110106", "Export"), None, "R"),
    EventKind.QUERY: ((DCM, "110112", "Query"), None, "E"),
    EventKind.RECORDING: ((DCM, "110113", "Security Alert"), (DCM, "110134", "Audit Recording Started"), "E"),
    EventKind.SECURITY_ALERT: ((DCM, "110113", "Security Alert"), None, "E"),
    EventKind.TOKEN: ((DCM, "110114", "User Authentication"), (IHE_EVENT, "ITI-71", "Get Access Token"), "E"),
}


def build_audit_event(recorded: RecordedEvent) -> dict[str, Any]:
    """Give a recorded event as an AuditEvent resource, ready to be written as JSON."""
    kind, subtype, action = CODES[recorded.kind]
    made: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": str(recorded.index),
        "meta": {"lastUpdated": instant(recorded.recorded_at)},
        "type": _coding(kind),
        "subtype": [_coding(subtype)] if subtype else [],
        "action": action,
        "recorded": instant(recorded.time),
        "outcome": str(recorded.outcome.dicom_code),
        "purposeOfEvent": [_concept((ACT_REASON, recorded.purpose.value, ""))] if recorded.purpose else [],
        "agent": _agents(recorded),
        "source": ({"site": recorded.source.ods} if recorded.source.ods else {})
        | {"observer": _logical("Device", OURS.format("source"), recorded.source.id)},
        "entity": _entities(recorded),
    }
    return {name: value for name, value in made.items() if value != []}


def _agents(recorded: RecordedEvent) -> list[dict[str, Any]]:
    agents = [_user(recorded.subject, recorded.authority.token_jti)] if recorded.subject else []
    if recorded.subject and recorded.subject.ods:
        agents.append(
            {
                "type": _concept((ROLE_CLASS, "PROV", "healthcare provider")),
                "who": _logical("Organization", ODS_SYSTEM, recorded.subject.ods),
                "requestor": False,
            }
        )
    if recorded.destination or recorded.kind is EventKind.PRINT:
        agents.append(_destination(recorded))
    if not agents:  # R4 demands one: the system that saw it
        observer = _logical("Device", OURS.format("source"), recorded.source.id)
        agents.append({"type": _concept((DCM, APPLICATION, "Application")), "who": observer, "requestor": False})
    return agents


def _user(subject: Subject, jti: str | None) -> dict[str, Any]:
    person = subject.type is SubjectType.PRACTITIONER
    role = (PARTICIPATION, "IRCP", "information recipient") if person else (DCM, APPLICATION, "Application")
    made: dict[str, Any] = {
        "type": _concept(role),
        "who": _logical("Practitioner" if person else "Device", OURS.format("subject"), subject.id),
        "requestor": True,
    }
    if subject.role:
        made["role"] = [_concept((OURS.format("role"), subject.role, ""))]
    if subject.device:
        made["network"] = {"address": subject.device, "type": "1"}
    if jti:
        made["policy"] = [JTI + jti]
    return made


def _destination(recorded: RecordedEvent) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": _concept((DCM, DESTINATION, "Destination Role ID")),
        "who": {"display": recorded.destination or "printer"},
        "requestor": False,
    }
    if recorded.kind is EventKind.PRINT:
        made["media"] = _coding((DCM, "110038", "Paper Document"))
    return made


def _entities(recorded: RecordedEvent) -> list[dict[str, Any]]:
    made = _about(recorded.resource) if recorded.resource else []
    authority = recorded.authority
    if authority.agreement_id:
        made.append(_entity((RESOURCE_TYPES, "Consent", "Consent"), AGREEMENT, authority.agreement_id))
    if authority.decision_id:
        made.append(_entity((ENTITY_TYPE, "2", "System Object"), DECISION, authority.decision_id))
    if authority.token_jti:
        made.append(_entity((ENTITY_TYPE, "2", "System Object"), TOKEN, JTI + authority.token_jti))
    request_id = recorded.detail.get("request_id")
    if isinstance(request_id, str):
        made.append({"type": _coding((BALP_ENTITY, "XrequestId", "")), "what": {"identifier": {"value": request_id}}})
    return made


def _about(resource: RecordedResource) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    if resource.patient:
        patient = _entity((ENTITY_TYPE, "1", "Person"), OURS.format("patient"), resource.patient, "Patient")
        made.append(patient | {"role": _coding((OBJECT_ROLE, "1", "Patient"))})
    if resource.study:
        study = _entity((ENTITY_TYPE, "2", "System Object"), OURS.format("study"), resource.study, "ImagingStudy")
        facts = {
            "body_part": resource.body_part,
            "custodian": resource.custodian,
            "instances": resource.instances,
            "modality": resource.modality,
        }
        detail = [{"type": name, "valueString": str(value)} for name, value in facts.items() if value is not None]
        made.append(study | {"role": _coding((OBJECT_ROLE, "3", "Report"))} | ({"detail": detail} if detail else {}))
    return made


def _entity(kind: _Coding, system: str, value: str, target: str | None = None) -> dict[str, Any]:
    return {"type": _coding(kind), "what": _logical(target, system, value)}


def _logical(target: str | None, system: str, value: str) -> dict[str, Any]:
    reference = {"identifier": {"system": system, "value": value}}
    return ({"type": target} | reference) if target else reference


def _concept(coding: _Coding) -> dict[str, Any]:
    return {"coding": [_coding(coding)]}


def _coding(coding: _Coding) -> dict[str, str]:
    system, code, display = coding
    return {"system": system, "code": code} | ({"display": display} if display else {})
