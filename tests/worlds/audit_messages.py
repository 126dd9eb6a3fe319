"""The words that senders' audit messages are made of: DICOM XML, IHE's form of year 4, FHIR AuditEvents, our own JSON.

All people, numbers and places are made up; NHS numbers are of the 999 range.
"""

import base64
import json
from pathlib import Path

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "audit"
NHS = "9990000018"
STUDY = "1.2.826.0.1.3680043.8.498.10"
OTHER = "1.2.826.0.1.3680043.8.498.20"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
TIME = "2026-11-24T11:58:00.000Z"
DCM = "http://dicom.nema.org/resources/ontology/DCM"


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def coded(tag: str, code: str, text: str = "", system: str = "DCM", dialect: str = "current") -> str:
    names = ("csd-code", "originalText") if dialect == "current" else ("code", "displayName")
    return f'<{tag} {names[0]}="{code}" codeSystemName="{system}" {names[1]}="{text}"/>'


def event(
    code: str,
    *types: str,
    action: str = "R",
    outcome: str = "0",
    time: str = TIME,
    dialect: str = "current",
    more: str = "",
) -> str:
    inner = coded("EventID", code, dialect=dialect) + "".join(
        coded("EventTypeCode", each, dialect=dialect) for each in types
    )
    return (
        f'<EventIdentification EventActionCode="{action}" EventDateTime="{time}" EventOutcomeIndicator="{outcome}">'
        f"{inner}{more}</EventIdentification>"
    )


def source(site: str | None = "RRK", name: str = "vna-1", inner: str = "") -> str:
    where = f' AuditEnterpriseSiteID="{site}"' if site else ""
    return f'<AuditSourceIdentification{where} AuditSourceID="{name}">{inner}</AuditSourceIdentification>'


def participant(user: str, *roles: str, requestor: bool = False, more: str = "", inner: str = "") -> str:
    codes = "".join(coded("RoleIDCode", role) for role in roles)
    asked = str(requestor).lower()
    return f'<ActiveParticipant UserID="{user}" UserIsRequestor="{asked}"{more}>{codes}{inner}</ActiveParticipant>'


def study(uid: str = STUDY, inner: str = "") -> str:
    return (
        f'<ParticipantObjectIdentification ParticipantObjectID="{uid}" ParticipantObjectTypeCode="2" '
        f'ParticipantObjectTypeCodeRole="3">{coded("ParticipantObjectIDTypeCode", "110180", "Study Instance UID")}'
        f"{inner}</ParticipantObjectIdentification>"
    )


def patient(identifier: str = f"{NHS}^^^NHS&amp;2.16.840.1.113883.2.1.4.1&amp;ISO", dialect: str = "current") -> str:
    kind = coded("ParticipantObjectIDTypeCode", "2", "Patient Number", "RFC-3881", dialect)
    return (
        f'<ParticipantObjectIdentification ParticipantObjectID="{identifier}" ParticipantObjectTypeCode="1" '
        f'ParticipantObjectTypeCodeRole="1">{kind}<ParticipantObjectName>Example^Zoë</ParticipantObjectName>'
        "</ParticipantObjectIdentification>"
    )


def message(*parts: str, head: str = HEAD, root: str = "AuditMessage") -> bytes:
    return f"{head}<{root}>{''.join(parts)}</{root}>".encode()


PERSON = ' UserTypeCode="1" NetworkAccessPointID="WS-12" NetworkAccessPointTypeCode="1"'
ARCHIVE = participant("VNA", "110153", more=' UserTypeCode="2" AlternativeUserID="AETITLES=VNA;VNA2"')
READER = participant("jdoe", "110152", requestor=True, more=PERSON)
COUNTS = (
    "<ParticipantObjectDescription>"
    '<SOPClass UID="1.2.840.10008.5.1.4.1.1.2" NumberOfInstances="40"/>'
    '<SOPClass UID="1.2.840.10008.5.1.4.1.1.88.67" NumberOfInstances="2"/>'
    "</ParticipantObjectDescription>"
)
# A C-FIND identifier in implicit VR little endian: QueryRetrieveLevel STUDY, PatientID, StudyInstanceUID (no value).
FIND = (
    b"\x08\x00\x52\x00\x06\x00\x00\x00STUDY "
    b"\x10\x00\x20\x00\x0a\x00\x00\x00" + NHS.encode() + b"\x20\x00\x0d\x00\x00\x00\x00\x00"
)


def dicom_query(raw: bytes) -> str:
    return (
        '<ParticipantObjectIdentification ParticipantObjectID="1.2.840.10008.5.1.4.1.2.2.1" '
        'ParticipantObjectTypeCode="2" ParticipantObjectTypeCodeRole="3">'
        f"{coded('ParticipantObjectIDTypeCode', '110181', 'SOP Class UID')}"
        f"<ParticipantObjectQuery>{b64(raw)}</ParticipantObjectQuery></ParticipantObjectIdentification>"
    )


YEAR4 = (
    "<IHEYr4><InstancesSent><RNode><IP>10.1.2.3</IP><Hname>ws12</Hname><AET>VIEWER</AET></RNode>"
    "<InstanceActionDescription><ObjectAction>Access</ObjectAction><User><LocalUser>jdoe</LocalUser></User>"
    f"<Patient><PatientID>{NHS}</PatientID><PatientName>Example^Zoë</PatientName></Patient><SUID>{STUDY}</SUID>"
    f"</InstanceActionDescription></InstancesSent><Host>vna-1</Host><TimeStamp>{TIME}</TimeStamp></IHEYr4>"
)


def concept(system: str, code: str) -> dict:
    return {"coding": [{"system": system, "code": code}]}


def agent(code: str, user: dict, *, requestor: bool = False, system: str = DCM, **more: object) -> dict:
    return {"type": concept(system, code), "who": user, "requestor": requestor, **more}


CLIENT = agent("110152", {"display": "viewer.example"}, network={"address": "10.1.2.3", "type": "2"})
SERVER = agent("110153", {"reference": "Device/vna"}, network={"address": "https://vna.example/fhir", "type": "5"})
V3 = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
USER = agent("IRCP", {"identifier": {"system": "https://idp.example", "value": "jdoe"}}, requestor=True, system=V3)
ORGANISATION = agent(
    "PROV",
    {"identifier": {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "RKB"}},
    system="http://terminology.hl7.org/CodeSystem/v3-RoleClass",
)
PATIENT = {
    "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-entity-type", "code": "1"},
    "role": {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": "1"},
    "what": {"identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": NHS}},
}
DATA = {
    "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-entity-type", "code": "2"},
    "role": {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": "4"},
    "what": {"identifier": {"system": "urn:dicom:uid", "value": f"urn:oid:{STUDY}"}},
}
REQUEST_ID = {
    "type": {"system": "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "code": "XrequestId"},
    "what": {"identifier": {"value": "76d148b6-586d-11ec-bf63-0242ac130002"}},
}
CONSENT = {
    "type": {"system": "http://hl7.org/fhir/resource-types", "code": "Consent"},
    "what": {"reference": "Consent/DSA-1"},
}
TOKEN = {
    "type": {"code": "UserOauthAgent"},
    "what": {"identifier": {"value": "urn:ietf:params:oauth:jti:c187cc48"}},
}
RAW_QUERY = f"GET fhir.example/ImagingStudy?patient.identifier={NHS}&_count=10\nAccept: application/fhir+json\n"
QUERY = {
    "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-entity-type", "code": "2"},
    "role": {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": "24"},
    "query": b64(RAW_QUERY.encode()),
}


def audit_event(
    code: str,
    *subtypes: str,
    agents: list[dict],
    entities: list[dict],
    action: str = "R",
    system: str = DCM,
    **more: object,
) -> dict:
    return {
        "resourceType": "AuditEvent",
        "type": {"system": system, "code": code},
        "subtype": [{"code": each} for each in subtypes],
        "action": action,
        "recorded": TIME,
        "outcome": "0",
        "agent": agents,
        "source": {"site": "RRK", "observer": {"display": "vna-1"}},
        "entity": entities,
    } | more


REST = "http://terminology.hl7.org/CodeSystem/audit-event-type"
READ = audit_event("rest", "read", agents=[CLIENT, SERVER, USER], entities=[PATIENT, DATA, REQUEST_ID], system=REST)
FHIR_XML = f"""<AuditEvent xmlns="http://hl7.org/fhir"><type><system value="{REST}"/><code value="rest"/></type>
<subtype><code value="read"/></subtype><action value="R"/><recorded value="{TIME}"/><outcome value="0"/>
<agent><type><coding><system value="{V3}"/><code value="IRCP"/></coding></type>
<who><identifier><value value="jdoe"/></identifier></who><requestor value="true"/></agent>
<source><site value="RRK"/><observer><display value="vna-1"/></observer></source>
<entity><what><identifier><system value="https://fhir.nhs.uk/Id/nhs-number"/><value value="{NHS}"/></identifier></what>
<type><code value="1"/></type><role><code value="1"/></role></entity></AuditEvent>"""
NATIVE = {
    "id": "evt-1",
    "time": TIME,
    "source": {"id": "vna-1", "ods": "RRK"},
    "kind": "access",
    "outcome": "success",
    "subject": {"id": "jdoe", "type": "practitioner", "role": "consultant_radiologist", "ods": "RKB"},
    "purpose": "TREAT",
    "resource": {"study_uid": STUDY, "modality": "CT", "patient": NHS, "custodian": "RRK"},
    "authority": {"decision_id": "d-1", "token_jti": "j-1", "agreement_id": "A-1"},
}


def native(**changes: object) -> bytes:
    return json.dumps({name: value for name, value in (NATIVE | changes).items() if value is not None}).encode()


def golden(kind: str) -> list[Path]:
    """Give the golden files below a folder, in order."""
    return sorted(path for path in (GOLDEN / kind).iterdir() if path.is_file())
